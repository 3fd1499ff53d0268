#include "vmm/load/elf_symbols.h"

#include <elf.h>

#include "lib/string.h"

#define STEP	     32	 /* symbols: a microsecond, and a hundred in an emulator */
#define SECTIONS_MAX 128 /* in which the table is looked for */

static bool within(const struct elf_symbols *s, uint64_t offset, uint64_t length)
{
	return offset <= s->size && length <= s->size - offset;
}

/* Both widths are handled as the 64-bit one. */
static bool read_header(struct elf_symbols *s)
{
	Elf64_Ehdr wide;
	Elf32_Ehdr narrow;

	if (s->is64) {
		if (!within(s, 0, sizeof(wide)))
			return false;
		memcpy(&wide, s->file, sizeof(wide));
		s->sections = wide.e_shoff;
		s->section_size = wide.e_shentsize;
		s->section_count = wide.e_shnum;
		return s->section_size >= sizeof(Elf64_Shdr);
	}
	if (!within(s, 0, sizeof(narrow)))
		return false;
	memcpy(&narrow, s->file, sizeof(narrow));
	s->sections = narrow.e_shoff;
	s->section_size = narrow.e_shentsize;
	s->section_count = narrow.e_shnum;
	return s->section_size >= sizeof(Elf32_Shdr);
}

static bool read_section(const struct elf_symbols *s, uint64_t index, Elf64_Shdr *section)
{
	const uint8_t *at = s->file + s->sections + index * s->section_size;
	Elf32_Shdr narrow;

	if (index >= s->section_count)
		return false;
	if (s->is64) {
		memcpy(section, at, sizeof(*section));
		return true;
	}
	memcpy(&narrow, at, sizeof(narrow));
	*section = (Elf64_Shdr){
		.sh_type = narrow.sh_type,
		.sh_flags = narrow.sh_flags,
		.sh_addr = narrow.sh_addr,
		.sh_offset = narrow.sh_offset,
		.sh_size = narrow.sh_size,
		.sh_link = narrow.sh_link,
		.sh_entsize = narrow.sh_entsize,
	};
	return true;
}

static Elf64_Sym read_symbol(const struct elf_symbols *s, uint64_t index)
{
	const uint8_t *at = s->file + s->table + index * s->entry_size;
	Elf64_Sym wide;
	Elf32_Sym narrow;

	if (s->is64) {
		memcpy(&wide, at, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, at, sizeof(narrow));
	return (Elf64_Sym){
		.st_name = narrow.st_name,
		.st_value = narrow.st_value,
		.st_size = narrow.st_size,
		.st_info = narrow.st_info,
		.st_shndx = narrow.st_shndx,
	};
}

static bool use_table(struct elf_symbols *s, const Elf64_Shdr *table)
{
	uint64_t smallest = s->is64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	Elf64_Shdr names;

	if (table->sh_entsize < smallest || !within(s, table->sh_offset, table->sh_size) ||
	    !read_section(s, table->sh_link, &names) || names.sh_type != SHT_STRTAB ||
	    !within(s, names.sh_offset, names.sh_size))
		return false;
	s->table = table->sh_offset;
	s->entry_size = table->sh_entsize;
	s->count = table->sh_size / table->sh_entsize;
	s->names = names.sh_offset;
	s->names_size = names.sh_size;
	return true;
}

void elf_symbols_init(struct elf_symbols *symbols, const void *file, uint64_t size)
{
	struct elf_symbols s = {.file = file, .size = size};
	Elf64_Shdr section;

	*symbols = s;
	if (size < EI_NIDENT || memcmp(file, ELFMAG, SELFMAG))
		return;
	s.is64 = s.file[EI_CLASS] == ELFCLASS64;
	if (!read_header(&s) || !within(&s, s.sections, s.section_count * s.section_size))
		return;
	for (uint64_t i = 0; i < s.section_count && i < SECTIONS_MAX; i++) {
		if (!read_section(&s, i, &section) || section.sh_type != SHT_SYMTAB ||
		    !use_table(&s, &section))
			continue;
		*symbols = s;
		return;
	}
}

void elf_search_begin(struct elf_search *search, uint64_t address)
{
	*search = (struct elf_search){.address = address};
}

static bool names_code(const Elf64_Sym *symbol)
{
	unsigned char type = ELF64_ST_TYPE(symbol->st_info);

	return (type == STT_NOTYPE || type == STT_FUNC) && symbol->st_shndx != SHN_UNDEF &&
	       symbol->st_name;
}

/* Where a label without a size ends at the latest. */
static uint64_t section_end(const struct elf_symbols *s, const Elf64_Sym *symbol)
{
	Elf64_Shdr section;

	if (!read_section(s, symbol->st_shndx, &section) || !(section.sh_flags & SHF_EXECINSTR) ||
	    symbol->st_value < section.sh_addr)
		return 0;
	return section.sh_addr + section.sh_size;
}

/*
 * The one that begins last before the address; but one whose size says so before all others, so
 * that labels within a function do not hide its name.
 */
static void consider(const struct elf_symbols *s, struct elf_search *search, uint64_t index)
{
	Elf64_Sym symbol = read_symbol(s, index);
	bool sized;

	if (!names_code(&symbol) || symbol.st_value > search->address)
		return;
	sized = search->address - symbol.st_value < symbol.st_size;
	if (search->found &&
	    (search->sized != sized ? search->sized : symbol.st_value < search->best))
		return;
	search->found = true;
	search->sized = sized;
	search->best = symbol.st_value;
	search->best_name = symbol.st_name;
	search->best_end = symbol.st_size ? 0 : section_end(s, &symbol);
}

bool elf_search_step(const struct elf_symbols *symbols, struct elf_search *search)
{
	for (int i = 0; i < STEP && search->next < symbols->count; i++)
		consider(symbols, search, search->next++);
	return search->next >= symbols->count;
}

bool elf_search_name(const struct elf_symbols *symbols, const struct elf_search *search, char *name,
		     size_t size, uint64_t *offset)
{
	const char *from = (const char *)symbols->file + symbols->names + search->best_name;
	size_t length = 0;

	if (!search->found || (!search->sized && search->address >= search->best_end))
		return false;
	while (length < size - 1 && search->best_name + length < symbols->names_size &&
	       from[length]) {
		name[length] = from[length] > ' ' && from[length] < 0x7f ? from[length] : '?';
		length++;
	}
	name[length] = '\0';
	*offset = search->address - search->best;
	return length;
}
