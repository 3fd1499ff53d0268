/* Virtual APICs and posted interrupts. */
#include "lib/array.h"
#include "vmx/checks/entry_break.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

#define TPR_SHADOW SET_CONTROL(PRIMARY, USE_TPR_SHADOW)
#define X2APIC	   SET_CONTROL(SECONDARY, VIRTUALIZE_X2APIC_MODE)
#define APIC_PAGE  SET_CONTROL(SECONDARY, VIRTUALIZE_APIC_ACCESSES)
#define INTERRUPTS TPR_SHADOW, SET_CONTROL(SECONDARY, VIRTUAL_INTERRUPT_DELIVERY)
#define POSTED                                                                                     \
	INTERRUPTS, SET(PIN_BASED_CONTROLS, PIN_POSTED_INTERRUPTS),                                \
		SET_CONTROL(EXIT, ACKNOWLEDGE_INTERRUPT)
#define IPIS                                                                                       \
	TPR_SHADOW, SET_CONTROL(PRIMARY, TERTIARY_CONTROLS),                                       \
		SET_CONTROL(TERTIARY, IPI_VIRTUALIZATION)

static const struct entry_break breaks_apic[] = {
	BREAK("virtual-apic-aligned", VALID(TPR_SHADOW), BROKEN(SET(VIRTUAL_APIC_ADDRESS, 8))),
	BREAK("virtual-apic-width", VALID(TPR_SHADOW), BROKEN(WIDE(VIRTUAL_APIC_ADDRESS))),
	BREAK("tpr-threshold", VALID(TPR_SHADOW), BROKEN(PUT(TPR_THRESHOLD, 0x10))),
	BREAK("tpr-threshold-vtpr", VALID(TPR_SHADOW), BROKEN(PUT(TPR_THRESHOLD, 1))),
	BREAK("apic-access-aligned", VALID(APIC_PAGE), BROKEN(SET(APIC_ACCESS_ADDRESS, 8))),
	BREAK("apic-access-width", VALID(APIC_PAGE), BROKEN(WIDE(APIC_ACCESS_ADDRESS))),
	BREAK("x2apic-mode-tpr-shadow", BROKEN(X2APIC)),
	BREAK("apic-registers-tpr-shadow",
	      BROKEN(SET_CONTROL(SECONDARY, APIC_REGISTER_VIRTUALIZATION))),
	BREAK("virtual-interrupts-tpr-shadow",
	      BROKEN(SET_CONTROL(SECONDARY, VIRTUAL_INTERRUPT_DELIVERY))),
	BREAK("ipi-tpr-shadow", VALID(IPIS), BROKEN(CLEAR_CONTROL(PRIMARY, USE_TPR_SHADOW))),
	BREAK("x2apic-mode-apic-access", VALID(TPR_SHADOW, X2APIC), BROKEN(APIC_PAGE)),
	BREAK("virtual-interrupts-exiting", VALID(INTERRUPTS),
	      BROKEN(CLEAR(PIN_BASED_CONTROLS, PIN_EXTERNAL_INTERRUPT_EXITING))),
	BREAK("posted-virtual-interrupts", VALID(POSTED),
	      BROKEN(CLEAR_CONTROL(SECONDARY, VIRTUAL_INTERRUPT_DELIVERY))),
	BREAK("posted-acknowledge", VALID(POSTED),
	      BROKEN(CLEAR_CONTROL(EXIT, ACKNOWLEDGE_INTERRUPT))),
	BREAK("posted-vector", VALID(POSTED), BROKEN(PUT(POSTED_INTERRUPT_VECTOR, 0x100))),
	BREAK("posted-descriptor-aligned", VALID(POSTED),
	      BROKEN(SET(POSTED_INTERRUPT_DESCRIPTOR, 8))),
	BREAK("posted-descriptor-width", VALID(POSTED), BROKEN(WIDE(POSTED_INTERRUPT_DESCRIPTOR))),
	BREAK("pid-pointers-aligned", VALID(IPIS), BROKEN(SET(PID_POINTER_TABLE, 4))),
	BREAK("pid-pointers-width", VALID(IPIS), BROKEN(WIDE(PID_POINTER_TABLE))),
};
ENTRY_BREAKS(breaks_apic);
