/* vmm/load/elf_symbols.c: which name an address has, in either width, and in files that lie. */
#include "tests/unit/unit.h"

#include <elf.h>

#include "vmm/load/elf_symbols.h"

#define FILE_SIZE 0x600
#define SECTIONS  0x40 /* three: none, .text, .symtab, .strtab */
#define SYMBOLS	  0x200
#define NAMES	  0x500
#define NAMES_MAX 0xa0
#define TEXT	  0x1000ull
#define TEXT_SIZE 0x1000

struct symbol {
	const char *name;
	uint64_t value, size;
	unsigned char type;
	uint16_t section;
};

static uint8_t file[FILE_SIZE];
static uint32_t names_length;

static void put_section(bool wide, unsigned int index, const Elf64_Shdr *section)
{
	uint8_t *at = file + SECTIONS + index * (wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr));
	const Elf32_Shdr narrow = {
		.sh_type = section->sh_type,
		.sh_flags = (uint32_t)section->sh_flags,
		.sh_addr = (uint32_t)section->sh_addr,
		.sh_offset = (uint32_t)section->sh_offset,
		.sh_size = (uint32_t)section->sh_size,
		.sh_link = section->sh_link,
		.sh_entsize = (uint32_t)section->sh_entsize,
	};

	if (wide)
		memcpy(at, section, sizeof(*section));
	else
		memcpy(at, &narrow, sizeof(narrow));
}

static void put_symbol(bool wide, unsigned int index, const struct symbol *symbol)
{
	uint8_t *at = file + SYMBOLS + index * (wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym));
	const Elf64_Sym long_one = {
		.st_name = names_length,
		.st_value = symbol->value,
		.st_size = symbol->size,
		.st_info = symbol->type,
		.st_shndx = symbol->section,
	};
	const Elf32_Sym short_one = {
		.st_name = names_length,
		.st_value = (uint32_t)symbol->value,
		.st_size = (uint32_t)symbol->size,
		.st_info = symbol->type,
		.st_shndx = symbol->section,
	};

	if (wide)
		memcpy(at, &long_one, sizeof(long_one));
	else
		memcpy(at, &short_one, sizeof(short_one));
	memcpy(file + NAMES + names_length, symbol->name, strlen(symbol->name) + 1);
	names_length += strlen(symbol->name) + 1;
}

static void elf_put_headers(uint8_t *image, bool wide, uint32_t offset, uint16_t size)
{
	Elf64_Ehdr *long_one = (Elf64_Ehdr *)image;
	Elf32_Ehdr *short_one = (Elf32_Ehdr *)image;

	if (wide) {
		long_one->e_shoff = offset;
		long_one->e_shentsize = size;
		long_one->e_shnum = 4;
	} else {
		short_one->e_shoff = offset;
		short_one->e_shentsize = size;
		short_one->e_shnum = 4;
	}
}

/* A file with these symbols, behind the empty one that every table begins with. */
static void build(bool wide, const struct symbol *symbols, unsigned int count)
{
	uint64_t entry = wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	const Elf64_Shdr text = {SHT_NULL + 0,
				 SHT_PROGBITS,
				 SHF_ALLOC | SHF_EXECINSTR,
				 TEXT,
				 0,
				 TEXT_SIZE,
				 0,
				 0,
				 0,
				 0};
	const Elf64_Shdr table = {0, SHT_SYMTAB, 0, 0,	  SYMBOLS, (count + 1) * entry,
				  3, 0,		 0, entry};

	memset(file, 0, sizeof(file));
	memcpy(file, ELFMAG, SELFMAG);
	file[EI_CLASS] = wide ? ELFCLASS64 : ELFCLASS32;
	elf_put_headers(file, wide, SECTIONS, wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr));
	names_length = 1;
	for (unsigned int i = 0; i < count; i++)
		put_symbol(wide, i + 1, &symbols[i]);
	put_section(wide, 1, &text);
	put_section(wide, 2, &table);
	put_section(wide, 3, &(Elf64_Shdr){0, SHT_STRTAB, 0, 0, NAMES, names_length, 0, 0, 0, 0});
}

