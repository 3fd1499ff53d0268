#include "tests/unit/unit.h"

#include "vmm/guest_ram.h"
#include "vmm/hypercall.h"
#include "vmm/load/firmware.h"
#include "vmm/load/firmware_rom.h"

#define MIB 0x100000u

static uint8_t memory[MIB];
static struct guest_ram ram;

static int setup(void **state)
{
	(void)state;
	memset(memory, 0xEE, sizeof(memory));
	/* two extents that meet within the interrupt vector table */
	ram = (struct guest_ram){
		.count = 2,
		.size = MIB,
		.extent = {{0, 0x123, memory}, {0x123, MIB - 0x123, memory + 0x123}},
	};
	firmware_install(&ram);
	return 0;
}

static uint16_t word_at(uint32_t at)
{
	uint16_t value;

	memcpy(&value, memory + at, sizeof(value));
	return value;
}

static void every_vector_leads_to_an_entry_that_names_it(void **state)
{
	(void)state;
	for (unsigned vector = 0; vector < 256; vector++) {
		uint32_t entry = (word_at(vector * 4 + 2) << 4) + word_at(vector * 4);
		uint32_t target;

		if (vector == 0x08 || vector == 0x1C) {
			assert_int_equal(entry, 0xFF000 + (vector == 0x08 ? FIRMWARE_TICK
									  : FIRMWARE_TICK_HOOK));
			entry = 0xFF000 + vector * FIRMWARE_ENTRY_SIZE; /* where it may go on */
		}
		assert_in_range(entry, 0xF0000, 0xFFFF0 - FIRMWARE_ENTRY_SIZE);
		assert_int_equal(memory[entry], 0xBB); /* MOV BX, */
		assert_int_equal(word_at(entry + 1), vector);
		if (memory[entry + 3] == 0xEB) /* JMP, near or nearer */
			target = entry + 5 + (uint32_t)(int8_t)memory[entry + 4];
		else
			target = entry + 6 + (uint32_t)(int16_t)word_at(entry + 4);
		assert_true(memory[entry + 3] == 0xEB || memory[entry + 3] == 0xE9);
		assert_int_equal(target, 0xFF800);
	}
}

static void the_entries_make_the_hypercall(void **state)
{
	static const uint8_t vmcall[] = {0x0F, 0x01, 0xC1};
	const uint8_t *at = memory + 0xFF800;

	(void)state;
	assert_memory_equal(at + 9, "\x66\xB8", 2); /* MOV EAX, */
	assert_int_equal(get32(memory + 0xFF80B), HYPERCALL_NO_BIOS);
	assert_memory_equal(at + 15, vmcall, sizeof(vmcall));
}

static void the_data_area_tells_of_this_machine(void **state)
{
	(void)state;
	assert_int_equal(word_at(0x400), 0x3F8);
	for (unsigned port = 0x402; port < 0x40E; port += 2)
		assert_int_equal(word_at(port), 0);
	assert_int_equal(word_at(0x40E) << 4, FIRMWARE_EBDA);
	assert_int_equal(word_at(0x413) * 1024, FIRMWARE_EBDA);
	assert_int_equal(word_at(0x410) & 0x0E02, 0x0202); /* x87, one serial port */
	assert_int_equal(word_at(0x410) & 0xC1C1, 0);	   /* no diskette, no printer */
	assert_int_equal(word_at(0x41A), word_at(0x41C));  /* no key */
	assert_int_equal(word_at(0x41A), word_at(0x480));
	assert_int_equal(memory[0x449], 3);
	assert_int_equal(word_at(0x44A), 80);
	assert_int_equal(word_at(0x44C), 0x1000);
	assert_int_equal(word_at(0x450), 0); /* the cursor of page 0 */
	assert_int_equal(memory[0x462], 0);
	assert_int_equal(word_at(0x463), 0x3D4);
	assert_int_equal(get32(memory + 0x46C), 0); /* ticks */
	assert_int_equal(word_at(0x472), 0);	    /* no warm start */
	assert_int_equal(memory[0x475], 0);	    /* no disk */
	assert_int_equal(memory[0x484], 24);
	assert_int_equal(word_at(0x485), 16);
	assert_int_equal(memory[0x496], 0x10); /* a keyboard of 101 keys */
	assert_int_equal(memory[0x497] & 7, 0);
	assert_int_equal(memory[0x500], 0xEE);
}

static void the_extended_data_area_begins_with_its_size(void **state)
{
	(void)state;
	assert_int_equal(memory[FIRMWARE_EBDA - 1], 0xEE);
	assert_int_equal(memory[FIRMWARE_EBDA] * 1024, FIRMWARE_EBDA_SIZE);
	for (size_t i = 1; i < FIRMWARE_EBDA_SIZE; i++)
		assert_int_equal(memory[FIRMWARE_EBDA + i], 0);
	assert_int_equal(FIRMWARE_EBDA + FIRMWARE_EBDA_SIZE, 0xA0000);
}

static void the_reset_vector_and_the_model_are_where_a_pc_has_them(void **state)
{
	(void)state;
	assert_int_equal(memory[0xFFFF0], 0xEA); /* far JMP */
	assert_int_equal(word_at(0xFFFF3), 0xF000);
	assert_memory_equal(memory + 0xF0000 + word_at(0xFFFF1), "\xBA\xF9\x0C", 3);
	assert_int_equal(memory[0xFFFF7], '/');
	assert_int_equal(memory[0xFFFFE], 0xFC);
	assert_int_equal(memory[0xFEFFF], 0xEE);
}

static void memory_that_is_not_there_is_left_out(void **state)
{
	(void)state;
	memset(memory, 0xEE, sizeof(memory));
	ram.count = 1;
	firmware_install(&ram); /* 0x123 bytes: not even the vectors fit */
	for (size_t i = 0; i < sizeof(memory); i++)
		assert_int_equal(memory[i], 0xEE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_vector_leads_to_an_entry_that_names_it, setup),
		cmocka_unit_test_setup(the_entries_make_the_hypercall, setup),
		cmocka_unit_test_setup(the_data_area_tells_of_this_machine, setup),
		cmocka_unit_test_setup(the_extended_data_area_begins_with_its_size, setup),
		cmocka_unit_test_setup(the_reset_vector_and_the_model_are_where_a_pc_has_them,
				       setup),
		cmocka_unit_test_setup(memory_that_is_not_there_is_left_out, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
