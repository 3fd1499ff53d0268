#include "tests/unit/unit.h"

#include "lib/console.h"
#include "vmm/fpu_policy.h"
#include "vmm/vm.h"

static struct vm vms[3];
static unsigned int warnings;

void fpu_set_policy(struct fpu_cpu *cpu, enum fpu_policy policy)
{
	cpu->policy = policy;
}

struct vm *vm_at(uint32_t index)
{
	return &vms[index];
}

uint32_t vms_count(void)
{
	return 3;
}

void log_line(enum log_level level, const char *format, ...)
{
	assert_int_equal(level, LOG_WARNING);
	assert_non_null(strstr(format, "CVE-2018-3665"));
	warnings++;
}

/* The CPU's policies one after the other, and how many warnings they drew. */
static unsigned int warnings_of_all(bool leaks)
{
	struct fpu_cpu cpu = {.leaks = leaks};

	warnings = 0;
	for (unsigned int policy = 0; policy < FPU_POLICIES; policy++) {
		fpu_policy_set(&cpu, (enum fpu_policy)policy);
		assert_int_equal(cpu.policy, policy);
	}
	return warnings;
}

static int make_vms(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 3; i++)
		vms[i] = (struct vm){.state = VM_RUNNING, .domain = 5 + i, .config.runs = 1};
	return 0;
}

static void a_cpu_that_does_not_speculate_past_nm_needs_no_warning(void **state)
{
	(void)state;
	assert_int_equal(warnings_of_all(false), 0);
}

static void guests_of_one_trust_domain_need_no_warning(void **state)
{
	(void)state;
	vms[1].domain = vms[0].domain;
	vms[2].state = VM_ENDED; /* one that is gone has no domain any more */
	assert_int_equal(warnings_of_all(true), 0);
	vms[0].config.runs = 2;
	strcpy(vms[0].config.trust, "lab");
	assert_int_equal(warnings_of_all(true), 0);
}

static void policies_that_never_leave_data_behind_need_no_warning(void **state)
{
	struct fpu_cpu cpu = {.leaks = true};

	(void)state;
	warnings = 0;
	fpu_policy_set(&cpu, FPU_SCRUB);
	fpu_policy_set(&cpu, FPU_EAGER);
	fpu_policy_set(&cpu, FPU_SWAP);
	fpu_policy_set(&cpu, FPU_AUTO);
	assert_int_equal(warnings, 0);
}

static void what_leaves_registers_to_another_domain_draws_one_warning_a_boot(void **state)
{
	(void)state;
	assert_int_equal(warnings_of_all(true), 1);
	assert_int_equal(warnings_of_all(true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_cpu_that_does_not_speculate_past_nm_needs_no_warning,
				       make_vms),
		cmocka_unit_test_setup(guests_of_one_trust_domain_need_no_warning, make_vms),
		cmocka_unit_test_setup(policies_that_never_leave_data_behind_need_no_warning,
				       make_vms),
		cmocka_unit_test_setup(
			what_leaves_registers_to_another_domain_draws_one_warning_a_boot, make_vms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
