#include "lib/x86.h"
#include "vmx/entry.h"
#include "vmx/event.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

void event_attend(struct vmx_events *events)
{
	events->attend = true;
	if (events->entries_left)
		vmx_ask_to_return(events->entries_left);
}

/*
 * Under STI or MOV SS blocking entry demands BS if the guest steps, and no BS if it does not (SDM
 * Vol. 3C 26.3.1.5). Whether an exit leaves it so is the CPU's choice (27.3.4).
 */
static void match_single_step(uint32_t blocking)
{
	uint64_t pending, matched;

	if (!(blocking & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS)))
		return;
	pending = vmcs_read(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS);
	matched = pending & ~PENDING_DEBUG_BS;
	if ((vmcs_read(VMCS_GUEST_RFLAGS) & RFLAGS_TF) &&
	    !(vmcs_read(VMCS_GUEST_IA32_DEBUGCTL) & DEBUGCTL_BTF))
		matched |= PENDING_DEBUG_BS;
	if (matched != pending)
		vmcs_write(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, matched);
}

void event_go_on(void)
{
	match_single_step(vmcs_read(VMCS_GUEST_INTERRUPTIBILITY));
}

void event_execute_again(void)
{
	uint64_t rflags = vmcs_read(VMCS_GUEST_RFLAGS);

	if (!(rflags & RFLAGS_RF))
		vmcs_write(VMCS_GUEST_RFLAGS, rflags | RFLAGS_RF);
	event_go_on();
}

void event_after_exit(struct vmx_events *events)
{
	uint32_t vectoring = vmcs_read(VMCS_IDT_VECTORING_INFO);

	if (!(vectoring & INTERRUPTION_VALID))
		return;
	event_attend(events);
	/* bit 12 is undefined here and must be 0 at entry */
	events->info = vectoring & ~INTERRUPTION_NMI_UNBLOCKED;
	if (vectoring & INTERRUPTION_ERROR_CODE)
		events->error_code = vmcs_read(VMCS_IDT_VECTORING_ERROR_CODE);
	switch (vectoring & INTERRUPTION_TYPE) {
	case TYPE_SOFTWARE_INTERRUPT:
	case TYPE_PRIVILEGED_SOFTWARE:
	case TYPE_SOFTWARE_EXCEPTION:
		events->instruction_length = vmcs_read(VMCS_EXIT_INSTRUCTION_LENGTH);
		break;
	case TYPE_NMI: {
		/* its delivery had begun to block NMIs; injecting it again does so anew */
		uint32_t blocking = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);

		vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, blocking & ~BLOCKING_BY_NMI);
		break;
	}
	}
	event_go_on();
}

/* #DE, #TS, #NP, #SS, #GP, #CP (SDM Vol. 3A table 6-4) */
static bool is_contributory(uint8_t vector)
{
	return vector == 0 || (vector >= 10 && vector <= 13) || vector == 21;
}

/* Makes room for a new exception beside an event that was kept; false: triple fault. */
static bool combine(struct vmx_events *events, uint8_t *vector, int *error_code)
{
	uint8_t first = events->info & INTERRUPTION_VECTOR;
	uint32_t type = events->info & INTERRUPTION_TYPE;

	if (!(events->info & INTERRUPTION_VALID))
		return true;
	if (type == TYPE_EXTERNAL_INTERRUPT) {
		event_pend_interrupt(events, first);
		return true;
	}
	if (type == TYPE_NMI) {
		event_pend_nmi(events);
		return true;
	}
	if (type != TYPE_HARDWARE_EXCEPTION)
		return true; /* the instruction is executed again */
	if (first == VECTOR_DF && (is_contributory(*vector) || *vector == VECTOR_PF))
		return false;
	if ((is_contributory(first) && is_contributory(*vector)) ||
	    (first == VECTOR_PF && (is_contributory(*vector) || *vector == VECTOR_PF))) {
		*vector = VECTOR_DF;
		*error_code = 0;
	}
	return true; /* handled one after the other: the first fault will come again */
}

static void note_raised(struct vmx_events *events, uint8_t vector, int error_code)
{
	uint32_t at = events->raised_count++ % EVENTS_RAISED;

	events->raised[at].rip = vmcs_read(VMCS_GUEST_RIP);
	events->raised[at].vector = vector;
	events->raised[at].error_code = error_code;
}

