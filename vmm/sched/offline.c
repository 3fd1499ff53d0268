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

	while ((vcpu = turns_take_any(pcpu)) != NULL)
		turns_put(pcpu, vcpu);
	deschedule(pcpu);
	give_up_all(pcpu);
	fpu_offline(&pcpu->fpu);
}

void offline_follow(struct pcpu *pcpu)
{
	uint64_t online = online_cpus;

	if (online & pcpu_bit(pcpu)) {
		/* not before those have come back that are to: there is always one for each VM */
		if (online_wanted & ~online)
			return;
		/* from here on nobody puts one into its queue: see turns_put() */
		if (!__atomic_compare_exchange_n(&online_cpus, &online, online & ~pcpu_bit(pcpu),
						 false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return; /* another CPU's has changed: it looks again */
		leave(pcpu);
	} else {
		__atomic_fetch_or(&online_cpus, pcpu_bit(pcpu), __ATOMIC_SEQ_CST);
	}
	record("cpu-state cpu=%u state=%s", pcpu->cpu.id, online_is(pcpu) ? "online" : "offline");
}
