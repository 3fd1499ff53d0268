#include "vmm/fpu_policy.h"

#include "fpu/owner.h"
#include "fpu/policy.h"
#include "lib/console.h"
#include "vmm/mail.h"
#include "vmm/pcpu.h"
#include "vmm/vm.h"

/* Whether there are VMs that must not see each other's data, or will be. */
static bool several_domains(void)
{
	uint32_t first = 0;

	for (uint32_t i = 0; i < vms_count(); i++) {
		const struct vm *vm = vm_at(i);

		if (vm->state == VM_ENDED) /* refused, or gone */
			continue;
		if (vm->config.runs > 1 && !vm->config.trust[0]) /* each run has its own */
			return true;
		if (first && vm->domain != first)
			return true;
		first = vm->domain;
	}
	return false;
}

static void warn_of_lazyfp(const struct fpu_cpu *cpu)
{
	static bool warned; /* whoever chose the policy, on any CPU */

	if (warned || (cpu->policy != FPU_LAZY && cpu->policy != FPU_UNLOAD) || !cpu->leaks ||
	    !several_domains())
		return;
	if (__atomic_test_and_set(&warned, __ATOMIC_RELAXED))
		return;
	log_warning("fpu=%s with guests of several trust domains: this CPU may speculate "
		    "past #NM, and a guest could read another's FPU registers "
		    "(CVE-2018-3665). Use fpu=auto, or trust=NAME on the module lines of "
		    "guests that may see each other's data",
		    fpu_policy_name(cpu->policy));
}

static void set(struct pcpu *pcpu, void *policy)
{
	enum fpu_policy wanted = *(const enum fpu_policy *)policy;

	if (pcpu->fpu.policy != wanted)
		fpu_set_policy(&pcpu->fpu, wanted);
}

enum fpu_policy fpu_policy_set(enum fpu_policy policy)
{
	const struct fpu_cpu *cpu = &this_pcpu()->fpu;
	enum fpu_policy before = cpu->policy;

	mail_ask(pcpus_up(), set, &policy);
	warn_of_lazyfp(cpu);
	return before;
}
