#include "vmm/sched/balance.h"

#include <stddef.h>

#include "lib/x86.h"
#include "vmm/mail.h"
#include "vmm/online.h"
#include "vmm/output.h"
#include "vmm/pcpu.h"
#include "vmm/vcpu.h"
#include "vmm/vm.h"

#define LOOKS 32 /* at vCPUs that wait in one queue, at most */

static volatile uint64_t idle_cpus;

/* What it left in that CPU would have to be fetched, if the FPU's registers are changed there. */
static bool is_live(const struct pcpu *pcpu, const struct vcpu *vcpu)
{
	return fpu_resident(&pcpu->fpu, &vcpu->fpu.context);
}

/* It has had less, and by no doing of its own; to a CPU with nothing to do that is all one. */
static bool is_behind(const struct vcpu *vcpu, uint64_t used, uint64_t margin)
{
	if (used == UINT64_MAX)
		return true;
	return !vcpu->gave_up && vcpu->place.used + margin < used;
}

/* One that waits alone on a CPU between two turns has its next one there, at once. */
static bool may_lose_one(const struct pcpu *from)
{
	return from->queue.waiting > (from->turn ? 0 : 1);
}

/* One of those that wait there, and may run here; under the queue's lock. */
struct candidate {
	struct vcpu *vcpu;	    /* or NULL */
	struct queue_place *behind; /* where it stands, or NULL: it is the first */
	bool spares;		    /* one with live registers was passed over */
};

static struct candidate find(struct pcpu *from, const struct pcpu *pcpu, uint64_t used,
			     uint64_t margin)
{
	struct candidate found = {NULL, NULL, false};
	struct queue_place *before = NULL;

	queue_wake_due(&from->queue, rdtsc());
	if (!may_lose_one(from))
		return found;
	for (unsigned int looks = 0; looks < LOOKS; looks++) {
		struct queue_place *place = before ? before->next : from->queue.first;
		struct vcpu *vcpu;

		if (!place)
			break;
		vcpu = vcpu_at(place);
		if ((balance_cpus(vcpu) & pcpu_bit(pcpu)) && is_behind(vcpu, used, margin) &&
		    output_has_room(vcpu->vm)) {
			bool live = is_live(from, vcpu);

			if (!live || !found.vcpu) {
				found.vcpu = vcpu;
				found.behind = before;
			}
			if (!live)
				break;
			found.spares = true;
		}
		before = place;
	}
	return found;
}

static struct vcpu *take(struct pcpu *from, struct pcpu *pcpu, uint64_t used, uint64_t margin)
{
	struct candidate found = find(from, pcpu, used, margin);

	if (!found.vcpu)
		return NULL;
	queue_take_behind(&from->queue, found.behind);
	found.vcpu->at = pcpu;
	pcpu->pulls++;
	pcpu->spared += found.spares && !is_live(from, found.vcpu);
	return found.vcpu;
}

/* Without its lock: what is read may be out of date. */
static bool may_have_one(const struct pcpu *from, uint64_t used, uint64_t margin)
{
	struct queue_place *first = queue_first(&from->queue);

	if (first && is_behind(vcpu_at(first), used, margin) && may_lose_one(from))
		return true;
	return used == UINT64_MAX && from->turn && queue_next_due(&from->queue) <= rdtsc();
}

struct vcpu *balance_pull(struct pcpu *pcpu, uint64_t used, uint64_t margin)
{
	uint32_t count = cpus_count();

	for (uint32_t i = 1; i < count; i++) {
		struct pcpu *from = pcpu_at((pcpu->cpu.id + i) % count);
		struct vcpu *vcpu;

		if (!may_have_one(from, used, margin))
			continue;
		spin_lock(&from->queue.lock);
		vcpu = take(from, pcpu, used, margin);
		spin_unlock(&from->queue.lock);
		if (vcpu)
			return vcpu;
	}
	return NULL;
}

/* It decides about a halt, so it looks at cpus= and at the room for output too. */
bool balance_any(const struct pcpu *pcpu)
{
	bool any = false;

	for (uint32_t i = 0; i < cpus_count() && !any; i++) {
		struct pcpu *from = pcpu_at(i);

		if (from == pcpu || !may_have_one(from, UINT64_MAX, 0))
			continue;
		spin_lock(&from->queue.lock);
		any = find(from, pcpu, UINT64_MAX, 0).vcpu;
		spin_unlock(&from->queue.lock);
	}
	return any;
}

struct pcpu *balance_next(const struct pcpu *pcpu, const struct vcpu *vcpu)
{
	uint64_t cpus = balance_cpus(vcpu);
	uint64_t above = cpus & ~(pcpu_bit(pcpu) | (pcpu_bit(pcpu) - 1));

	return pcpu_at(__builtin_ctzll(above ? above : cpus));
}

void balance_idle(const struct pcpu *pcpu, bool idle)
{
	if (idle)
		__atomic_fetch_or(&idle_cpus, pcpu_bit(pcpu), __ATOMIC_SEQ_CST);
	else
		__atomic_fetch_and(&idle_cpus, ~pcpu_bit(pcpu), __ATOMIC_SEQ_CST);
}

void balance_offer(const struct pcpu *at, const struct vcpu *vcpu)
{
	uint64_t idle;

	/* what was queued is seen by whoever says after this look that it halts */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	idle = idle_cpus & balance_cpus(vcpu);
	if (!idle)
		return;
	if (idle & pcpu_bit(at))
		idle = pcpu_bit(at);
	idle &= -idle;
	/* only one kick for it */
	if (__atomic_fetch_and(&idle_cpus, ~idle, __ATOMIC_SEQ_CST) & idle)
		mail_kick(pcpu_at(__builtin_ctzll(idle)));
}

uint64_t balance_next_due(const struct pcpu *pcpu)
{
	/* one that is due already, and may not run here, is no reason not to halt */
	uint64_t due = QUEUE_NEVER, soonest = rdtsc() + output_period;

	for (uint32_t i = 0; i < cpus_count(); i++) {
		const struct pcpu *other = pcpu_at(i);
		uint64_t next;

		if (other == pcpu || (idle_cpus & pcpu_bit(other)))
			continue;
		next = queue_next_due(&other->queue);
		next = next > soonest ? next : soonest;
		due = next < due ? next : due;
	}
	return due;
}
