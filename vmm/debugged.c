#include "vmm/debugged.h"

struct vm *debugged_vm;
struct debugged debugged;

void debugged_stop(const struct vcpu *vcpu, enum debug_cause cause, const struct debug_point *point)
{
	if (!__atomic_exchange_n(&debugged.stop.taken, true, __ATOMIC_SEQ_CST)) {
		debugged.stop.vcpu = vcpu->id;
		debugged.stop.cause = cause;
		if (point)
			debugged.stop.point = *point;
		__atomic_store_n(&debugged.stop.noted, true, __ATOMIC_SEQ_CST);
	}
	vm_stop(vcpu->vm);
}

void debugged_runs(void)
{
	debugged.stop.noted = false;
	__atomic_store_n(&debugged.stop.taken, false, __ATOMIC_SEQ_CST);
}

void debugged_restarted(struct vm *vm)
{
	for (uint32_t i = 0; i < VM_VCPUS_MAX; i++)
		debugged.vcpu[i] = (struct debugged_vcpu){};
	if (debugged.follows)
		debugged_stop(vm->vcpu[0], DEBUG_RESTARTED, NULL);
}