/* "name+offset", or "". */
static const char *name_at(const void *image, size_t size, uint64_t address)
{
	static char text[64];
	struct elf_symbols symbols;
	struct elf_search search;
	uint64_t offset;
	char name[24];

	elf_symbols_init(&symbols, image, size);
	elf_search_begin(&search, address);
	while (!elf_search_step(&symbols, &search))
		;
	text[0] = '\0';
	if (elf_search_name(&symbols, &search, name, sizeof(name), &offset))
		snprintf(text, sizeof(text), "%s+%#lx", name, offset);
	return text;
}

#define AT(address) name_at(file, sizeof(file), address)

static const struct symbol some[] = {
	{"last", 0x1200, 0x40, STT_FUNC, 1},	      {"first", 0x1100, 0x20, STT_FUNC, 1},
	{"label", 0x1180, 0, STT_NOTYPE, 1},	      {"inner", 0x1110, 0, STT_NOTYPE, 1},
	{"data", 0x1210, 0x10, STT_OBJECT, 1},	      {"elsewhere", 0x1120, 0, STT_FUNC, SHN_UNDEF},
	{"constant", 0x1300, 0, STT_NOTYPE, SHN_ABS},
};

static void an_address_has_the_name_of_the_function_it_is_in(void **state)
{
	(void)state;
	for (int wide = 0; wide < 2; wide++) {
		build(wide, some, ARRAY_SIZE(some));
		assert_string_equal(AT(0x1100), "first+0");
		assert_string_equal(AT(0x110f), "first+0xf");
		assert_string_equal(AT(0x123f), "last+0x3f");
	}
}

static void a_label_within_a_function_does_not_hide_it_nor_does_data(void **state)
{
	(void)state;
	for (int wide = 0; wide < 2; wide++) {
		build(wide, some, ARRAY_SIZE(some));
		assert_string_equal(AT(0x1118), "first+0x18");
		assert_string_equal(AT(0x1218), "last+0x18");
	}
}

static void a_label_without_a_size_goes_on_to_the_next_symbol(void **state)
{
	(void)state;
	build(true, some, ARRAY_SIZE(some));
	assert_string_equal(AT(0x117f), "inner+0x6f"); /* behind the end of first */
	assert_string_equal(AT(0x11ff), "label+0x7f");
}

static void beyond_a_functions_size_and_before_the_first_there_is_no_name(void **state)
{
	(void)state;
	build(true, some, ARRAY_SIZE(some));
	assert_string_equal(AT(0x10ff), "");
	assert_string_equal(AT(0x1240), "");
	assert_string_equal(AT(0x1308), "");
	assert_string_equal(AT(UINT64_MAX), "");
}

static void a_label_ends_with_its_section(void **state)
{
	const struct symbol one = {"start", TEXT, 0, STT_NOTYPE, 1};

	(void)state;
	build(false, &one, 1);
	assert_string_equal(AT(TEXT + TEXT_SIZE - 1), "start+0xfff");
	assert_string_equal(AT(TEXT + TEXT_SIZE), "");
}

static void a_name_that_is_not_printable_or_long_is_made_so(void **state)
{
	const struct symbol odd[] = {
		{"a b\n@end\x1b\xff", 0x1100, 0x10, STT_FUNC, 1},
		{"_a_name_that_is_longer_than_there_is_room", 0x1200, 0x10, STT_FUNC, 1},
	};

	(void)state;
	build(true, odd, ARRAY_SIZE(odd));
	assert_string_equal(AT(0x1100), "a?b?@end??+0");
	assert_string_equal(AT(0x1200), "_a_name_that_is_longer_+0");
}

static void a_file_without_symbols_or_that_is_no_elf_has_no_names(void **state)
{
	(void)state;
	build(true, some, ARRAY_SIZE(some));
	put_section(true, 2, &(Elf64_Shdr){0});
	assert_string_equal(AT(0x1100), "");
	build(true, some, ARRAY_SIZE(some));
	file[0] = 0;
	assert_string_equal(AT(0x1100), "");
	for (size_t size = 0; size < 0x60; size++) {
		void *copy = exact_copy(file, size);

		assert_string_equal(name_at(copy, size, 0x1100), "");
		free(copy);
	}
}

