#include "vmm/fpu_policy.h"

#include <stdint.h>

#include "fpu/policy.h"
#include "lib/console.h"
#include "vmm/vm.h"

void fpu_policy_warn(const struct fpu_cpu *cpu)
{
	static bool warned; /* by the first CPU, whoever chose the policy */
	uint32_t first = 0;

	if (warned || (cpu->policy != FPU_LAZY && cpu->policy != FPU_UNLOAD) || !cpu->leaks)
		return;
	for (uint32_t i = 0; i < vms_count(); i++) {
		const struct vm *vm = vm_at(i);
		bool renewed = vm->config.runs > 1 && !vm->config.trust[0];

		if (vm->state == VM_ENDED) /* refused, or gone */
			continue;
		first = first ? first : vm->domain;
		if (vm->domain == first && !renewed)
			continue;
		warned = true;
		log_warning("fpu=%s with guests of several trust domains: this CPU may speculate "
			    "past #NM, and a guest could read another's FPU registers "
			    "(CVE-2018-3665). Use fpu=auto, or trust=NAME on the module lines of "
			    "guests that may see each other's data",
			    fpu_policy_name(cpu->policy));
		return;
	}
}

void fpu_policy_set(struct fpu_cpu *cpu, enum fpu_policy policy)
{
	fpu_set_policy(cpu, policy);
	fpu_policy_warn(cpu);
}
