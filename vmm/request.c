#include "vmm/request.h"

#include "vmm/pcpu.h"
#include "vmm/vcpu.h"

void vcpu_request(struct vcpu *vcpu, uint32_t what)
{
	__atomic_fetch_or(&vcpu->pending, what, __ATOMIC_RELAXED);
	vmx_ask_to_return(&vcpu->guest.entries_left);
	if (vcpu->place.sleeper)
		queue_wake(&vcpu->pcpu->queue, &vcpu->place);
}
