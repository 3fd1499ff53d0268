#include "vmm/sched/offline.h"

#include <stddef.h>
#include <stdint.h>

#include "fpu/owner.h"
#include "lib/console.h"
#include "vmm/loaded.h"
#include "vmm/online.h"
#include "vmm/pcpu.h"
#include "vmm/sched/slice.h"
#include "vmm/sched/turns.h"
#include "vmm/vm.h"

/* One that is here belongs to this CPU until it gives it up, wherever it waits. */
static void give_up_all(struct pcpu *pcpu)
{
	for (uint32_t i = 0; i < vms_count(); i++) {
		const struct vm *vm = vm_at(i);

		for (uint32_t n = 0; n < vm->vcpu_count; n++)
			loaded_give_up(pcpu, vm->vcpu[n]);
	}
}

static void leave(struct pcpu *pcpu)
{
	struct vcpu *vcpu;

	/* from here on nobody puts one into its queue: see turns_put() */
	__atomic_fetch_and(&online_cpus, ~pcpu_bit(pcpu), __ATOMIC_SEQ_CST);
	while ((vcpu = turns_take_any(pcpu)) != NULL)
		turns_put(pcpu, vcpu);
	deschedule(pcpu);
	give_up_all(pcpu);
	fpu_offline(&pcpu->fpu);
}

void offline_follow(struct pcpu *pcpu)
{
	/* not before those have come back that are to: there is always one that can run each VM */
	if (online_is(pcpu) && (online_wanted & ~online_cpus))
		return;
	if (online_is(pcpu))
		leave(pcpu);
	else
		__atomic_fetch_or(&online_cpus, pcpu_bit(pcpu), __ATOMIC_SEQ_CST);
	record("cpu-state cpu=%u state=%s", pcpu->cpu.id, online_is(pcpu) ? "online" : "offline");
}
