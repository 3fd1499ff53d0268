/* vmm/look/guest_view.c and backtrace.c over the memory of a guest that has paging on. */
#include "tests/unit/page_walk_fixture.h"

#include "vmm/look/backtrace.h"
#include "vmm/look/guest_view.h"

#define HERE 0x800u /* in the page, which is at linear 0 too */

static struct guest_view view;

static int setup_view(void **unused)
{
	setup(unused);
	view = (struct guest_view){.ram = &ram, .paging = true, .state = state};
	return 0;
}

static void put_frame(uint32_t at, uint32_t size, uint64_t caller, uint64_t address)
{
	memcpy(memory + FRAME + at, &caller, size);
	memcpy(memory + FRAME + at + size, &address, size);
}

static void expect_end(struct backtrace *trace)
{
	uint64_t address;

	assert_false(backtrace_next(trace, &view, &address));
}

static void expect_address(struct backtrace *trace, uint64_t wanted)
{
	uint64_t address;

	assert_true(backtrace_next(trace, &view, &address));
	assert_int_equal(address, wanted);
}

static void memory_is_read_through_the_page_tables_and_not_marked(void **unused)
{
	uint64_t before[PAGES * 512], value;

	(void)unused;
	put_frame(HERE, 8, 0x1234567890, 0);
	memcpy(before, memory, sizeof(before));
	assert_int_equal(guest_view_read(&view, HERE, &value, 8), 0);
	assert_int_equal(value, 0x1234567890);
	assert_memory_equal(memory, before, sizeof(before));
}

static void permissions_do_not_matter_to_who_only_looks(void **unused)
{
	uint8_t byte;

	(void)unused;
	view.state.cpl = 3;
	*entry(0) = FRAME | P; /* the supervisor's */
	assert_int_equal(guest_view_read(&view, HERE, &byte, 1), 0);
	view.state.cr4 |= CR4_SMAP | CR4_PKE;
	view.state.pkru = ~0u;
	*entry(0) = FRAME | ALL;
	assert_int_equal(guest_view_read(&view, HERE, &byte, 1), 0);
}

static void what_is_not_mapped_or_not_memory_cannot_be_read(void **unused)
{
	uint8_t bytes[16];

	(void)unused;
	assert_int_equal(guest_view_read(&view, 0x1000, bytes, 1), -EFAULT);
	assert_int_equal(guest_view_read(&view, 0xff8, bytes, 16), -EFAULT); /* its second half */
	assert_int_equal(guest_view_read(&view, HERE | BIT(48), bytes, 1), -EFAULT);
	assert_int_equal(guest_view_read(&view, HERE | BIT(63), bytes, 1), -EFAULT);
	*entry(0) = 0x40000000 | ALL;
	assert_int_equal(guest_view_read(&view, HERE, bytes, 1), -EFAULT);
	view.state.cr3 = 0x40000000;
	assert_int_equal(guest_view_read(&view, HERE, bytes, 1), -EFAULT);
}

static void without_paging_the_address_is_the_physical_one_in_32_bits(void **unused)
{
	uint32_t value;

	(void)unused;
	view.paging = false;
	view.state.efer = 0;
	put_frame(HERE, 4, 0xabcdef01, 0);
	assert_int_equal(guest_view_read(&view, (1ull << 32) + FRAME + HERE, &value, 4), 0);
	assert_int_equal(value, 0xabcdef01);
}

static void with_pae_paging_the_registers_lead_to_the_tables(void **unused)
{
	uint32_t value;

	(void)unused;
	view.state.efer = 0;
	view.pdpte[3] = TABLE1 | P;
	*entry(1) = TABLE0 | ALL;
	put_frame(HERE, 4, 0x5a5a5a5a, 0);
	assert_int_equal(guest_view_read(&view, 0xc0000000 + HERE, &value, 4), 0);
	assert_int_equal(value, 0x5a5a5a5a);
	assert_int_equal(guest_view_read(&view, HERE, &value, 4), -EFAULT);
}

static void each_frame_gives_a_return_address_up_to_the_outermost(void **unused)
{
	(void)unused;
	for (uint32_t width = 4; width <= 8; width += 4) {
		struct backtrace trace = {.frame = HERE, .width = width};

		put_frame(HERE, width, HERE + 0x40, 0x1111);
		put_frame(HERE + 0x40, width, HERE + 0x80, 0x2222);
		put_frame(HERE + 0x80, width, 0, 0x3333);
		expect_address(&trace, 0x1111);
		expect_address(&trace, 0x2222);
		expect_address(&trace, 0x3333);
		expect_end(&trace);
	}
}

static void frames_lie_in_the_stack_segment(void **unused)
{
	struct backtrace trace = {.frame = HERE, .width = 4, .base = 0x100};

	(void)unused;
	put_frame(HERE + 0x100, 4, 0, 0x1111);
	expect_address(&trace, 0x1111);
}

static void what_is_no_frame_ends_it(void **unused)
{
	struct backtrace odd = {.frame = HERE + 2, .width = 8};
	struct backtrace away = {.frame = 0x5000, .width = 8};
	struct backtrace half = {.frame = 0xff8, .width = 8};
	struct backtrace nowhere = {.frame = HERE, .width = 8};

	(void)unused;
	memset(memory + FRAME, 0x44, 0x1000);
	put_frame(HERE, 8, 0, 0); /* an address that nothing returns to */
	expect_end(&odd);
	expect_end(&away);
	expect_end(&half);
	expect_end(&nowhere);
}

static void a_circle_of_frames_and_a_long_chain_come_to_an_end(void **unused)
{
	struct backtrace back = {.frame = HERE, .width = 8}, chain = back;

	(void)unused;
	put_frame(HERE, 8, HERE, 0x1111);
	expect_address(&back, 0x1111);
	expect_end(&back);
	for (uint32_t i = 0; i < 40; i++)
		put_frame(HERE + 16 * i, 8, HERE + 16 * (i + 1), 0x1000 + i);
	for (uint32_t i = 0; i < BACKTRACE_FRAMES_MAX; i++)
		expect_address(&chain, 0x1000 + i);
	expect_end(&chain);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_view, teardown)
	const struct CMUnitTest tests[] = {
		TEST(memory_is_read_through_the_page_tables_and_not_marked),
		TEST(permissions_do_not_matter_to_who_only_looks),
		TEST(what_is_not_mapped_or_not_memory_cannot_be_read),
		TEST(without_paging_the_address_is_the_physical_one_in_32_bits),
		TEST(with_pae_paging_the_registers_lead_to_the_tables),
		TEST(each_frame_gives_a_return_address_up_to_the_outermost),
		TEST(frames_lie_in_the_stack_segment),
		TEST(what_is_no_frame_ends_it),
		TEST(a_circle_of_frames_and_a_long_chain_come_to_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
