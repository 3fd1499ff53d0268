/* vmx/bitmaps.c: every bit of the MSR and I/O bitmaps, against the table in docs/guests.md. */
#include "tests/unit/unit.h"

#include "vmx/bitmaps.h"

#define MSRS 0x2000

/* SDM Vol. 3C 24.6.9 */
enum half {
	READ_LOW = 0,
	READ_HIGH = 1024,
	WRITE_LOW = 2048,
	WRITE_HIGH = 3072,
};

static const struct {
	uint32_t msr;
	bool write;
} no_exit[] = {
	{0xc0000100, true},  /* FS_BASE */
	{0xc0000101, true},  /* GS_BASE */
	{0x174, true},	     /* SYSENTER_CS */
	{0x175, false},	     /* SYSENTER_ESP */
	{0x176, false},	     /* SYSENTER_EIP */
	{0x277, true},	     /* PAT */
	{0xc0000102, true},  /* KERNEL_GS_BASE */
	{0xc0000081, false}, /* STAR */
	{0xc0000082, false}, /* LSTAR */
	{0xc0000083, false}, /* CSTAR */
	{0xc0000084, false}, /* FMASK */
	{0x10, false},	     /* TSC */
};

static int setup(void **state)
{
	(void)state;
	bitmaps_init();
	return 0;
}

static bool exits(uint64_t bitmap, uint32_t bit)
{
	return ((const uint8_t *)(uintptr_t)bitmap)[bit / 8] & 1 << bit % 8;
}

#define SPEC_CTRL 0x48 /* of a guest for which it is switched */

static bool switched; /* which of the two sets is looked at */

/* TPR and EOI of a local APIC in x2APIC mode. */
static bool of_x2apic(enum msr_bitmap which, uint32_t msr, bool write)
{
	return (which != MSR_BITMAP && msr == 0x808) ||
	       (which == MSR_BITMAP_X2APIC_EOI && msr == 0x80b && write);
}

static bool expected_to_exit(enum msr_bitmap which, uint32_t msr, bool write)
{
	if (of_x2apic(which, msr, write) || (switched && msr == SPEC_CTRL))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(no_exit); i++)
		if (no_exit[i].msr == msr)
			return write && !no_exit[i].write;
	return true;
}

static void expect_half(enum half half, uint32_t first, bool write)
{
	for (enum msr_bitmap which = 0; which < MSR_BITMAPS; which++)
		for (uint32_t i = 0; i < MSRS; i++)
			if (exits(msr_bitmap_address(which, switched) + half, i) !=
			    expected_to_exit(which, first + i, write))
				fail_msg("bitmap %u, %s of MSR 0x%x", which,
					 write ? "write" : "read", first + i);
}

static void test_every_msr_exits_but_those_of_the_list(void **state)
{
	(void)state;
	for (int set = 0; set < 2; set++) {
		switched = set;
		expect_half(READ_LOW, 0, false);
		expect_half(READ_HIGH, 0xc0000000, false);
		expect_half(WRITE_LOW, 0, true);
		expect_half(WRITE_HIGH, 0xc0000000, true);
	}
}

static void test_every_port_exits(void **state)
{
	(void)state;
	for (uint32_t port = 0; port < 0x10000; port++) {
		uint64_t bitmap = port < 0x8000 ? io_bitmap_a_address() : io_bitmap_b_address();

		if (!exits(bitmap, port % 0x8000))
			fail_msg("port 0x%x", port);
	}
}

static void test_each_bitmap_is_a_page_of_its_own(void **state)
{
	const uint64_t pages[] = {
		io_bitmap_a_address(),
		io_bitmap_b_address(),
		msr_bitmap_address(MSR_BITMAP, false),
		msr_bitmap_address(MSR_BITMAP_X2APIC, false),
		msr_bitmap_address(MSR_BITMAP_X2APIC_EOI, false),
		msr_bitmap_address(MSR_BITMAP, true),
		msr_bitmap_address(MSR_BITMAP_X2APIC, true),
		msr_bitmap_address(MSR_BITMAP_X2APIC_EOI, true),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		assert_int_equal(pages[i] % 4096, 0);
		for (size_t other = 0; other < i; other++)
			assert_true(pages[i] != pages[other]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_every_msr_exits_but_those_of_the_list, setup),
		cmocka_unit_test_setup(test_every_port_exits, setup),
		cmocka_unit_test_setup(test_each_bitmap_is_a_page_of_its_own, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
