/* A VMCS that is an array, and what the tests of vmx/event.c do with it. */
#pragma once

#include "tests/unit/unit.h"

#include "lib/x86.h"
#include "vmx/event.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

#define FIELDS		 0x8000
#define OTHER_CONTROLS	 (PRIMARY_HLT_EXITING | PRIMARY_USE_IO_BITMAPS)
#define EXCEPTION(v)	 (INTERRUPTION_VALID | TYPE_HARDWARE_EXCEPTION | (v))
#define INTERRUPT(v)	 (INTERRUPTION_VALID | TYPE_EXTERNAL_INTERRUPT | (v))
#define NMI		 (INTERRUPTION_VALID | TYPE_NMI | VECTOR_NMI)
#define NOTHING		 0
#define INTERRUPT_WINDOW PRIMARY_INTERRUPT_WINDOW_EXITING
#define NMI_WINDOW	 PRIMARY_NMI_WINDOW_EXITING

static uint64_t fields[FIELDS];
static int writes[FIELDS];
static struct vmx_events events;

uint64_t vmcs_read(enum vmcs_field field)
{
	return fields[field];
}

void vmcs_write(enum vmcs_field field, uint64_t value)
{
	fields[field] = value;
	writes[field]++;
}

/* A guest in protected mode that takes everything, and an exit that broke nothing off. */
static inline void start(void)
{
	memset(fields, 0, sizeof(fields));
	memset(writes, 0, sizeof(writes));
	memset(&events, 0, sizeof(events));
	fields[VMCS_GUEST_CR0] = CR0_PE | CR0_NE;
	fields[VMCS_GUEST_RFLAGS] = RFLAGS_FIXED | RFLAGS_IF;
	fields[VMCS_PRIMARY_CONTROLS] = events.primary_controls = OTHER_CONTROLS;
}

static inline int setup(void **state)
{
	(void)state;
	start();
	return 0;
}

/* For a guest that takes what its RFLAGS and its blocking allow. */
static inline bool deliverable(uint8_t tpr)
{
	uint32_t blocking = fields[VMCS_GUEST_INTERRUPTIBILITY];
	bool after = !(blocking & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS));

	return event_deliverable(&events, tpr, after && (fields[VMCS_GUEST_RFLAGS] & RFLAGS_IF),
				 after && !(blocking & BLOCKING_BY_NMI));
}

/* The exit broke off the delivery of this event. */
static inline void exit_while_delivering(uint32_t info)
{
	fields[VMCS_IDT_VECTORING_INFO] = info;
	fields[VMCS_IDT_VECTORING_ERROR_CODE] = 0xabc8;
	fields[VMCS_EXIT_INSTRUCTION_LENGTH] = 7;
	event_after_exit(&events);
}

/* What the next entry injects, and which windows are open for it. */
static inline void expect_entry(uint8_t tpr, uint32_t info, uint32_t windows)
{
	fields[VMCS_ENTRY_INTERRUPTION_INFO] = 0; /* an exit clears bit 31 (SDM Vol. 3C 27.2) */
	event_prepare_entry(&events, tpr, false);
	assert_int_equal(fields[VMCS_ENTRY_INTERRUPTION_INFO], info);
	assert_int_equal(fields[VMCS_PRIMARY_CONTROLS], OTHER_CONTROLS | windows);
	assert_int_equal(events.primary_controls, OTHER_CONTROLS | windows);
}
