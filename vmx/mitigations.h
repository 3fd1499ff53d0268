/*
 * Which of the known ways to see past a border by speculation a CPU has, and what is done about
 * each at VM entries, VM exits and changes of the guest. Intel, "Affected Processors: Transient
 * Execution Attacks", and the guidance on each; IA32_ARCH_CAPABILITIES, IA32_SPEC_CTRL: SDM Vol. 4
 * table 2-2. What it rests on and what remains: docs/mitigations.md.
 */
#pragma once

/* What is done; vmx/entry.S has them too. */
#define STEP_RSB_FILL	 0x001 /* exit: every entry of the return stack buffer is overwritten */
#define STEP_RSB_BARRIER 0x002 /* exit: no RET is predicted before a CALL has been */
#define STEP_SPEC_CTRL	 0x004 /* exit and entry: IA32_SPEC_CTRL is the hypervisor's, the guest's */
#define STEP_IBRS_KEPT	 0x008 /* exit: but it is not written where it is that already */
#define STEP_BHB_CLEAR	 0x010 /* exit: the branch history is overwritten */
#define STEP_VERW	 0x020 /* entry: VERW overwrites the CPU's buffers */
#define STEP_L1D_COMMAND 0x040 /* entry from the run loop: IA32_FLUSH_CMD empties the L1D */
#define STEP_L1D_LOADS	 0x080 /* the same, where there is no such MSR: it is filled anew */
#define STEP_IBPB	 0x100 /* another trust domain's guest: no branch is predicted from before */

#define MSR_IA32_SPEC_CTRL 0x48
#define MSR_IA32_PRED_CMD  0x49
#define MSR_IA32_FLUSH_CMD 0x10b

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stdint.h>

#define STEPS_ON_THE_WAY (0xff) /* of an exit and an entry: vmx/entry.S has a way with them */

#define SPEC_CTRL_IBRS	      (1u << 0)
#define SPEC_CTRL_STIBP	      (1u << 1)
#define SPEC_CTRL_SSBD	      (1u << 2)
#define SPEC_CTRL_RRSBA_DIS_S (1u << 6)
#define SPEC_CTRL_BHI_DIS_S   (1u << 10)

#define PRED_CMD_IBPB 1
#define FLUSH_CMD_L1D 1

#define SPEC_CTRL_IPRED	 (3u << 3) /* _DIS_U and _DIS_S; so the next */
#define SPEC_CTRL_RRSBA	 (3u << 5)
#define SPEC_CTRL_PSFD	 (1u << 7)
#define SPEC_CTRL_DDPD_U (1u << 8)

/* CPUID.07H.2:EDX: which of these there are */
#define LEAF7_2_EDX_PSFD       (1u << 0)
#define LEAF7_2_EDX_IPRED_CTRL (1u << 1)
#define LEAF7_2_EDX_RRSBA_CTRL (1u << 2)
#define LEAF7_2_EDX_DDPD_U     (1u << 3)
#define LEAF7_2_EDX_BHI_CTRL   (1u << 4)
#define LEAF7_2_EDX_CONTROLS   0x1fu

/* CPUID.07H:EDX */
#define LEAF7_EDX_MD_CLEAR	    (1u << 10)
#define LEAF7_EDX_IBRS_IBPB	    (1u << 26)
#define LEAF7_EDX_STIBP		    (1u << 27)
#define LEAF7_EDX_L1D_FLUSH	    (1u << 28)
#define LEAF7_EDX_ARCH_CAPABILITIES (1u << 29)
#define LEAF7_EDX_SSBD		    (1u << 31)

/* `mitigations=` */
enum mitigations_wanted {
	MITIGATIONS_AUTO, /* what the CPU needs, unless it is an emulator's, which does not
			     speculate */
	MITIGATIONS_OFF,
	MITIGATIONS_ALL, /* all that this CPU can do, needed or not */
};

enum hazard {
	HAZARD_L1TF,	 /* CVE-2018-3646: what is in the L1D, by a guest's own page tables */
	HAZARD_MDS,	 /* CVE-2018-12126, -12127, -12130, 2019-11091: what is in CPU buffers */
	HAZARD_TAA,	 /* CVE-2019-11135: the same, by TSX */
	HAZARD_RFDS,	 /* CVE-2023-28746: what is in the register file (Atom) */
	HAZARD_MMIO,	 /* CVE-2022-21123, -21125, -21166: stale data, by an access to a device */
	HAZARD_BRANCH,	 /* CVE-2017-5715: branches that a guest has trained */
	HAZARD_RETBLEED, /* CVE-2022-29901: the same of RET, when its own predictor is empty */
	HAZARD_PBRSB,	/* CVE-2022-26373: the first RET after an exit, in spite of enhanced IBRS */
	HAZARD_BHI,	/* CVE-2022-0001: branch history that a guest has made, in spite of it */
	HAZARD_ITS,	/* CVE-2024-28956: an indirect branch in the lower half of a line */
	HAZARD_THREADS, /* the first four, from the other thread of a core */
	HAZARDS
};

enum verdict {
	VERDICT_UNAFFECTED,
	VERDICT_CLOSED, /* it has it, and something is done */
	VERDICT_OPEN,	/* it has it, and nothing that is done closes it */
};

/* What a decision is made from. CPUID leaves that are not there are zeros. */
struct speculating_cpu {
	char vendor[12];	    /* CPUID.0 */
	uint32_t signature;	    /* CPUID.1:EAX */
	uint32_t leaf7_ebx;	    /* CPUID.07H:EBX */
	uint32_t leaf7_edx;	    /* CPUID.07H:EDX */
	uint32_t leaf7_2_edx;	    /* CPUID.07H.2:EDX */
	uint32_t threads;	    /* of a core: CPUID.0BH:EBX, or 1 */
	bool emulated;		    /* by a program that executes one instruction after the other */
	uint64_t arch_capabilities; /* IA32_ARCH_CAPABILITIES, or 0 */
};

struct mitigations {
	struct {
		enum verdict verdict;
		const char *why; /* what it says of itself, what is done, or what is wanting */
	} hazard[HAZARDS];
	uint32_t steps;		  /* STEP_... */
	uint32_t spec_ctrl;	  /* IA32_SPEC_CTRL in root mode, where that is switched */
	uint32_t guest_spec_ctrl; /* its bits that guests may set; 0: they have no such MSR */
	uint32_t history[2];	  /* rounds of STEP_BHB_CLEAR, and branches of each */
};

/* What of a CPU's IA32_ARCH_CAPABILITIES is good for guests to have, wherever they run. */
uint64_t mitigations_promises(const struct speculating_cpu *cpu);

/* And what they are to know of any CPU that they may run on. */
uint64_t mitigations_confessions(const struct speculating_cpu *cpu);

/* Decides for one CPU: pure. */
void mitigations_decide(struct mitigations *m, const struct speculating_cpu *cpu,
			enum mitigations_wanted wanted);

/*
 * Whether guests that were decided for on the first CPU may run on another one: it needs no more
 * steps, has the same bits of IA32_SPEC_CTRL, which guests take along, and promises no less.
 */
bool mitigations_suit(const struct mitigations *first, const struct speculating_cpu *first_cpu,
		      const struct mitigations *own, const struct speculating_cpu *own_cpu);

const char *mitigations_wanted_name(enum mitigations_wanted wanted);

/* As in the @mitigations record: "l1tf", "unaffected". */
const char *hazard_name(enum hazard hazard);
const char *verdict_name(enum verdict verdict);

/* "rsb-fill"; NULL: there is none of that number, and no further one. Of step 1 << n. */
const char *step_name(unsigned int n);

#endif
