#include "vmm/interrupts.h"

#include <stddef.h>

#include "lib/min.h"
#include "lib/x86.h"
#include "vmm/chip/lapic_send.h"
#include "vmm/request.h"
#include "vmm/vm.h"
#include "vmx/vmcs.h"

void interrupts_reset(struct vcpu *vcpu)
{
	lapic_reset(&vcpu->lapic, vcpu->id, vcpu->id == 0);
	if (vcpu->id == 0)
		lapic_as_firmware_leaves_it(&vcpu->lapic);
	vcpu->apicv.given = false;
	vcpu->apicv.aside = APICV_THERE;
	if (vcpu->apicv.page)
		event_attend(&vcpu->events);
	vcpu->inbox = (struct lapic_inbox){};
	vcpu->call_deadline = VCPU_TIMER_OFF;
	vcpu->timer_deadline = min_u64(lapic_deadline(&vcpu->lapic), vcpu->vm->pc.deadline);
}

/* A VM's first vCPU has the 8259s' interrupts, and its chips' time. */
static bool has_pc(const struct vcpu *vcpu)
{
	return vcpu->id == 0;
}

static bool pic_waits(const struct vcpu *vcpu)
{
	return has_pc(vcpu) && i8259_interrupts(&vcpu->vm->pc.pic) &&
	       lapic_takes_extint(&vcpu->lapic);
}

/* While the local APIC's priorities are given it may wait for its turn still. */
static bool interrupts_may_wait(const struct vcpu *vcpu)
{
	return lapic_highest(&vcpu->lapic) >= 0 || pic_waits(vcpu);
}

bool interrupts_wait(struct vcpu *vcpu)
{
	if (vcpu->apicv.given && !apicv_is_idle(&vcpu->apicv, &vcpu->lapic))
		apicv_take(vcpu);
	return interrupts_may_wait(vcpu);
}

static bool is_for(const struct vcpu *vcpu, const struct vcpu *sender,
		   const struct apic_message *message)
{
	bool lowest = message->delivery == APIC_LOWEST_PRIORITY;
	bool to_others = message->shorthand == APIC_ALL_BUT_SELF;

	if (vcpu == sender && (to_others || !lowest))
		return false; /* it has taken its own share: lapic_next_message() */
	if (!to_others && !lapic_is_destination(&vcpu->lapic, message))
		return false;
	return !lowest || lapic_is_enabled(&vcpu->lapic);
}

/* Another's APIC is its own CPU's, which may be in the middle of something there. */
static void hand_over(struct vcpu *here, struct vcpu *vcpu, const struct apic_message *message)
{
	if (vcpu == here) {
		lapic_accept(&vcpu->lapic, message);
		return;
	}
	lapic_inbox_put(&vcpu->inbox, message);
	vcpu_tell(vcpu);
}

/*
 * From the CPU of `here`. One of lowest priority goes to one of those that it is for, and nothing
 * says to which: in turn.
 */
static __attribute__((noinline)) void deliver(struct vcpu *here, const struct vcpu *sender,
					      const struct apic_message *message)
{
	struct vm *vm = here->vm;
	bool lowest = message->delivery == APIC_LOWEST_PRIORITY;
	uint32_t first = lowest ? vm->next_lowest : 0;

	for (uint32_t i = 0; i < vm->vcpu_count; i++) {
		struct vcpu *vcpu = vm->vcpu[(first + i) % vm->vcpu_count];

		if (!is_for(vcpu, sender, message))
			continue;
		hand_over(here, vcpu, message);
		if (!lowest)
			continue;
		vm->next_lowest = (vcpu->id + 1) % vm->vcpu_count;
		return;
	}
}

/* What chips and APICs have to say to each other. */
static void pass_messages(struct vcpu *vcpu)
{
	struct pc *pc = &vcpu->vm->pc;
	struct apic_message message;
	uint8_t vector;

	if (vcpu->lapic.signals && lapic_next_message(&vcpu->lapic, &message))
		deliver(vcpu, vcpu, &message);
	if (vcpu->lapic.signals && lapic_next_eoi(&vcpu->lapic, &vector))
		i82093_eoi(&pc->ioapic, vector);
	while (i82093_next_message(&pc->ioapic, &message))
		deliver(vcpu, NULL, &message);
}

