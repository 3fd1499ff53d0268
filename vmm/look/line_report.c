/* What is told of a guest that runs: what waits for it, and what it leaves for. */
#include "vmm/interrupts.h"
#include "vmm/look/line.h"
#include "vmm/vm.h"
#include "vmx/vmcs_bits.h"

#define KINDS_MAX 4 /* of exits, in a line */

bool look_pending(struct vcpu *vcpu, struct vm_look *look)
{
	const struct vmx_events *events = &vcpu->events;
	const char *none = "nothing";

	look_add(look, "pending: ");
	if (events->info & INTERRUPTION_VALID) {
		look_add_event(look, events->info);
		none = "";
	}
	if (events->nmi_pending) {
		look_add(look, "%sNMI", *none ? "" : ", ");
		none = "";
	}
	for (unsigned int word = 0; word < 4; word++) {
		for (uint64_t left = events->irq_pending[word]; left; left &= left - 1) {
			look_add(look, "%sinterrupt 0x%x", *none ? "" : ", ",
				 64 * word + __builtin_ctzll(left));
			none = "";
		}
	}
	if (interrupts_wait(vcpu)) {
		look_add(look, "%s%s interrupt", *none ? "" : ", ",
			 lapic_highest(&vcpu->lapic) >= 0 ? "a local APIC's" : "an 8259's");
		none = "";
	}
	look_add(look, "%s; CR8=%u; its timer ", none, vcpu_cr8(vcpu));
	if (vcpu->call_deadline == VCPU_TIMER_OFF)
		look_add(look, "is off");
	else
		look_add(look, "gives vector 0x%x", vcpu->timer_vector);
	return true;
}

bool look_exits(struct vcpu *vcpu, struct vm_look *look)
{
	struct exit_watch watch = vcpu->watch;
	const struct exit_kind *kind;
	uint32_t others = watch.others;
	char what[64];

	look_add(look, "while it was watched it left for ");
	if (!watch.kinds)
		look_add(look, "nothing: it %s",
			 vcpu->state == VCPU_HALTED ? "halts" : "computes, or had no turn");
	for (int i = 0; (kind = exit_watch_take(&watch)); i++) {
		if (i >= KINDS_MAX) {
			others += kind->count;
			continue;
		}
		exit_kind_describe(kind, what, sizeof(what));
		look_add(look, "%s%s: %u times, from 0x%lx", i ? "; " : "", what, kind->count,
			 kind->rip);
	}
	if (others)
		look_add(look, "; others: %u times", others);
	return true;
}
