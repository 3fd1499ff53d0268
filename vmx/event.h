/*
 * What is to be delivered to a guest: exceptions, NMIs, external interrupts, and events whose
 * delivery a VM exit broke off. SDM Vol. 3C 24.8.3, 26.6, 27.2.4, 31.7.1.
 * All of it with the vCPU's VMCS current.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define EVENTS_RAISED 4

struct vmx_events {
	uint32_t info; /* to inject at the next entry: interruption information, or 0 */
	uint32_t error_code;
	uint32_t instruction_length; /* software interrupts and exceptions */
	bool nmi_pending;
	bool debug_trap;	   /* a #DB is pending in the VMCS: it comes before interrupts */
	uint64_t irq_pending[4];   /* external interrupts, one bit a vector */
	uint8_t irq_words;	   /* which of these four are not 0 */
	uint32_t primary_controls; /* VMCS PRIMARY_CONTROLS: the windows come and go */
	/* of the entry that event_prepare_entry() last prepared something for */
	uint32_t handed_info;
	bool handed_debug_trap;
	bool attend;	       /* event_prepare_entry() is to be called before the next entry */
	int32_t *entries_left; /* ... which is asked for there; NULL in tests. vmx/entry.h */
	/* the last exceptions that event_raise() was asked for, for who tells of the guest */
	struct {
		uint64_t rip;
		uint8_t vector;
		int error_code; /* or EVENT_NO_ERROR_CODE */
	} raised[EVENTS_RAISED];
	uint32_t raised_count; /* ever; the last one is at (raised_count - 1) % EVENTS_RAISED */
};

enum event_error_code {
	EVENT_NO_ERROR_CODE = -1,
};

/*
 * After an exit that may have broken off the delivery of an event, before its handler: the event is
 * kept. One by an instruction (SDM Vol. 3C 25.1.2) has not: nothing was being delivered.
 */
void event_after_exit(struct vmx_events *events);

/*
 * A fault or trap for the guest. With an event that is kept already it combines as SDM Vol. 3A
 * table 6-5 says; returns false if that is a triple fault.
 */
bool event_raise(struct vmx_events *events, uint8_t vector, int error_code);

/*
 * A debug trap after an instruction that was completed for the guest: BS, or breakpoints as
 * PENDING_DEBUG_ENABLED and B0 to B3. With what is pending already it makes one #DB, which is
 * delivered at the next entry; whatever may interrupt waits for that.
 */
void event_pend_debug_trap(struct vmx_events *events, uint64_t causes);

/*
 * The same for what the exit found pending: MOV SS had held it over the instruction that was
 * completed now, or a machine check came before it (SDM Vol. 3C 27.3.4).
 */
void event_release_debug_traps(struct vmx_events *events);

/*
 * After an exit that completed nothing. event_go_on(): it came between two instructions, or is a
 * fault. event_execute_again(): an instruction exited (RF is then saved as 0, SDM Vol. 3C 27.3.3)
 * and runs again: its own code breakpoint has been met and must not strike once more.
 */
void event_go_on(void);
void event_execute_again(void);

/* The kept event has been delivered for the guest, by a task switch: it is kept no longer. */
void event_delivered(struct vmx_events *events);

/* A #DB at once, for reasons that cannot be pending in a VMCS: DR6 bits, BT among them. */
bool event_raise_debug_trap(struct vmx_events *events, uint64_t causes);

/* Raises again what the last exit intercepted (EXIT_INTERRUPTION_INFO): #DB, #BP, #AC. */
bool event_reflect(struct vmx_events *events);

/* event_prepare_entry() is to be called before the next entry. */
void event_attend(struct vmx_events *events);

void event_pend_nmi(struct vmx_events *events);
void event_pend_interrupt(struct vmx_events *events, uint8_t vector);

/* Interrupts are off now: one that was about to be delivered is pending again. */
void event_keep_interrupt(struct vmx_events *events);

/*
 * For who has interrupts of his own, with an acknowledgement: whether the guest takes an external
 * interrupt with the next entry, and nothing goes before it; then it is handed over, as what is
 * kept of an event that was broken off is.
 */
bool event_takes_interrupt(const struct vmx_events *events);
void event_hand_interrupt(struct vmx_events *events, uint8_t vector);

/*
 * Before every entry, while `attend` is set: chooses what is injected, opens a window for what must
 * wait. External interrupts of priority class up to `tpr` (CR8) stay pending; `more`: so does one
 * that event_hand_interrupt() has not been called for. `attend` stays set as long as anything does.
 * What is to be delivered by this entry is the CPU's from now on; if no entry was made, or it
 * failed, event_take_back() is to be called.
 */
void event_prepare_entry(struct vmx_events *events, uint8_t tpr, bool more);
void event_take_back(struct vmx_events *events);

/*
 * Whether something would be delivered now, and so wakes a guest that halts: one that takes
 * external interrupts, and NMIs, as the two say.
 */
bool event_deliverable(const struct vmx_events *events, uint8_t tpr, bool interrupts, bool nmis);

/* The pending external interrupt of highest priority, or 0. */
uint8_t event_highest_interrupt(const struct vmx_events *events);

/* Whether an external interrupt above `tpr` is pending. */
bool event_interrupt_pending(const struct vmx_events *events, uint8_t tpr);
