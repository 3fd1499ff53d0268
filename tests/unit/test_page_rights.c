/*
 * vmm/exit/page_walk.c: who may read and write a page, by its entries, CR0.WP, SMAP and protection
 * keys.
 */
#include "tests/unit/page_walk_fixture.h"

static void wp_decides_whether_a_supervisor_may_write_what_is_read_only(void **unused)
{
	(void)unused;
	*entry(1) &= ~2ull;
	assert_int_equal(page_walk(&ram, &state, 0, true, &walked), PAGE_WALK_FAULT);
	assert_int_equal(walked.error_code, P | W);
	state.cr0 &= ~CR0_WP;
	assert_int_equal(page_walk(&ram, &state, 0, true, &walked), PAGE_WALK_DONE);
	assert_true(page_walk_mark(&ram, &walked));
	assert_int_equal(*entry(0), FRAME | ALL | 0x60);
	state.cpl = 3;
	assert_int_equal(page_walk(&ram, &state, 0, true, &walked), PAGE_WALK_FAULT);
	assert_int_equal(walked.error_code, P | W | U);
}

/* Only if the entries of all levels allow it. */
static void a_user_needs_the_user_bit_at_every_level(void **unused)
{
	(void)unused;
	for (unsigned int level = 0; level < 4; level++) {
		*entry(level) &= ~4ull;
		state.cpl = 0;
		assert_int_equal(page_walk(&ram, &state, 0, false, &walked), PAGE_WALK_DONE);
		state.cpl = 3;
		assert_int_equal(page_walk(&ram, &state, 0, false, &walked), PAGE_WALK_FAULT);
		assert_int_equal(walked.error_code, P | U);
		build(3);
	}
	assert_int_equal(page_walk(&ram, &state, 0, false, &walked), PAGE_WALK_DONE);
}

static void smap_bars_the_supervisor_from_user_pages_unless_ac_is_set(void **unused)
{
	(void)unused;
	state.cr4 |= CR4_SMAP;
	assert_int_equal(page_walk(&ram, &state, 0, false, &walked), PAGE_WALK_FAULT);
	assert_int_equal(walked.error_code, P);
	state.rflags = RFLAGS_AC;
	assert_int_equal(page_walk(&ram, &state, 0, false, &walked), PAGE_WALK_DONE);
	state.rflags = 0;
	*entry(1) &= ~4ull;
	assert_int_equal(page_walk(&ram, &state, 0, false, &walked), PAGE_WALK_DONE);
}

/* SDM Vol. 3A 4.6.2, for one page that has the key 5. */
static void a_protection_key_bars_what_its_bits_of_pkru_say(void **unused)
{
	const uint32_t access_disable = 1u << 10, write_disable = 1u << 11;

	(void)unused;
	state.cr4 |= CR4_PKE;
	*entry(0) |= 5ull << 59;
	state.pkru = access_disable;
	assert_int_equal(page_walk(&ram, &state, 0, false, &walked), PAGE_WALK_FAULT);
	assert_int_equal(walked.error_code, P | KEY);
	state.pkru = write_disable;
	assert_int_equal(page_walk(&ram, &state, 0, false, &walked), PAGE_WALK_DONE);
	assert_int_equal(page_walk(&ram, &state, 0, true, &walked), PAGE_WALK_FAULT);
	assert_int_equal(walked.error_code, P | W | KEY);
	/* without CR0.WP the supervisor may write all the same, and a user may not */
	state.cr0 &= ~CR0_WP;
	assert_int_equal(page_walk(&ram, &state, 0, true, &walked), PAGE_WALK_DONE);
	state.cpl = 3;
	assert_int_equal(page_walk(&ram, &state, 0, true, &walked), PAGE_WALK_FAULT);
	assert_int_equal(walked.error_code, P | W | U | KEY);
	/* keys are those of user pages */
	state.cpl = 0;
	state.pkru = access_disable;
	*entry(2) &= ~4ull;
	assert_int_equal(page_walk(&ram, &state, 0, false, &walked), PAGE_WALK_DONE);
	/* with the other keys' bits all set nothing is barred */
	build(3);
	*entry(0) |= 5ull << 59;
	state.pkru = ~(access_disable | write_disable);
	assert_int_equal(page_walk(&ram, &state, 0, true, &walked), PAGE_WALK_DONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(wp_decides_whether_a_supervisor_may_write_what_is_read_only),
		TEST(a_user_needs_the_user_bit_at_every_level),
		TEST(smap_bars_the_supervisor_from_user_pages_unless_ac_is_set),
		TEST(a_protection_key_bars_what_its_bits_of_pkru_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
