/*
 * vmm/fpu_policy.c: the policy is set, and who may be harmed by it is warned, once a boot. So what
 * must not warn comes first.
 */
#include "tests/unit/unit.h"

#include <asm/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fpu/owner.h"
#include "lib/console.h"
#include "vmm/fpu_policy.h"
#include "vmm/pcpu.h"
#include "vmm/vm.h"

#define LAB  FPU_DOMAIN_FIRST
#define ROOM (FPU_DOMAIN_FIRST + 1)

#define CPUS 3
#define OWN  1 /* the CPU where the policy is set */

static struct vm vms[2];
static struct pcpu pcpus[CPUS];
static struct fpu_cpu *const cpu = &pcpus[OWN].fpu;
static unsigned int sets, warnings, asked;

struct cpu *cpus[MAX_CPUS];
volatile uint32_t cpu_count = CPUS;

void mail_ask(uint64_t who, mail_handler *handler, void *arg)
{
	asked++;
	assert_int_equal(who, (1u << CPUS) - 1);
	for (unsigned int i = 0; i < CPUS; i++)
		handler(&pcpus[i], arg);
}

struct vm *vm_at(uint32_t index)
{
	return &vms[index];
}

uint32_t vms_count(void)
{
	return ARRAY_SIZE(vms);
}

void fpu_set_policy(struct fpu_cpu *which, enum fpu_policy policy)
{
	which->policy = policy;
	sets++;
}

void log_line(enum log_level level, const char *format, ...)
{
	(void)format;
	assert_int_equal(level, LOG_WARNING);
	warnings++;
}

static int start(void **state)
{
	(void)state;
	memset(pcpus, 0, sizeof(pcpus));
	for (unsigned int i = 0; i < CPUS; i++) {
		pcpus[i].cpu = (struct cpu){.self = &pcpus[i].cpu, .id = i};
		pcpus[i].fpu = (struct fpu_cpu){.policy = FPU_AUTO, .leaks = true};
	}
	syscall(SYS_arch_prctl, ARCH_SET_GS, &pcpus[OWN]); /* where this_cpu() looks */
	for (unsigned int i = 0; i < ARRAY_SIZE(vms); i++)
		vms[i] = (struct vm){.state = VM_RUNNING, .domain = LAB + i, .config = {.runs = 1}};
	sets = warnings = asked = 0;
	return 0;
}

static void each_policy_is_set_and_the_one_before_returned(void **state)
{
	enum fpu_policy before = cpu->policy;

	(void)state;
	cpu->leaks = false;
	for (unsigned int policy = 0; policy < FPU_POLICIES; policy++) {
		assert_int_equal(fpu_policy_set((enum fpu_policy)policy), before);
		for (unsigned int i = 0; i < CPUS; i++)
			assert_int_equal(pcpus[i].fpu.policy, policy);
		before = (enum fpu_policy)policy;
	}
	assert_int_equal(sets, FPU_POLICIES * CPUS);
	assert_int_equal(asked, FPU_POLICIES);
	assert_int_equal(warnings, 0);
}

static void the_policy_that_there_is_already_is_not_set_again(void **state)
{
	(void)state;
	assert_int_equal(fpu_policy_set(FPU_AUTO), FPU_AUTO);
	assert_int_equal(sets, 0);
	pcpus[0].fpu.policy = FPU_LAZY;
	assert_int_equal(fpu_policy_set(FPU_AUTO), FPU_AUTO);
	assert_int_equal(pcpus[0].fpu.policy, FPU_AUTO);
	assert_int_equal(sets, 1);
}

static void who_cannot_be_harmed_is_not_warned(void **state)
{
	(void)state;
	fpu_policy_set(FPU_EAGER);
	fpu_policy_set(FPU_SWAP);
	fpu_policy_set(FPU_SCRUB);
	fpu_policy_set(FPU_AUTO);
	vms[1].domain = LAB;
	fpu_policy_set(FPU_LAZY);
	fpu_policy_set(FPU_UNLOAD);
	vms[1].domain = ROOM;
	vms[0].state = VM_ENDED;
	fpu_policy_set(FPU_LAZY);
	vms[1].config.runs = 3;
	strcpy(vms[1].config.trust, "lab");
	fpu_policy_set(FPU_UNLOAD);
	assert_int_equal(warnings, 0);
}

/* Also of the policy that is not changed: the one of the boot options. */
static void several_domains_are_warned_of_lazy_once(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < CPUS; i++)
		pcpus[i].fpu.policy = FPU_LAZY;
	fpu_policy_set(FPU_LAZY);
	assert_int_equal(warnings, 1);
	assert_int_equal(sets, 0);
	fpu_policy_set(FPU_UNLOAD);
	fpu_policy_set(FPU_LAZY);
	assert_int_equal(warnings, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(each_policy_is_set_and_the_one_before_returned, start),
		cmocka_unit_test_setup(the_policy_that_there_is_already_is_not_set_again, start),
		cmocka_unit_test_setup(who_cannot_be_harmed_is_not_warned, start),
		cmocka_unit_test_setup(several_domains_are_warned_of_lazy_once, start),
	};

	return cmocka_run_group_tests_name("fpu_policy", tests, NULL, NULL);
}
