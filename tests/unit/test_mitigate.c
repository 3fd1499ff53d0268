/* vmx/mitigate.c and vmx/barriers.S: the jumps over what is not taken, and what is long, run here.
 */
#include "tests/unit/unit.h"

#include "vmx/entry.h"
#include "vmx/mitigate.h"

#define SITE   16
#define FILLER 0x90

const struct mitigation_site mitigation_sites[1], mitigation_sites_end[1];
const char vmx_exit[1], vmx_exit_mitigated[1];
extern uint32_t mitigations_history[2];

struct vmx_outcome vmx_enter(struct vmx_guest *guest, bool launched)
{
	(void)guest;
	(void)launched;
	abort();
}

struct vmx_outcome vmx_enter_mitigated(struct vmx_guest *guest, bool launched)
{
	return vmx_enter(guest, launched);
}

static uint8_t text[3 * SITE];

static void patch(uint32_t steps)
{
	/* one below the other, and a short one within the last */
	struct mitigation_site sites[] = {
		{(uint64_t)text, (uint64_t)text + SITE, STEP_VERW},
		{(uint64_t)text + SITE, (uint64_t)text + SITE + 5, STEP_RSB_FILL},
		{(uint64_t)text + 2 * SITE, (uint64_t)text + 3 * SITE, STEP_SPEC_CTRL | STEP_IBPB},
	};

	memset(text, FILLER, sizeof(text));
	mitigate_sites(sites, sites + ARRAY_SIZE(sites), steps);
}

static bool is_jump(unsigned int at, uint32_t distance)
{
	return text[at] == 0xe9 && get32(text + at + 1) == distance;
}

static void a_stretch_is_jumped_over_unless_one_of_its_steps_is_taken(void **state)
{
	(void)state;
	patch(0);
	assert_true(is_jump(0, SITE - 5) && is_jump(SITE, 0) && is_jump(2 * SITE, SITE - 5));
	for (unsigned int i = 0; i < sizeof(text); i++)
		assert_true(i % SITE < 5 || text[i] == FILLER);
	patch(STEP_VERW);
	assert_int_equal(text[0], FILLER);
	assert_true(is_jump(SITE, 0) && is_jump(2 * SITE, SITE - 5));
	patch(STEP_IBPB | STEP_RSB_FILL);
	assert_true(is_jump(0, SITE - 5));
	assert_int_equal(text[SITE], FILLER);
	assert_int_equal(text[2 * SITE], FILLER);
}

/* Calls one of vmx/barriers.S with what the way of an entry has in RDI and RSI. */
#define RUN(name)                                                                                  \
	do {                                                                                       \
		uint64_t rdi = 0x1122334455667788, rsi = 0x99aabbccddeeff00, before, after;        \
		__asm__ volatile("mov %%rsp, %2\n"                                                 \
				 "call " #name "\n"                                                \
				 "mov %%rsp, %3\n"                                                 \
				 : "+D"(rdi), "+S"(rsi), "=&r"(before), "=&r"(after)               \
				 :                                                                 \
				 : "rax", "rcx", "rdx", "memory", "cc");                           \
		assert_int_equal(rdi, 0x1122334455667788);                                         \
		assert_int_equal(rsi, 0x99aabbccddeeff00);                                         \
		assert_int_equal(before, after);                                                   \
	} while (0)

static void what_is_long_comes_back_with_stack_and_operands_as_they_were(void **state)
{
	(void)state;
	RUN(fill_return_stack);
	RUN(fill_l1d);
	for (uint32_t n = 1; n <= 12; n++) {
		mitigations_history[0] = n;
		mitigations_history[1] = 13 - n;
		RUN(clear_branch_history);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stretch_is_jumped_over_unless_one_of_its_steps_is_taken),
		cmocka_unit_test(what_is_long_comes_back_with_stack_and_operands_as_they_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
