#include "tests/unit/unit.h"

#include "boot/madt.h"

#define HEADER 44

/* A MADT with a local APIC, two I/O APICs around an override, and something new. */
static uint32_t make_madt(uint8_t *madt)
{
	static const uint8_t entries[] = {
		0,    8,  0, 0, 1, 0,	 0,    0,		  /* processor local APIC */
		1,    12, 2, 0, 0, 0,	 0xc0, 0xfe, 0,	 0, 0, 0, /* I/O APIC at FEC00000h */
		2,    10, 0, 0, 2, 0,	 0,    0,    0,	 0,	  /* interrupt source override */
		1,    12, 3, 0, 0, 0x10, 0xc0, 0xfe, 24, 0, 0, 0, /* FEC01000h */
		0x7f, 3,  0,
	};

	memset(madt, 0, HEADER);
	memcpy(madt + HEADER, entries, sizeof(entries));
	return HEADER + sizeof(entries);
}

static void every_io_apic_of_the_madt_is_found(void **state)
{
	uint8_t madt[256];
	uint32_t length = make_madt(madt), address[4] = {};

	(void)state;
	assert_int_equal(madt_ioapics(madt, length, address, 4), 2);
	assert_int_equal(address[0], 0xfec00000);
	assert_int_equal(address[1], 0xfec01000);
	assert_int_equal(madt_ioapics(madt, length, address, 1), 1);
}

static void a_madt_cut_short_anywhere_is_read_up_to_there(void **state)
{
	uint8_t madt[256];
	uint32_t whole = make_madt(madt), address[4];

	(void)state;
	for (uint32_t length = 0; length <= whole; length++) {
		uint8_t *copy = exact_copy(madt, length);
		unsigned int expected = (length >= HEADER + 20) + (length >= HEADER + 42);

		assert_int_equal(madt_ioapics(copy, length, address, 4), expected);
		free(copy);
	}
}

static void an_entry_without_length_or_too_short_is_no_io_apic(void **state)
{
	uint8_t madt[256];
	uint32_t length = make_madt(madt), address[4];

	(void)state;
	madt[HEADER + 8 + 1] = 0;
	assert_int_equal(madt_ioapics(madt, length, address, 4), 0);
	madt[HEADER + 8 + 1] = 1;
	assert_int_equal(madt_ioapics(madt, length, address, 4), 0);
	make_madt(madt);
	madt[HEADER + 8] = 9;
	assert_int_equal(madt_ioapics(madt, length, address, 4), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_io_apic_of_the_madt_is_found),
		cmocka_unit_test(a_madt_cut_short_anywhere_is_read_up_to_there),
		cmocka_unit_test(an_entry_without_length_or_too_short_is_no_io_apic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