/* What it had of an earlier life goes when it is started: vcpu_start_up(). */
static void wait_for_startup(struct vcpu *vcpu)
{
	lapic_init_signal(&vcpu->lapic);
	vcpu->call_deadline = VCPU_TIMER_OFF;
	vcpu->state = VCPU_WAITS;
	vmx_ask_to_return(&vcpu->guest.entries_left);
}

/* INIT starts the first CPU from its reset vector, where firmware resets the PC. */
static void take_signals(struct vcpu *vcpu)
{
	struct lapic *lapic = &vcpu->lapic;

	if (lapic->signals & LAPIC_INIT) {
		lapic->signals &= ~LAPIC_INIT;
		if (has_pc(vcpu))
			vm_reset(vcpu->vm);
		else
			wait_for_startup(vcpu);
	}
	lapic->signals &= ~LAPIC_EXTINT;
	if (vcpu->state == VCPU_WAITS) {
		lapic->signals &= ~(LAPIC_NMI | LAPIC_NMI_AGAIN);
		return;
	}
	lapic->signals &= ~LAPIC_STARTUP;
	if (lapic->signals & LAPIC_NMI) {
		lapic_take_nmi(lapic);
		event_pend_nmi(&vcpu->events);
	}
}

void vcpu_set_deadline(struct vcpu *vcpu)
{
	uint64_t deadline = min_u64(vcpu->call_deadline, lapic_deadline(&vcpu->lapic));

	if (has_pc(vcpu))
		deadline = min_u64(deadline, vcpu->vm->pc.deadline);
	if (deadline < vcpu->timer_deadline) /* this entry's timer may be set for a later one */
		vmx_ask_to_return(&vcpu->guest.entries_left);
	vcpu->timer_deadline = deadline;
}

/* Another vCPU, on its CPU, has to do with what has changed of the chips here. */
static void tell_first(struct vm *vm)
{
	struct vcpu *first = vm->vcpu[0];

	if (vm->pc.deadline < first->timer_deadline ||
	    i8259_interrupts(&vm->pc.pic) != (first->lapic.lint & 1))
		vcpu_tell(first);
}

static inline void look_at_all(struct vcpu *vcpu)
{
	pass_messages(vcpu);
	if (has_pc(vcpu))
		lapic_set_lint(&vcpu->lapic, 0, i8259_interrupts(&vcpu->vm->pc.pic));
	if (vcpu->lapic.signals)
		take_signals(vcpu);
	vcpu_set_deadline(vcpu);
	if (interrupts_may_wait(vcpu))
		event_attend(&vcpu->events);
}

static __attribute__((noinline)) void changed_of_several(struct vcpu *vcpu)
{
	bool locked = vm_lock_pc(vcpu->vm);

	look_at_all(vcpu);
	if (!has_pc(vcpu))
		tell_first(vcpu->vm);
	vm_unlock_pc(vcpu->vm, locked);
}

void interrupts_changed(struct vcpu *vcpu)
{
	if (vm_is_shared(vcpu->vm))
		changed_of_several(vcpu);
	else
		look_at_all(vcpu);
}

void interrupts_arrived(struct vcpu *vcpu)
{
	bool locked = vm_lock_pc(vcpu->vm);

	lapic_inbox_empty(&vcpu->inbox, &vcpu->lapic);
	interrupts_changed(vcpu);
	vm_unlock_pc(vcpu->vm, locked);
	/* it is started at the beginning of a turn */
	if (vcpu->lapic.signals & LAPIC_STARTUP)
		__atomic_fetch_or(&vcpu->pending, VCPU_INTERRUPT, __ATOMIC_SEQ_CST);
}

/* A call's timer has an interrupt that TPR keeps back, or had. */
static bool apicv_has_threshold(const struct vcpu *vcpu)
{
	return vcpu->apicv.threshold ||
	       (vcpu->events.irq_words && !event_interrupt_pending(&vcpu->events, vcpu_cr8(vcpu)));
}

