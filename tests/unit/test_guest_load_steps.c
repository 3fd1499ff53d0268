/* What is large goes over page by page, so that others get their turns in between. */
#include "tests/unit/elf_image.h"

#include "lib/refusal.h"
#include "vmm/guest_ram.h"
#include "vmm/load/load.h"
#include "vmm/load/kernel.h"

#define MIB	0x100000ull
#define RUBBISH 0xEE

static uint8_t file[ELF_IMAGE_SIZE], memory[4 * MIB], before[4 * MIB];
static struct guest_ram ram = {1, sizeof(memory), {{0, sizeof(memory), memory}}};
static struct guest_image kernel;
static struct guest_load loading;
static uint8_t bytes[64 * 4096 + 1];
static const struct guest_module module = {bytes, sizeof(bytes), "name"};
static const struct guest_start with_module = {.cmdline = "", .module_count = 1, .module = &module};

static int start(void **state)
{
	struct refusal refusal = {};

	(void)state;
	memset(memory, RUBBISH, sizeof(memory));
	memset(bytes, 0x5A, sizeof(bytes));
	elf_build(file, false);
	if (kernel_parse(&kernel, file, sizeof(file), &refusal))
		return -1;
	return guest_load(&loading, &ram, &kernel, &with_module, &refusal);
}

static uint8_t *loaded_module(void)
{
	uint32_t modules, at;

	memcpy(&modules, memory + loading.entry.ebx + MULTIBOOT1_MODS_ADDR, sizeof(modules));
	memcpy(&at, memory + modules, sizeof(at));
	return memory + at;
}

static void no_step_writes_more_than_a_page(void **state)
{
	bool finished = false;

	(void)state;
	while (!finished) {
		size_t first = 0, last = sizeof(memory);

		memcpy(before, memory, sizeof(memory));
		finished = guest_load_step(&loading, &ram);
		while (first < last && memory[first] == before[first])
			first++;
		while (last > first && memory[last - 1] == before[last - 1])
			last--;
		assert_in_range(last - first, 1, 4096);
	}
	assert_memory_equal(loaded_module(), bytes, sizeof(bytes));
	assert_int_equal(loaded_module()[sizeof(bytes)], RUBBISH);
	assert_true(guest_load_step(&loading, &ram)); /* and goes on saying so */
}

static void a_load_can_begin_again_before_it_has_ended(void **state)
{
	struct refusal refusal = {};

	(void)state;
	for (unsigned int i = 0; i < 20; i++)
		assert_false(guest_load_step(&loading, &ram));
	assert_int_equal(guest_load(&loading, &ram, &kernel, &with_module, &refusal), 0);
	while (!guest_load_step(&loading, &ram))
		;
	assert_memory_equal(loaded_module(), bytes, sizeof(bytes));
	assert_memory_equal(memory + 0x100000, file + ELF_CODE, ELF_CODE_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(no_step_writes_more_than_a_page, start),
		cmocka_unit_test_setup(a_load_can_begin_again_before_it_has_ended, start),
	};

	return cmocka_run_group_tests_name("guest_load_steps", tests, NULL, NULL);
}
