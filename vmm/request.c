#include "vmm/request.h"

#include "vmm/mail.h"
#include "vmm/pcpu.h"
#include "vmm/vcpu.h"

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
