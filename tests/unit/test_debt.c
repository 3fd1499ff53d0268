/* vmm/vm.h: what a VM owes, where CPUs that run its vCPUs pay at once. */
#include <signal.h>

#include "tests/unit/unit.h"

#include "vmm/vm.h"

#define OWED  900u  /* at first */
#define MOST  1000u /* at once */
#define STEPS 60    /* more instructions than a payment has */

static struct vm vm;

static void no_more_is_paid_than_is_owed(void **state)
{
	(void)state;
	vm.debt = 1500;
	assert_int_equal(vm_pays(&vm, MOST), MOST);
	assert_int_equal(vm_pays(&vm, MOST), 500);
	assert_int_equal(vm_pays(&vm, MOST), 0);
	vm_owes(&vm, 7);
	assert_int_equal(vm_pays(&vm, UINT64_MAX), 7);
	assert_int_equal(vm.debt, 0);
}

static volatile unsigned int steps, other_pays_at;
static volatile uint64_t paid_elsewhere;

static void step(int number)
{
	(void)number;
	if (++steps == other_pays_at)
		paid_elsewhere = vm_pays(&vm, MOST);
}

/* From the next instruction but one on each is followed by a trap (RFLAGS.TF). */
static void trace(bool on)
{
	if (on)
		__asm__ volatile("lea -128(%%rsp), %%rsp; pushfq; orl $0x100, (%%rsp); popfq; "
				 "lea 128(%%rsp), %%rsp" ::
					 : "memory", "cc");
	else
		__asm__ volatile("lea -128(%%rsp), %%rsp; pushfq; andl $~0x100, (%%rsp); popfq; "
				 "lea 128(%%rsp), %%rsp" ::
					 : "memory", "cc");
}

/* The other CPU pays after each of the instructions in turn. */
static void nothing_is_paid_twice(void **state)
{
	(void)state;
	signal(SIGTRAP, step);
	for (unsigned int at = 1; at <= STEPS; at++) {
		uint64_t paid;

		vm.debt = OWED;
		steps = 0;
		paid_elsewhere = 0;
		other_pays_at = at;
		trace(true);
		paid = vm_pays(&vm, MOST);
		trace(false);
		assert_in_range(vm.debt, 0, OWED);
		assert_int_equal(paid + paid_elsewhere + vm.debt, OWED);
	}
	signal(SIGTRAP, SIG_DFL);
	assert_in_range(steps, 10, STEPS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_more_is_paid_than_is_owed),
		cmocka_unit_test(nothing_is_paid_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
