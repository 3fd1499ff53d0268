/* vmm/hole_step.c: of several vCPUs one does so at a time, and none waits for ever for another. */
#include "tests/unit/unit.h"

#include "boot/memory.h"
#include "vmm/debugged.h"
#include "vmm/hole_step.h"
#include "vmm/mail.h"
#include "vmm/pcpu.h"
#include "vmm/request.h"
#include "vmm/vm.h"
#include "vmx/capabilities.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

#define HOLE 0xd0000000ull

static const struct vmx_capabilities capabilities = {.monitor_trap = true};
static struct pcpu pcpu;
static struct vm vm;
static struct vcpu vcpus[2];
static unsigned int loans, refreshed, taken;
static uint32_t asked;

struct vm *debugged_vm;
struct debugged debugged;
struct cpu *cpus[MAX_CPUS];
volatile uint32_t cpu_count = 1;

const struct vmx_capabilities *vmx_capabilities(void)
{
	return &capabilities;
}

void *memory_alloc_page(void)
{
	static uint8_t page[EPT_LOAN_TABLES + 1][4096];
	assert_true(taken < EPT_LOAN_TABLES + 1);
	return page[taken++];
}

void memory_free_page(void *page)
{
	(void)page;
}

void vmcs_write(enum vmcs_field field, uint64_t value)
{
	(void)value;
	assert_int_equal(field, VMCS_PRIMARY_CONTROLS);
}

bool ept_lend(struct ept *ept, struct ept_loan *loan, uint64_t gpa, uint64_t hpa)
{
	(void)ept;
	(void)loan;
	(void)gpa;
	(void)hpa;
	loans++;
	return true;
}

void ept_take_back(struct ept *ept, struct ept_loan *loan, uint32_t cpu)
{
	(void)ept;
	(void)loan;
	(void)cpu;
	loans = 0;
}

void ept_refresh(struct ept *ept, uint32_t cpu)
{
	(void)ept;
	(void)cpu;
	refreshed++;
}

void mail_ask(uint64_t asked_cpus, mail_handler *handler, void *arg)
{
	(void)asked_cpus;
	handler(&pcpu, arg);
}

void vcpu_request(struct vcpu *vcpu, uint32_t what)
{
	(void)vcpu;
	asked |= what;
}

void event_go_on(void)
{
}

static int begin(void **state)
{
	(void)state;
	memset(&vm, 0, sizeof(vm));
	memset(vcpus, 0, sizeof(vcpus));
	vm.vcpu_count = 2;
	for (uint32_t i = 0; i < 2; i++) {
		vcpus[i].vm = &vm;
		vcpus[i].id = i;
		vcpus[i].pcpu = &pcpu;
		vcpus[i].state = VCPU_RUNNABLE;
		vm.vcpu[i] = &vcpus[i];
	}
	loans = refreshed = taken = 0;
	asked = 0;
	return 0;
}

static bool traps(const struct vcpu *vcpu)
{
	return vcpu->events.primary_controls & PRIMARY_MONITOR_TRAP_FLAG;
}

static void another_one_waits_until_it_is_done(void **state)
{
	(void)state;
	assert_true(hole_step_begin(&vcpus[0], HOLE));
	assert_true(traps(&vcpus[0]));
	assert_true(hole_step_begin(&vcpus[1], HOLE + 0x1000));
	assert_false(traps(&vcpus[1]));
	assert_int_equal(asked, VCPU_YIELD);
	assert_int_equal(loans, 1);
	exit_monitor_trap(&vcpus[0]);
	assert_int_equal(loans, 0);
	assert_int_equal(refreshed, 1);
	assert_true(hole_step_begin(&vcpus[1], HOLE + 0x1000));
	assert_true(traps(&vcpus[1]));
	assert_int_equal(loans, 1);
}

/* It got INIT in the middle, or has halted: it may never go on. */
static void another_one_does_not_wait_for_one_that_does_not_run(void **state)
{
	(void)state;
	assert_true(hole_step_begin(&vcpus[0], HOLE));
	vcpus[0].state = VCPU_WAITS;
	assert_true(hole_step_begin(&vcpus[1], HOLE + 0x1000));
	assert_true(traps(&vcpus[1]));
	assert_int_equal(asked, 0);
	assert_int_equal(loans, 1);
	/* when it goes on, that ends no step of the other's */
	vcpus[0].state = VCPU_RUNNABLE;
	exit_monitor_trap(&vcpus[0]);
	assert_false(traps(&vcpus[0]));
	assert_int_equal(loans, 1);
	exit_monitor_trap(&vcpus[1]);
	assert_int_equal(loans, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(another_one_waits_until_it_is_done, begin),
		cmocka_unit_test_setup(another_one_does_not_wait_for_one_that_does_not_run, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