void interrupts_changed_at_length(struct vcpu *vcpu)
{
	interrupts_changed(vcpu);
	vcpu_request(vcpu, 0);
}

static inline bool hand_next(struct vcpu *vcpu)
{
	bool wait = interrupts_wait(vcpu);

	if (!wait || !event_takes_interrupt(&vcpu->events))
		return wait;
	event_hand_interrupt(&vcpu->events, pic_waits(vcpu) ? i8259_acknowledge(&vcpu->vm->pc.pic)
							    : lapic_take(&vcpu->lapic));
	return interrupts_may_wait(vcpu);
}

static __attribute__((noinline)) bool hand_next_of_several(struct vcpu *vcpu)
{
	bool locked = vm_lock_pc(vcpu->vm);
	bool wait = hand_next(vcpu);

	vm_unlock_pc(vcpu->vm, locked);
	return wait;
}

void interrupts_prepare(struct vcpu *vcpu)
{
	bool wait = vm_is_shared(vcpu->vm) ? hand_next_of_several(vcpu) : hand_next(vcpu);

	event_prepare_entry(&vcpu->events, vcpu_cr8(vcpu), wait);
	if (vcpu->apicv.page && (!vcpu->apicv.given || apicv_has_threshold(vcpu))) {
		vcpu_lapic(vcpu);
		apicv_give(vcpu, wait);
	}
}

bool interrupts_may_come(const struct vcpu *vcpu)
{
	return lapic_can_interrupt_by_timer(&vcpu->lapic) ||
	       pc_may_interrupt(&vcpu->vm->pc, has_pc(vcpu) && lapic_hears_lint0(&vcpu->lapic));
}

void vcpu_set_tsc_offset(struct vcpu *vcpu, uint64_t offset)
{
	vcpu->tsc_offset = offset;
	vmcs_write(VMCS_TSC_OFFSET, offset);
	lapic_set_tsc_offset(&vcpu->lapic, offset, rdtsc());
}

static inline void poll_devices(struct vcpu *vcpu, uint64_t now)
{
	bool apic = now >= lapic_deadline(&vcpu->lapic);
	bool pc = has_pc(vcpu) && now >= vcpu->vm->pc.deadline;

	if (apic)
		lapic_poll(&vcpu->lapic, &pc_rates.lapic, now);
	if (pc)
		pc_poll(&vcpu->vm->pc, now);
	if (apic || pc)
		interrupts_changed(vcpu);
}

static void call_timer(struct vcpu *vcpu)
{
	vcpu->call_deadline = VCPU_TIMER_OFF;
	if (vcpu->timer_vector == VECTOR_NMI)
		event_pend_nmi(&vcpu->events);
	else
		event_pend_interrupt(&vcpu->events, vcpu->timer_vector);
}

static inline bool poll(struct vcpu *vcpu, uint64_t now)
{
	if (now >= vcpu->timer_deadline) {
		if (now >= vcpu->call_deadline)
			call_timer(vcpu);
		poll_devices(vcpu, now);
		vcpu_set_deadline(vcpu);
		/* a chip's may be early by less than a tick of its clock: lib/rate.h */
		if (vcpu->timer_deadline <= now)
			vcpu->timer_deadline = now + 1;
	}
	if (vcpu->state == VCPU_HALTED &&
	    ((vcpu->wakes_on_nmi && vcpu->events.nmi_pending) ||
	     (vcpu->wakes_on_interrupt &&
	      (interrupts_wait(vcpu) || event_interrupt_pending(&vcpu->events, vcpu_cr8(vcpu))))))
		vcpu->state = VCPU_RUNNABLE;
	return vcpu->state == VCPU_RUNNABLE;
}

static __attribute__((noinline)) bool poll_of_several(struct vcpu *vcpu, uint64_t now)
{
	bool locked = vm_lock_pc(vcpu->vm);
	bool runs = poll(vcpu, now);

	vm_unlock_pc(vcpu->vm, locked);
	return runs;
}

bool vcpu_poll_events(struct vcpu *vcpu, uint64_t now)
{
	return vm_is_shared(vcpu->vm) ? poll_of_several(vcpu, now) : poll(vcpu, now);
}
