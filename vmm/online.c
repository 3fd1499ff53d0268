#include "vmm/online.h"

#include <stddef.h>

#include "lib/errno.h"
#include "lib/refusal.h"
#include "lib/x86.h"
#include "vmm/mail.h"
#include "vmm/vm.h"

volatile uint64_t online_cpus;
volatile uint64_t online_wanted;

void online_init(uint64_t cpus)
{
	online_cpus = online_wanted = cpus;
}

/* A VM that could run nowhere then, or NULL. */
static const struct vm *left_alone_by(uint64_t cpus)
{
	for (uint32_t i = 0; i < vms_count(); i++) {
		const struct vm *vm = vm_at(i);

		if (vm->state != VM_ENDED && (vm->config.cpus & pcpus_up()) &&
		    !(vm->config.cpus & cpus))
			return vm;
	}
	return NULL;
}

int online_ask(uint32_t cpu, bool online, struct refusal *refusal)
{
	uint64_t wanted;
	const struct vm *vm;

	if (cpu >= cpus_count())
		return refuse(refusal, -EINVAL, "there are CPUs 0 to %u", cpus_count() - 1);
	wanted = online_wanted & ~BIT(cpu);
	if (online)
		wanted |= BIT(cpu);
	if (!wanted)
		return refuse(refusal, -EINVAL, "it is the last CPU that is online");
	vm = left_alone_by(wanted);
	if (vm)
		return refuse(refusal, -EINVAL, "VM %s may run on no other CPU that is online",
			      vm->config.name);
	online_wanted = wanted;
	if (pcpu_at(cpu) != this_pcpu())
		mail_kick(pcpu_at(cpu));
	return 0;
}
