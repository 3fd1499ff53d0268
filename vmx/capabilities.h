/*
 * What a CPU's VMX can do, and the control words that follow from it.
 * SDM Vol. 3D Appendix A.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmx/multihit.h"
#include "vmx/preemption.h"
#include "vmx/requirements.h"

struct vmx_capabilities {
	bool vmx, ept, unrestricted_guest; /* for the @boot record */
	uint32_t pin, primary, secondary, exit,
		entry; /* control words: what is wanted and must be */
	uint64_t cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
	uint64_t ept_vpid;	    /* IA32_VMX_EPT_VPID_CAP */
	uint32_t revision;	    /* VMCS revision identifier */
	uint32_t preemption_shift;  /* the preemption timer counts TSC >> this */
	enum preemption preemption; /* what ends a guest's time */
	bool nested;		    /* there is another hypervisor below us (CPUID.1:ECX.31) */
	bool monitor_trap;	    /* the monitor trap flag is there */
	bool apicv;		    /* what vmm/apicv.h needs is there, and to be used */
	bool ple;		    /* PAUSE-loop exiting is there, and to be used */
	bool ept_split;		    /* guests execute from 4-KiB pages only: vmx/ept.h */
};

/* What the boot options ask for. */
struct vmx_choice {
	enum preemption preemption;
	enum multihit multihit;
	bool apicv;
	bool ple;
};

/* Told of each thing that is missing: the row, which lasts for the call, and its word's value. */
typedef void vmx_lacks(void *arg, const struct vmx_requirement *row, uint64_t value);

/*
 * Computes the control words from what the CPU offers, and what follows from the choice, in *own,
 * which was zeros. Returns 0, or -ENODEV if anything is missing. Nothing is written to the CPU.
 * On that CPU, after clock_init().
 */
int vmx_capabilities_derive(struct vmx_capabilities *own, const struct vmx_words *words,
			    const struct vmx_choice *choice, vmx_lacks *lacks, void *arg);

/*
 * The same for this CPU, with a line for each thing that is missing and what to do about it. Sets
 * and locks IA32_FEATURE_CONTROL where firmware left it open. *own stays: the first CPU's are the
 * machine's, and another's must be the same. Returns 0 or -ENODEV.
 */
int vmx_capabilities_check(struct vmx_capabilities *own, const struct vmx_choice *choice);

/* The machine's: what every CPU has. */
const struct vmx_capabilities *vmx_capabilities(void);
