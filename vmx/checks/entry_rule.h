/*
 * What a check of VM entry is, and what it is asked of: the types of vmx/checks/entry_checks.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a CPU says of an entry that a rule forbids. */
enum entry_stage {
	ENTRY_CONTROLS = 7,	/* VMfailValid, VM-instruction error 7 */
	ENTRY_HOST = 8,		/* VMfailValid, VM-instruction error 8 */
	ENTRY_GUEST = 33,	/* VM exit with this reason, and bit 31 */
	ENTRY_MSR_LOADING = 34, /* the same */
};

/* What the rules have to know of the CPU. */
struct entry_cpu {
	/* IA32_VMX_BASIC, _MISC, _EPT_VPID_CAP, _VMFUNC (0 where there is none) */
	uint64_t basic, misc, ept_vpid, vm_functions;
	/* IA32_VMX_TRUE_PINBASED_CTLS and its like; without these (IA32_VMX_BASIC[55]) the others
	 */
	uint64_t pin, primary, exit, entry;
	uint64_t secondary;	  /* IA32_VMX_PROCBASED_CTLS2 */
	uint64_t tertiary, exit2; /* IA32_VMX_PROCBASED_CTLS3, IA32_VMX_EXIT_CTLS2; 0: not there */
	uint64_t cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1; /* IA32_VMX_CR0_FIXED0 and so on */
	/* Bits that WRMSR refuses in these MSRs; 0: not known, and not checked */
	uint64_t efer_reserved, debugctl_reserved, perf_global_ctrl_reserved, s_cet_reserved,
		rtit_ctl_reserved, lbr_ctl_reserved, spec_ctrl_reserved;
	unsigned int physical_bits, linear_bits; /* CPUID.80000008H:EAX[7:0], [15:8] */
	bool long_mode; /* IA32_EFER.LMA where VMLAUNCH is executed; true for a 64-bit hypervisor */
	bool pt_enabled;	       /* IA32_RTIT_CTL.TraceEn there */
	bool smm;		       /* it is executed in SMM */
	bool lam;		       /* CPUID.(7,1):EAX[26]: CR3 has bits 61 and 62 */
	bool bus_lock_debug, rtm, sgx; /* CPUID.(7,0):ECX[24], EBX[11], EBX[2] */
};

struct entry_source {
	/* VMREAD, by the field's encoding. Of a field that the CPU does not have: 0. */
	uint64_t (*read)(void *arg, uint32_t field);
	/*
	 * Reads memory by its physical address; false: it cannot be read. NULL: rules that look
	 * into memory (VTPR, PDPTEs without EPT, the link pointer's VMCS, MSRs) are left out.
	 */
	bool (*read_memory)(void *arg, uint64_t physical, void *to, size_t length);
	void *arg;
	uint64_t current_vmcs; /* its physical address; ~0: not known */
	bool failed; /* the entry is known to have failed: what only some CPUs check counts too */
	struct entry_cpu cpu;
};

struct entry_state; /* vmx/checks/entry_state.h */

struct entry_rule {
	const char *name;	/* its own, never changed: "eptp-memory-type" */
	const char *section;	/* of the SDM, Vol. 3C: "26.2.1.1" */
	const char *field_name; /* as in vmx/vmcs_fields.h */
	const char *should;	/* what has to be, as a clause */
	uint32_t field;		/* whose value is at fault: its encoding */
	uint8_t stage;		/* enum entry_stage */
	/* It applies only where this control is 1 (0: always), and applies() says so (NULL: always)
	 */
	uint8_t word; /* enum entry_word */
	uint32_t control;
	bool (*applies)(const struct entry_state *state, const struct entry_rule *rule);
	bool (*holds)(const struct entry_state *state, const struct entry_rule *rule,
		      uint64_t value);
	uint64_t bits;	/* holds() may ask for it */
	bool some_cpus; /* the manual leaves it to the CPU whether it looks */
};

struct entry_finding {
	const struct entry_rule *rule;
	uint64_t value; /* of rule->field */
};
