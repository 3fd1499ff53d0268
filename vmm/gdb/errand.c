#include "vmm/gdb/errand.h"

#include <stddef.h>

#include "vmm/debugged.h"
#include "vmm/loaded.h"
#include "vmm/mail.h"
#include "vmm/pcpu.h"

struct errand {
	struct vcpu *vcpu;
	void (*loaded)(struct vcpu *vcpu, void *arg);
	void (*fpu)(struct fpu_cpu *cpu, struct vcpu *vcpu, void *arg);
	void *arg;
};

/* Whoever has a turn here goes on with what it had. */
static void do_loaded(struct pcpu *pcpu, void *arg)
{
	const struct errand *errand = arg;
	struct vcpu *before = pcpu->loaded.vcpu;

	loaded_take(pcpu, errand->vcpu);
	errand->loaded(errand->vcpu, errand->arg);
	if (before)
		loaded_take(pcpu, before);
}

static void do_fpu(struct pcpu *pcpu, void *arg)
{
	const struct errand *errand = arg;

	errand->fpu(&pcpu->fpu, errand->vcpu, errand->arg);
}

void errand_loaded(struct vcpu *vcpu, void (*what)(struct vcpu *vcpu, void *arg), void *arg)
{
	struct errand errand = {.vcpu = vcpu, .loaded = what, .arg = arg};
	struct pcpu *has = vcpu->pcpu ? vcpu->pcpu : this_pcpu();

	mail_ask(pcpu_bit(has), do_loaded, &errand);
}

void errand_fpu(struct vcpu *vcpu, void (*what)(struct fpu_cpu *cpu, struct vcpu *vcpu, void *arg),
		void *arg)
{
	struct errand errand = {.vcpu = vcpu, .fpu = what, .arg = arg};
	const struct fpu_cpu *home = vcpu->fpu.context.home;

	mail_ask(pcpu_bit(home ? pcpu_at(home->id) : this_pcpu()), do_fpu, &errand);
}

static void nothing(struct pcpu *pcpu, void *arg)
{
	(void)pcpu;
	(void)arg;
}

/*
 * A CPU that has answered sees that the VM is stopped; and if it had a turn of it, that is seen
 * here until it is over.
 */
bool errand_stands_still(void)
{
	const struct vm *vm = debugged_vm;

	if (!vm_is_stopped(vm))
		return false;
	mail_ask(pcpus_up(), nothing, NULL);
	for (uint32_t i = 0; i < cpus_count(); i++) {
		const struct vcpu *turn = pcpu_at(i)->turn;

		if (turn && turn->vm == vm)
			return false;
	}
	return true;
}
