#include "tests/unit/elf_image.h"

#include "lib/refusal.h"
#include "vmm/load/elf.h"
#include "vmm/load/image.h"

static uint8_t file[ELF_IMAGE_SIZE];
static struct guest_image image;
static struct refusal refusal;
static bool wide;

static int parse_prefix(size_t size)
{
	uint8_t *copy = exact_copy(file, size);
	int result;

	image = (struct guest_image){.file = copy, .size = size};
	refusal.text[0] = '\0';
	result = elf_parse(&image, &refusal);
	if (result) {
		assert_int_equal(result, -ENOEXEC);
		assert_true(refusal.text[0]);
	} else {
		bool inside = false;

		for (uint32_t i = 0; i < image.count; i++) {
			const struct guest_segment *s = &image.segment[i];

			assert_true(s->offset <= size && s->file_size <= size - s->offset);
			assert_true(s->memory_size && s->file_size <= s->memory_size);
			assert_true(s->phys <= UINT64_MAX - s->memory_size);
			inside |= image.entry >= s->phys && image.entry - s->phys < s->file_size;
		}
		assert_true(inside);
	}
	free(copy);
	return result;
}

static int parse(void)
{
	return parse_prefix(ELF_IMAGE_SIZE);
}

static void expect_refusal(const char *says)
{
	assert_int_equal(parse(), -ENOEXEC);
	if (!strstr(refusal.text, says))
		fail_msg("\"%s\" says nothing of \"%s\"", refusal.text, says);
}

/* Every test runs once for each width. */
static int setup32(void **state)
{
	(void)state;
	wide = false;
	elf_build(file, wide);
	return 0;
}

static int setup64(void **state)
{
	(void)state;
	wide = true;
	elf_build(file, wide);
	return 0;
}

static void a_sound_file_gives_its_segments_and_physical_entry(void **state)
{
	(void)state;
	assert_int_equal(parse(), 0);
	assert_int_equal(image.count, 2);
	assert_int_equal(image.entry, 0x100010);
	assert_int_equal(image.segment[0].phys, 0x100000);
	assert_int_equal(image.segment[0].offset, ELF_CODE);
	assert_int_equal(image.segment[1].phys, 0x200000);
	assert_int_equal(image.segment[1].memory_size, ELF_DATA_SIZE + ELF_BSS_SIZE);
}

static void an_entry_point_may_be_physical(void **state)
{
	(void)state;
	elf_put_entry(file, wide, 0x100020);
	assert_int_equal(parse(), 0);
	assert_int_equal(image.entry, 0x100020);
}

static void an_entry_point_outside_the_file_bytes_is_refused(void **state)
{
	static const uint64_t bad[] = {0, 0x100100, 0xC0100100, 0xC00FFFFF,
				       0x200000 + ELF_DATA_SIZE};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		elf_put_entry(file, wide, bad[i]);
		expect_refusal("entry point");
	}
}

static void what_is_no_x86_executable_is_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		const char *says;
	} bad[] = {
		{EI_MAG0, 0x7E, "not an ELF file"},
		{EI_CLASS, 3, "class"},
		{EI_CLASS, ELFCLASSNONE, "class"},
		{EI_DATA, ELFDATA2MSB, "data 2"},
		{EI_VERSION, EV_NONE, "version"},
		{offsetof(Elf64_Ehdr, e_type), ET_DYN, "type 3"},
		{offsetof(Elf64_Ehdr, e_type), ET_REL, "type 1"},
		{offsetof(Elf64_Ehdr, e_machine), EM_ARM, "machine 40"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		elf_build(file, wide);
		file[bad[i].at] = bad[i].value;
		expect_refusal(bad[i].says);
	}
	/* The other width's machine. */
	elf_build(file, wide);
	put16(file + ELF_AT(wide, e_machine), wide ? EM_386 : EM_X86_64);
	expect_refusal("machine");
}

static void program_headers_outside_the_file_are_refused(void **state)
{
	(void)state;
	put16(file + ELF_AT(wide, e_phnum), 0xFFFF);
	expect_refusal("outside the file");
	elf_build(file, wide);
	put16(file + ELF_AT(wide, e_phentsize), ELF_SIZE(wide, Phdr) - 1);
	expect_refusal("program headers of");
	elf_build(file, wide);
	elf_put_word(file + ELF_AT(wide, e_phoff), wide, wide ? UINT64_MAX - 8 : UINT32_MAX - 8);
	expect_refusal("outside the file");
	elf_build(file, wide);
	put16(file + ELF_AT(wide, e_phnum), 0);
	expect_refusal("without anything to load");
}