static void more_symbols_than_a_step_sees_are_all_seen(void **state)
{
	const unsigned int count = 5000;
	const size_t at = 0x200, names = at + count * sizeof(Elf64_Sym), size = names + 8;
	Elf64_Sym *table;
	uint8_t *large = calloc(1, size);
	struct elf_symbols symbols;
	struct elf_search search;
	unsigned int steps = 1;

	(void)state;
	build(true, some, 0);
	put_section(true, 2,
		    &(Elf64_Shdr){0, SHT_SYMTAB, 0, 0, at, names - at, 3, 0, 0, sizeof(Elf64_Sym)});
	put_section(true, 3, &(Elf64_Shdr){0, SHT_STRTAB, 0, 0, names, 8, 0, 0, 0, 0});
	memcpy(large, file, at);
	table = (Elf64_Sym *)(large + at);
	table[count - 1] = (Elf64_Sym){
		.st_name = 1, .st_info = STT_FUNC, .st_shndx = 1, .st_value = 0x1234, .st_size = 4};
	memcpy(large + names + 1, "end", 4);
	elf_symbols_init(&symbols, large, size);
	elf_search_begin(&search, 0x1236);
	while (!elf_search_step(&symbols, &search))
		steps++;
	assert_in_range(steps, 50, 500);
	assert_string_equal(name_at(large, size, 0x1236), "end+0x2");
	free(large);
}

/* Within the file as far as the sizes say that it names, and not as far as what is read. */
static void entries_that_are_too_short_are_not_read(void **state)
{
	(void)state;
	for (int wide = 0; wide < 2; wide++) {
		const Elf64_Shdr short_symbols = {0, SHT_SYMTAB, 0, 0, FILE_SIZE - 8,
						  8, 3,		 0, 0, 1};
		uint8_t *copy;

		build(wide, some, ARRAY_SIZE(some));
		put_section(wide, 2, &short_symbols);
		copy = exact_copy(file, FILE_SIZE);
		assert_string_equal(name_at(copy, FILE_SIZE, 0x1100), "");
		free(copy);
		build(wide, some, ARRAY_SIZE(some));
		copy = exact_copy(file, FILE_SIZE);
		elf_put_headers(copy, wide, FILE_SIZE - 4, 1);
		assert_string_equal(name_at(copy, FILE_SIZE, 0x1100), "");
		free(copy);
	}
}

/* Whatever is in it, nothing outside of the file is read. */
static void a_file_that_lies_is_not_believed(void **state)
{
	uint64_t seed = 4711;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		size_t size = 1 + random_next(&seed) % FILE_SIZE;
		uint8_t *copy;

		build(i % 2, some, ARRAY_SIZE(some));
		for (int n = 0; n < 6; n++) {
			uint64_t where = random_next(&seed) % (SYMBOLS + 0x100);

			file[where] = random_next(&seed) % 3 ? (uint8_t)random_next(&seed) : 0xff;
		}
		memcpy(file, ELFMAG, SELFMAG);
		size = i % 3 ? FILE_SIZE : size;
		copy = exact_copy(file, size);
		name_at(copy, size, 0x1000 + random_next(&seed) % 0x400);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_has_the_name_of_the_function_it_is_in),
		cmocka_unit_test(a_label_within_a_function_does_not_hide_it_nor_does_data),
		cmocka_unit_test(a_label_without_a_size_goes_on_to_the_next_symbol),
		cmocka_unit_test(beyond_a_functions_size_and_before_the_first_there_is_no_name),
		cmocka_unit_test(a_label_ends_with_its_section),
		cmocka_unit_test(a_name_that_is_not_printable_or_long_is_made_so),
		cmocka_unit_test(a_file_without_symbols_or_that_is_no_elf_has_no_names),
		cmocka_unit_test(more_symbols_than_a_step_sees_are_all_seen),
		cmocka_unit_test(entries_that_are_too_short_are_not_read),
		cmocka_unit_test(a_file_that_lies_is_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