bool event_raise(struct vmx_events *events, uint8_t vector, int error_code)
{
	note_raised(events, vector, error_code);
	if (!combine(events, &vector, &error_code))
		return false;
	event_attend(events);
	event_go_on();
	events->info = INTERRUPTION_VALID | TYPE_HARDWARE_EXCEPTION | vector;
	/* real mode pushes no error code, and entry refuses to inject one */
	if (error_code != EVENT_NO_ERROR_CODE && (vmcs_read(VMCS_GUEST_CR0) & CR0_PE)) {
		events->info |= INTERRUPTION_ERROR_CODE;
		events->error_code = error_code;
	}
	return true;
}

/* What a #DB does beside its delivery. `causes` as DR6 has them. */
static void complete_debug_exception(uint64_t causes)
{
	uint64_t dr6 = read_dr6(), debugctl = vmcs_read(VMCS_GUEST_IA32_DEBUGCTL);

	/* B0-B3 are those of this exception; BD, BS and BT are only ever set */
	dr6 = (dr6 & ~0xfull) | (causes & 0xe00f);
	write_dr6(dr6);
	vmcs_write(VMCS_GUEST_DR7, vmcs_read(VMCS_GUEST_DR7) & ~BIT(13)); /* GD */
	/* a debug exception ends stepping on branches (SDM Vol. 3B 17.4.3) */
	if (debugctl & DEBUGCTL_BTF)
		vmcs_write(VMCS_GUEST_IA32_DEBUGCTL, debugctl & ~DEBUGCTL_BTF);
}

void event_pend_debug_trap(struct vmx_events *events, uint64_t causes)
{
	vmcs_write(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS,
		   vmcs_read(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS) | causes);
	events->debug_trap = true;
	event_attend(events);
}

void event_release_debug_traps(struct vmx_events *events)
{
	if (!(vmcs_read(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS) &
	      (PENDING_DEBUG_ENABLED | PENDING_DEBUG_BS)))
		return;
	events->debug_trap = true;
	event_attend(events);
}

void event_delivered(struct vmx_events *events)
{
	events->info = 0;
}

bool event_raise_debug_trap(struct vmx_events *events, uint64_t causes)
{
	complete_debug_exception(causes);
	return event_raise(events, VECTOR_DB, EVENT_NO_ERROR_CODE);
}

bool event_reflect(struct vmx_events *events)
{
	uint32_t info = vmcs_read(VMCS_EXIT_INTERRUPTION_INFO), type = info & INTERRUPTION_TYPE;
	uint8_t vector = info & INTERRUPTION_VECTOR;
	int error_code = EVENT_NO_ERROR_CODE;

	if (info & INTERRUPTION_ERROR_CODE)
		error_code = vmcs_read(VMCS_EXIT_INTERRUPTION_ERROR_CODE);
	/* SDM Vol. 3C 27.1: an intercepted #DB has changed neither DR6 nor DR7 */
	if (vector == VECTOR_DB)
		complete_debug_exception(vmcs_read(VMCS_EXIT_QUALIFICATION) & 0x600f);
	if (!event_raise(events, vector, error_code))
		return false;
	/* INT1, INT3 */
	if (type == TYPE_PRIVILEGED_SOFTWARE || type == TYPE_SOFTWARE_EXCEPTION) {
		events->info = INTERRUPTION_VALID | type | vector;
		events->instruction_length = vmcs_read(VMCS_EXIT_INSTRUCTION_LENGTH);
	}
	return true;
}

void event_pend_nmi(struct vmx_events *events)
{
	events->nmi_pending = true;
	event_attend(events);
}

void event_pend_interrupt(struct vmx_events *events, uint8_t vector)
{
	events->irq_pending[vector / 64] |= BIT(vector % 64);
	events->irq_words |= 1u << vector / 64;
	event_attend(events);
}

void event_keep_interrupt(struct vmx_events *events)
{
	if ((events->info & (INTERRUPTION_VALID | INTERRUPTION_TYPE)) !=
	    (INTERRUPTION_VALID | TYPE_EXTERNAL_INTERRUPT))
		return;
	event_pend_interrupt(events, events->info & INTERRUPTION_VECTOR);
	events->info = 0;
}

static void take_interrupt(struct vmx_events *events, uint8_t vector)
{
	events->irq_pending[vector / 64] &= ~BIT(vector % 64);
	if (!events->irq_pending[vector / 64])
		events->irq_words &= ~(1u << vector / 64);
}