static void segments_that_cannot_be_are_refused(void **state)
{
	static const struct {
		struct elf_test_segment s;
		const char *says;
	} bad[] = {
		{{ELF_IMAGE_SIZE - 1, 0, 0x200000, 2, 2}, "outside the file"},
		{{ELF_IMAGE_SIZE + 1, 0, 0x200000, 1, 2}, "outside the file"},
		{{ELF_IMAGE_SIZE, 0, 0x200000, 1, 1}, "outside the file"},
		{{0xFFFFFFF0, 0, 0x200000, 0x20, 0x20}, "outside the file"},
		{{ELF_DATA, 0, 0x200000, 8, 7}, "longer in the file"},
		{{ELF_DATA, 0, 0x200000, 8, 0}, "longer in the file"},
		{{ELF_DATA, 0, 0x1000FF, 8, 8}, "overlap"},
		{{ELF_DATA, 0, 0xFFFFF, 0, 2}, "overlap"},
		{{0xFFFFFFFF, 0, 0xFFFFF, 0, 2}, "overlap"},
		{{ELF_DATA, 0, 0x100000, 0x100, 0x100}, "overlap"},
	};
	static const struct elf_test_segment wraps = {ELF_DATA, 0, UINT64_MAX - 6, 8, 8};
	static const struct elf_test_segment far_away = {UINT64_MAX - 3, 0, 0x200000, 8, 8};
	static const struct elf_test_segment no_bytes_wraps = {UINT64_MAX, 0, UINT64_MAX - 6, 0, 8};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		elf_put_segment(file, wide, 1, &bad[i].s);
		expect_refusal(bad[i].says);
	}
	if (!wide)
		return;
	elf_put_segment(file, wide, 1, &wraps);
	expect_refusal("past 2^64");
	elf_put_segment(file, wide, 1, &far_away);
	expect_refusal("outside the file");
	elf_put_segment(file, wide, 1, &no_bytes_wraps);
	expect_refusal("past 2^64");
}

/* As linkers write .bss: whatever the offset would be, nothing is read there. */
static void a_segment_without_file_bytes_may_have_any_offset(void **state)
{
	static const uint64_t offsets[] = {
		0,	    ELF_IMAGE_SIZE - 1, ELF_IMAGE_SIZE,	   ELF_IMAGE_SIZE + 1,
		0x80000000, 0xFFFFF000,		0xFFFFFFFFFFFFull, UINT64_MAX,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		const struct elf_test_segment bss = {offsets[i], 0, 0x200000, 0, ELF_BSS_SIZE};

		elf_put_segment(file, wide, 1, &bss);
		assert_int_equal(parse(), 0);
		assert_int_equal(image.count, 2);
		assert_int_equal(image.segment[1].phys, 0x200000);
		assert_int_equal(image.segment[1].file_size, 0);
		assert_int_equal(image.segment[1].memory_size, ELF_BSS_SIZE);
	}
}

static void what_is_not_to_be_loaded_is_left_out(void **state)
{
	static const struct elf_test_segment empty[] = {
		{ELF_DATA, 0, 0x100000, 0, 0},
		{ELF_IMAGE_SIZE + 1, 0, 0x200000, 0, 0},
		{UINT64_MAX, UINT64_MAX, UINT64_MAX, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(empty); i++) {
		elf_put_segment(file, wide, 1, &empty[i]);
		assert_int_equal(parse(), 0);
		assert_int_equal(image.count, 1);
	}
	elf_build(file, wide);
	put32(file + ELF_HEADERS + ELF_SIZE(wide, Phdr), PT_NOTE);
	assert_int_equal(parse(), 0);
	assert_int_equal(image.count, 1);
}

static void more_segments_than_fit_are_refused(void **state)
{
	static uint8_t big[0x1000];
	struct elf_test_segment s = {0, 0, 0, 1, 1};

	(void)state;
	memcpy(big, file, ELF_IMAGE_SIZE);
	put16(big + ELF_AT(wide, e_phnum), GUEST_SEGMENTS_MAX + 1);
	for (unsigned i = 0; i <= GUEST_SEGMENTS_MAX; i++) {
		s.vaddr = s.paddr = 0x100000 + i;
		elf_put_segment(big, wide, i, &s);
	}
	elf_put_entry(big, wide, 0x100000);
	image = (struct guest_image){.file = big, .size = sizeof(big)};
	assert_int_equal(elf_parse(&image, &refusal), -ENOEXEC);
	assert_non_null(strstr(refusal.text, "more than 32 segments"));
	put16(big + ELF_AT(wide, e_phnum), GUEST_SEGMENTS_MAX);
	image.count = 0;
	assert_int_equal(elf_parse(&image, &refusal), 0);
}

static void every_prefix_is_survived(void **state)
{
	(void)state;
	for (size_t size = 0; size < ELF_IMAGE_SIZE; size++) {
		int result = parse_prefix(size);

		assert_int_equal(result, size < ELF_DATA + ELF_DATA_SIZE ? -ENOEXEC : 0);
	}
}

static void random_damage_is_survived(void **state)
{
	uint64_t seed = 0xE1F;

	(void)state;
	for (int round = 0; round < 30000; round++) {
		elf_build(file, wide);
		for (uint64_t flips = 1 + random_next(&seed) % 6; flips; flips--) {
			uint64_t random = random_next(&seed);

			file[random % ELF_CODE] ^= (uint8_t)(1u << (random >> 32) % 8);
		}
		parse_prefix(random_next(&seed) & 1 ? ELF_IMAGE_SIZE
						    : random_next(&seed) % ELF_IMAGE_SIZE);
	}
}

#define BOTH(test)                                                                                 \
	{#test "_32", test, setup32, NULL, NULL},                                                  \
	{                                                                                          \
#test "_64", test, setup64, NULL, NULL                                             \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(a_sound_file_gives_its_segments_and_physical_entry),
		BOTH(an_entry_point_may_be_physical),
		BOTH(an_entry_point_outside_the_file_bytes_is_refused),
		BOTH(what_is_no_x86_executable_is_refused),
		BOTH(program_headers_outside_the_file_are_refused),
		BOTH(segments_that_cannot_be_are_refused),
		BOTH(a_segment_without_file_bytes_may_have_any_offset),
		BOTH(what_is_not_to_be_loaded_is_left_out),
		BOTH(more_segments_than_fit_are_refused),
		BOTH(every_prefix_is_survived),
		BOTH(random_damage_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
