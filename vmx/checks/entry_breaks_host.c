/* Host state. A CPU that let such a state pass would load it at the next VM exit. */
#include "lib/array.h"
#include "lib/x86.h"
#include "vmx/checks/entry_break.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

#define CET	SET_CONTROL(EXIT, LOAD_CET)
#define HOST_32 CLEAR_CONTROL(EXIT, HOST_ADDRESS_SPACE_SIZE)

#define LEGACY_HOST HOST_32, PUT(HOST_IA32_EFER, 0)

#define SELECTOR_BREAK(name, reg)                                                                  \
	BREAK("host-" name "-selector", BROKEN(SET(HOST_##reg##_SELECTOR, 4)))

static const struct entry_break breaks_host[] = {
	BREAK("host-cr0-fixed-1", BROKEN(CLEAR(HOST_CR0, CR0_NE))),
	BREAK("host-cr0-fixed-0", BROKEN(SET(HOST_CR0, BIT(32)))),
	BREAK("host-cr4-fixed-1", BROKEN(CLEAR(HOST_CR4, CR4_VMXE))),
	BREAK("host-cr4-fixed-0", BROKEN(FORBIDDEN(HOST_CR4))),
	BREAK("host-cr4-cet", BROKEN(SET(HOST_CR4, CR4_CET), CLEAR(HOST_CR0, CR0_WP))),
	BREAK("host-cr3", BROKEN(WIDE(HOST_CR3))),
	BREAK("host-sysenter-esp", BROKEN(NOT_CANONICAL(HOST_SYSENTER_ESP))),
	BREAK("host-sysenter-eip", BROKEN(NOT_CANONICAL(HOST_SYSENTER_EIP))),
	BREAK("host-perf-global-ctrl", VALID(SET_CONTROL(EXIT, LOAD_PERF_GLOBAL_CTRL)),
	      BROKEN(SET(HOST_IA32_PERF_GLOBAL_CTRL, BIT(63)))),
	BREAK("host-pat", BROKEN(PUT(HOST_IA32_PAT, 2))),
	BREAK("host-efer-reserved", BROKEN(SET(HOST_IA32_EFER, BIT(1)))),
	BREAK("host-efer-lma", BROKEN(CLEAR(HOST_IA32_EFER, EFER_LMA))),
	BREAK("host-efer-lme", BROKEN(CLEAR(HOST_IA32_EFER, EFER_LME))),
	BREAK("host-s-cet-reserved", VALID(CET), BROKEN(SET(HOST_IA32_S_CET, BIT(6)))),
	BREAK("host-s-cet-tracker", VALID(CET), BROKEN(SET(HOST_IA32_S_CET, BIT(10) | BIT(11)))),
	BREAK("host-ssp-aligned", VALID(CET), BROKEN(SET(HOST_SSP, 1))),
	BREAK("host-pkrs", VALID(SET_CONTROL(EXIT, LOAD_PKRS)),
	      BROKEN(SET(HOST_IA32_PKRS, BIT(32)))),
	BREAK("host-spec-ctrl",
	      VALID(SET_CONTROL(EXIT, SECONDARY_CONTROLS),
		    SET(SECONDARY_EXIT_CONTROLS, SECONDARY_EXIT_LOAD_SPEC_CTRL)),
	      BROKEN(SET(HOST_IA32_SPEC_CTRL, BIT(63)))),
	SELECTOR_BREAK("es", ES),
	SELECTOR_BREAK("cs", CS),
	SELECTOR_BREAK("ss", SS),
	SELECTOR_BREAK("ds", DS),
	SELECTOR_BREAK("fs", FS),
	SELECTOR_BREAK("gs", GS),
	SELECTOR_BREAK("tr", TR),
	BREAK("host-cs-null", BROKEN(PUT(HOST_CS_SELECTOR, 0))),
	BREAK("host-tr-null", BROKEN(PUT(HOST_TR_SELECTOR, 0))),
	BREAK("host-ss-null", .others = true, BROKEN(HOST_32, PUT(HOST_SS_SELECTOR, 0))),
	BREAK("host-fs-base", BROKEN(NOT_CANONICAL(HOST_FS_BASE))),
	BREAK("host-gs-base", BROKEN(NOT_CANONICAL(HOST_GS_BASE))),
	BREAK("host-gdtr-base", BROKEN(NOT_CANONICAL(HOST_GDTR_BASE))),
	BREAK("host-idtr-base", BROKEN(NOT_CANONICAL(HOST_IDTR_BASE))),
	BREAK("host-tr-base", BROKEN(NOT_CANONICAL(HOST_TR_BASE))),
	BREAK_IN(BASE_32, "guest-size-legacy", .fact = FACT_LEGACY, .others = true,
		 VALID(LEGACY_HOST), BROKEN(SET_CONTROL(ENTRY, IA32E_MODE_GUEST))),
	BREAK_IN(BASE_32, "host-size-legacy", .fact = FACT_LEGACY, .others = true,
		 VALID(LEGACY_HOST), BROKEN(SET_CONTROL(EXIT, HOST_ADDRESS_SPACE_SIZE))),
	BREAK("host-size-ia32e", .others = true, BROKEN(HOST_32)),
	BREAK("guest-size-host-32", .others = true, BROKEN(HOST_32)),
	BREAK("host-cr4-pcide", .others = true, BROKEN(HOST_32, SET(HOST_CR4, CR4_PCIDE))),
	BREAK("host-rip-high", .others = true, BROKEN(HOST_32, SET(HOST_RIP, BIT(32)))),
	BREAK("host-s-cet-high", .others = true, VALID(CET),
	      BROKEN(HOST_32, SET(HOST_IA32_S_CET, BIT(32)))),
	BREAK("host-ssp-high", .others = true, VALID(CET), BROKEN(HOST_32, SET(HOST_SSP, BIT(32)))),
	BREAK("host-cr4-pae", BROKEN(CLEAR(HOST_CR4, CR4_PAE))),
	BREAK("host-rip", BROKEN(NOT_CANONICAL(HOST_RIP))),
	BREAK("host-s-cet", VALID(CET), BROKEN(NOT_CANONICAL(HOST_IA32_S_CET))),
	BREAK("host-ssp", VALID(CET), BROKEN(NOT_CANONICAL(HOST_SSP))),
	BREAK("host-ssp-table", VALID(CET), BROKEN(NOT_CANONICAL(HOST_SSP_TABLE_ADDRESS))),
};
ENTRY_BREAKS(breaks_host);