/* The pending interrupt of highest priority, above `tpr`; 0: none (vectors below 16 are none). */
static uint8_t highest_interrupt(const struct vmx_events *events, uint8_t tpr)
{
	unsigned int word;
	uint8_t vector;

	if (!events->irq_words)
		return 0;
	word = 31 - __builtin_clz(events->irq_words);
	vector = word * 64 + 63 - __builtin_clzll(events->irq_pending[word]);
	return vector >> 4 > tpr ? vector : 0;
}

uint8_t event_highest_interrupt(const struct vmx_events *events)
{
	return highest_interrupt(events, 0);
}

bool event_interrupt_pending(const struct vmx_events *events, uint8_t tpr)
{
	return highest_interrupt(events, tpr) != 0;
}

static bool nmi_allowed(uint32_t blocking)
{
	return !(blocking & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS | BLOCKING_BY_NMI));
}

static bool interrupt_allowed(uint32_t blocking)
{
	return !(blocking & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS)) &&
	       (vmcs_read(VMCS_GUEST_RFLAGS) & RFLAGS_IF);
}

bool event_deliverable(const struct vmx_events *events, uint8_t tpr, bool interrupts, bool nmis)
{
	return (events->info & INTERRUPTION_VALID) || events->debug_trap ||
	       (events->nmi_pending && nmis) ||
	       (interrupts && event_interrupt_pending(events, tpr));
}

/*
 * Takes one pending NMI or interrupt, if the guest can take it now; returns the vector that is
 * pending afterwards, or 0.
 */
static uint8_t choose(struct vmx_events *events, uint8_t tpr, uint8_t vector)
{
	uint32_t blocking = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);

	if (events->nmi_pending && nmi_allowed(blocking)) {
		events->nmi_pending = false;
		events->info = INTERRUPTION_VALID | TYPE_NMI | VECTOR_NMI;
	} else if (vector && interrupt_allowed(blocking)) {
		take_interrupt(events, vector);
		events->info = INTERRUPTION_VALID | TYPE_EXTERNAL_INTERRUPT | vector;
		return highest_interrupt(events, tpr);
	}
	return vector;
}

static void set_windows(struct vmx_events *events, bool nmi, bool interrupt)
{
	uint32_t controls = events->primary_controls &
			    ~(PRIMARY_NMI_WINDOW_EXITING | PRIMARY_INTERRUPT_WINDOW_EXITING);

	if (nmi)
		controls |= PRIMARY_NMI_WINDOW_EXITING;
	if (interrupt)
		controls |= PRIMARY_INTERRUPT_WINDOW_EXITING;
	if (controls == events->primary_controls)
		return;
	vmcs_write(VMCS_PRIMARY_CONTROLS, controls);
	events->primary_controls = controls;
}

bool event_takes_interrupt(const struct vmx_events *events)
{
	uint32_t blocking = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);

	return !(events->info & INTERRUPTION_VALID) && !events->debug_trap &&
	       !(events->nmi_pending && nmi_allowed(blocking)) && interrupt_allowed(blocking);
}

void event_hand_interrupt(struct vmx_events *events, uint8_t vector)
{
	events->info = INTERRUPTION_VALID | TYPE_EXTERNAL_INTERRUPT | vector;
}

void event_prepare_entry(struct vmx_events *events, uint8_t tpr, bool more)
{
	uint8_t vector = highest_interrupt(events, tpr);

	if (!(events->info & INTERRUPTION_VALID) && !events->debug_trap &&
	    (events->nmi_pending || vector))
		vector = choose(events, tpr, vector);
	set_windows(events, events->nmi_pending, vector || more);
	events->attend = events->nmi_pending || events->irq_words || more;
	events->handed_info = events->info;
	events->handed_debug_trap = events->debug_trap;
	events->info = 0;
	events->debug_trap = false;
	if (!(events->handed_info & INTERRUPTION_VALID))
		return;
	vmcs_write(VMCS_ENTRY_INTERRUPTION_INFO, events->handed_info);
	if (events->handed_info & INTERRUPTION_ERROR_CODE)
		vmcs_write(VMCS_ENTRY_EXCEPTION_ERROR_CODE, events->error_code);
	if ((events->handed_info & INTERRUPTION_TYPE) >= TYPE_SOFTWARE_INTERRUPT)
		vmcs_write(VMCS_ENTRY_INSTRUCTION_LENGTH, events->instruction_length);
}

void event_take_back(struct vmx_events *events)
{
	if (!events->handed_info && !events->handed_debug_trap)
		return;
	events->info = events->handed_info;
	events->debug_trap = events->handed_debug_trap;
	event_attend(events);
}
