#include "vmm/sched/idle.h"

#include <stdbool.h>

#include "boot/clock.h"
#include "fpu/trace.h"
#include "lib/min.h"
#include "lib/panic.h"
#include "lib/x86.h"
#include "vmm/exit/provoke.h"
#include "vmm/monitor.h"
#include "vmm/online.h"
#include "vmm/options.h"
#include "vmm/output.h"
#include "vmm/pcpu.h"
#include "vmm/sched/balance.h"
#include "vmm/sched/enter.h"
#include "vmm/sched/slice.h"
#include "vmm/sched/turns.h"
#include "vmm/vm.h"

/* After others know that it halts. */
static bool has_work(struct pcpu *pcpu)
{
	if (!vms_alive || online_changes(pcpu))
		return true;
	return online_is(pcpu) && (turns_any(pcpu) || balance_any(pcpu));
}

static void halt(struct pcpu *pcpu)
{
	uint64_t deadline = min_u64(queue_next_due(&pcpu->queue), output_due());

	/* one that waits for room in its ring: whoever makes it tells nobody */
	if (queue_first(&pcpu->queue))
		deadline = min_u64(deadline, rdtsc() + output_period);
	if (!pcpu->cpu.id)
		deadline = min_u64(deadline, monitor_due_idle());
	if (cpus_count() > 1 && online_is(pcpu))
		deadline = min_u64(deadline, balance_next_due(pcpu));
	if (deadline <= rdtsc())
		return;
	deschedule(pcpu);
	fpu_trace(&pcpu->fpu, &pcpu->fpu.host, FPU_TRACE_IDLE);
	pcpu->idles++;
	/* what is asked of it from now on keeps it from halting, or wakes it */
	clock_halt_until(deadline, &pcpu->mail.from);
	notice_nmis(pcpu);
}

void idle(struct pcpu *pcpu, const struct options *options)
{
	if (options->crash == PROVOKE_IDLE)
		panic("crash=idle");
	if (output_due() != OUTPUT_NEVER && output_send())
		return;
	if (cpus_count() > 1)
		balance_idle(pcpu, true);
	if (!has_work(pcpu))
		halt(pcpu);
	if (cpus_count() > 1)
		balance_idle(pcpu, false);
	pcpu->mail.kicked = 0;
}
