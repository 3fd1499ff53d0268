#include "vmm/request.h"

#include "vmm/mail.h"
#include "vmm/pcpu.h"
#include "vmm/vcpu.h"

void (*request_offer)(const struct pcpu *at, const struct vcpu *vcpu);

/* It may change its CPU as long as that CPU's queue is not locked. */
static struct pcpu *lock_queue(struct vcpu *vcpu)
{
	for (;;) {
		struct pcpu *at = vcpu->at;

		spin_lock(&at->queue.lock);
		if (vcpu->at == at)
			return at;
		spin_unlock(&at->queue.lock);
	}
}

/*
 * Before the lock is taken the word was written: who puts the vCPU to sleep looks at it under the
 * lock, and who enters it looks after it has granted entries.
 */
static void wake(struct vcpu *vcpu)
{
	struct pcpu *at = lock_queue(vcpu);

	if (vcpu->place.sleeper)
		queue_wake(&at->queue, &vcpu->place);
	spin_unlock(&at->queue.lock);
	mail_kick(at);
}

void vcpu_request(struct vcpu *vcpu, uint32_t what)
{
	__atomic_fetch_or(&vcpu->pending, what, __ATOMIC_SEQ_CST);
	if (this_pcpu()->turn == vcpu)
		vmx_ask_to_return(&vcpu->guest.entries_left);
	else
		wake(vcpu);
}

void vcpu_tell(struct vcpu *vcpu)
{
	struct pcpu *at;
	struct vcpu *turn;
	bool woken;

	if (__atomic_fetch_or(&vcpu->pending, VCPU_INTERRUPT, __ATOMIC_SEQ_CST) & VCPU_INTERRUPT)
		return; /* it has been told, and has not looked yet */
	at = lock_queue(vcpu);
	woken = vcpu->place.sleeper;
	if (woken)
		queue_wake(&at->queue, &vcpu->place);
	turn = at->turn; /* a turn begins under this lock, or is NULL before it does */
	spin_unlock(&at->queue.lock);
	if (!turn || turn == vcpu)
		mail_kick(at);
	else if (woken)
		request_offer(at, vcpu);
}
