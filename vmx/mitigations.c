#include "vmx/mitigations.h"

#include <stddef.h>

#include "lib/array.h"
#include "lib/signature.h"

#define ARCH_RDCL_NO		  BIT(0)
#define ARCH_IBRS_ALL		  BIT(1)
#define ARCH_RSBA		  BIT(2)
#define ARCH_SKIP_L1DFL_VMENTRY	  BIT(3)
#define ARCH_MDS_NO		  BIT(5)
#define ARCH_TAA_NO		  BIT(8)
#define ARCH_SBDR_SSDP_NO	  BIT(13)
#define ARCH_FBSDP_NO		  BIT(14)
#define ARCH_PSDP_NO		  BIT(15)
#define ARCH_RRSBA		  BIT(19)
#define ARCH_BHI_NO		  BIT(20)
#define ARCH_PBRSB_NO		  BIT(24)
#define ARCH_RFDS_NO		  BIT(27)
#define ARCH_RFDS_CLEAR		  BIT(28)
#define ARCH_SSB_NO		  BIT(4)
#define ARCH_FB_CLEAR		  BIT(17)
#define ARCH_GDS_NO		  BIT(26)
#define ARCH_ITS_NO		  BIT(62)
#define ARCH_NO_STALE_DEVICE_DATA (ARCH_SBDR_SSDP_NO | ARCH_FBSDP_NO | ARCH_PSDP_NO)

#define LEAF7_EBX_RTM BIT(11)

#define LEAF7_EDX_HYBRID BIT(15)

/*
 * Models of family 6, after the tables of Linux' arch/x86/kernel/cpu/common.c; Westmere is the
 * oldest that gets here (unrestricted guest). A CPU that is listed nowhere counts as affected,
 * unless its IA32_ARCH_CAPABILITIES says otherwise.
 */
static const uint8_t no_l1tf[] = {
	0x37, 0x4a, 0x4d, 0x4c, 0x5a, 0x75, /* Silvermont, Airmont */
	0x5c, 0x5f, 0x7a,		    /* Goldmont, Goldmont Plus */
	0x57, 0x85,			    /* Knights Landing, Knights Mill */
};
static const uint8_t no_mds[] = {
	0x5c, 0x5f, 0x7a, /* Goldmont, Goldmont Plus */
};
static const uint8_t no_mmio[] = {
	0x5c, 0x5f, 0x7a, /* Goldmont, Goldmont Plus */
};
static const uint8_t no_pbrsb[] = {
	0x7a, 0x86, 0x96, 0x9c, /* Goldmont Plus, Tremont */
};
/* These are affected, and others are not. */
static const uint8_t has_rfds[] = {
	0x5c, 0x5f, 0x7a, /* Goldmont, Goldmont Plus */
	0x86, 0x96, 0x9c, /* Tremont */
	0x97, 0x9a, 0xbe, /* Alder Lake: its small cores */
	0xb7, 0xba, 0xbf, /* Raptor Lake */
};
static const uint8_t has_retbleed[] = {
	0x4e, 0x5e, 0x55,	/* Skylake, Cascade Lake */
	0x8e, 0x9e, 0xa5, 0xa6, /* Kaby Lake, Coffee Lake, Comet Lake */
	0x66, 0x7e, 0x8a, 0xa7, /* Cannon Lake, Ice Lake client, Lakefield, Rocket Lake */
};
/* Of enhanced IBRS, with a history as short as that of Cascade Lake; later ones have a longer. */
static const uint8_t has_short_history[] = {
	0x55, 0x8e, 0x9e, 0xa5, 0xa6, /* Cascade Lake, Coffee Lake, Comet Lake */
	0x6a, 0x6c, 0x7d, 0x7e, 0x8a, /* Ice Lake, Lakefield */
	0x8c, 0x8d, 0xa7,	      /* Tiger Lake, Rocket Lake */
	0x7a, 0x86, 0x96, 0x9c,	      /* Goldmont Plus, Tremont */
};

#define IS_ONE_OF(cpu, models)                                                                     \
	signature_is_one_of((cpu)->vendor, (cpu)->signature, models, sizeof(models))

static void judge(struct mitigations *m, enum hazard hazard, enum verdict verdict, const char *why)
{
	m->hazard[hazard].verdict = verdict;
	m->hazard[hazard].why = why;
}

static bool affected(const struct mitigations *m, enum hazard hazard)
{
	return m->hazard[hazard].verdict != VERDICT_UNAFFECTED;
}

static void judge_l1tf(struct mitigations *m, const struct speculating_cpu *cpu)
{
	if (cpu->arch_capabilities & ARCH_RDCL_NO) {
		judge(m, HAZARD_L1TF, VERDICT_UNAFFECTED, "RDCL_NO");
	} else if (IS_ONE_OF(cpu, no_l1tf)) {
		judge(m, HAZARD_L1TF, VERDICT_UNAFFECTED, "not this model");
	} else if (cpu->arch_capabilities & ARCH_SKIP_L1DFL_VMENTRY) {
		judge(m, HAZARD_L1TF, VERDICT_UNAFFECTED, "SKIP_L1DFL_VMENTRY");
	} else if (cpu->leaf7_edx & LEAF7_EDX_L1D_FLUSH) {
		judge(m, HAZARD_L1TF, VERDICT_CLOSED, "L1D flush at entries from the run loop");
		m->steps |= STEP_L1D_COMMAND;
	} else {
		judge(m, HAZARD_L1TF, VERDICT_CLOSED,
		      "L1D filled anew at entries from the run loop");
		m->steps |= STEP_L1D_LOADS;
	}
}

/* VERW does it only with microcode that says so; without it is done for what it is worth. */
static void judge_by_verw(struct mitigations *m, enum hazard hazard, bool clears)
{
	if (clears)
		judge(m, hazard, VERDICT_CLOSED, "VERW at each entry");
	else
		judge(m, hazard, VERDICT_OPEN,
		      "the microcode lacks what VERW needs: update firmware");
	m->steps |= STEP_VERW;
}

/* Of a large core, which may not be the kind that is meant: what the small ones have all get. */
static bool says_rfds_no(const struct speculating_cpu *cpu)
{
	return (cpu->arch_capabilities & ARCH_RFDS_NO) && !(cpu->leaf7_edx & LEAF7_EDX_HYBRID);
}

uint64_t mitigations_promises(const struct speculating_cpu *cpu)
{
	const uint64_t promises = ARCH_RDCL_NO | ARCH_IBRS_ALL | ARCH_SSB_NO | ARCH_MDS_NO |
				  ARCH_TAA_NO | ARCH_NO_STALE_DEVICE_DATA | ARCH_FB_CLEAR |
				  ARCH_BHI_NO | ARCH_PBRSB_NO | ARCH_GDS_NO | ARCH_RFDS_CLEAR |
				  ARCH_ITS_NO;

	return cpu->arch_capabilities & (promises | (says_rfds_no(cpu) ? ARCH_RFDS_NO : 0));
}

uint64_t mitigations_confessions(const struct speculating_cpu *cpu)
{
	return cpu->arch_capabilities & (ARCH_RSBA | ARCH_RRSBA);
}

static void judge_buffers(struct mitigations *m, const struct speculating_cpu *cpu)
{
	bool md_clear = cpu->leaf7_edx & LEAF7_EDX_MD_CLEAR;

	if (cpu->arch_capabilities & ARCH_MDS_NO)
		judge(m, HAZARD_MDS, VERDICT_UNAFFECTED, "MDS_NO");
	else if (IS_ONE_OF(cpu, no_mds))
		judge(m, HAZARD_MDS, VERDICT_UNAFFECTED, "not this model");
	else
		judge_by_verw(m, HAZARD_MDS, md_clear);

	if (cpu->arch_capabilities & ARCH_TAA_NO)
		judge(m, HAZARD_TAA, VERDICT_UNAFFECTED, "TAA_NO");
	else if (!(cpu->leaf7_ebx & LEAF7_EBX_RTM))
		judge(m, HAZARD_TAA, VERDICT_UNAFFECTED, "no RTM, or switched off");
	else
		judge_by_verw(m, HAZARD_TAA, md_clear);

	if (says_rfds_no(cpu))
		judge(m, HAZARD_RFDS, VERDICT_UNAFFECTED, "RFDS_NO");
	else if (!(cpu->arch_capabilities & ARCH_RFDS_CLEAR) && !IS_ONE_OF(cpu, has_rfds))
		judge(m, HAZARD_RFDS, VERDICT_UNAFFECTED, "not this model");
	else
		judge_by_verw(m, HAZARD_RFDS, cpu->arch_capabilities & ARCH_RFDS_CLEAR);
}

/* Stale data comes to whoever accesses a device: no guest's page tables reach one here. */
static void judge_mmio(struct mitigations *m, const struct speculating_cpu *cpu)
{
	if ((cpu->arch_capabilities & ARCH_NO_STALE_DEVICE_DATA) == ARCH_NO_STALE_DEVICE_DATA)
		judge(m, HAZARD_MMIO, VERDICT_UNAFFECTED, "SBDR_SSDP_NO, FBSDP_NO, PSDP_NO");
	else if (IS_ONE_OF(cpu, no_mmio))
		judge(m, HAZARD_MMIO, VERDICT_UNAFFECTED, "not this model");
	else
		judge(m, HAZARD_MMIO, VERDICT_CLOSED, "no guest reaches a device");
}

#define NO_IBRS "the microcode lacks IBRS: update firmware"

static void judge_retbleed(struct mitigations *m, const struct speculating_cpu *cpu, bool enhanced)
{
	if (!(cpu->arch_capabilities & (ARCH_RSBA | ARCH_RRSBA)) && !IS_ONE_OF(cpu, has_retbleed))
		judge(m, HAZARD_RETBLEED, VERDICT_UNAFFECTED, "not this model");
	else if (m->spec_ctrl & SPEC_CTRL_IBRS)
		judge(m, HAZARD_RETBLEED, VERDICT_CLOSED, enhanced ? "enhanced IBRS" : "IBRS");
	else
		judge(m, HAZARD_RETBLEED, VERDICT_OPEN, NO_IBRS);
	if (enhanced && (cpu->leaf7_2_edx & LEAF7_2_EDX_RRSBA_CTRL))
		m->spec_ctrl |= SPEC_CTRL_RRSBA_DIS_S;
}

/* What enhanced IBRS leaves open, and IBRS of old did not have. */
static void judge_enhanced(struct mitigations *m, const struct speculating_cpu *cpu)
{
	if (cpu->arch_capabilities & ARCH_PBRSB_NO) {
		judge(m, HAZARD_PBRSB, VERDICT_UNAFFECTED, "PBRSB_NO");
	} else if (IS_ONE_OF(cpu, no_pbrsb)) {
		judge(m, HAZARD_PBRSB, VERDICT_UNAFFECTED, "not this model");
	} else {
		judge(m, HAZARD_PBRSB, VERDICT_CLOSED, "a CALL and LFENCE after each exit");
		m->steps |= STEP_RSB_BARRIER;
	}
	if (cpu->arch_capabilities & ARCH_BHI_NO) {
		judge(m, HAZARD_BHI, VERDICT_UNAFFECTED, "BHI_NO");
	} else if (cpu->leaf7_2_edx & LEAF7_2_EDX_BHI_CTRL) {
		judge(m, HAZARD_BHI, VERDICT_CLOSED, "BHI_DIS_S");
		m->spec_ctrl |= SPEC_CTRL_BHI_DIS_S;
	} else {
		judge(m, HAZARD_BHI, VERDICT_CLOSED, "branch history overwritten after each exit");
		m->steps |= STEP_BHB_CLEAR;
	}
}

/* From a guest into root mode: elsewhere it stays within a guest, which takes care of itself. */
static void judge_its(struct mitigations *m, const struct speculating_cpu *cpu)
{
	static const struct {
		uint8_t model, stepping; /* and later ones */
	} has[] = {{0x55, 6}, {0x8e, 0xc}, {0x9e, 0xd}, {0xa5, 0}, {0xa6, 0}};

	judge(m, HAZARD_ITS, VERDICT_UNAFFECTED, "not this model");
	if (cpu->arch_capabilities & ARCH_ITS_NO) {
		judge(m, HAZARD_ITS, VERDICT_UNAFFECTED, "ITS_NO");
		return;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(has); i++)
		if (signature_is_one_of(cpu->vendor, cpu->signature, &has[i].model, 1) &&
		    (cpu->signature & 0xf) >= has[i].stepping)
			judge(m, HAZARD_ITS, VERDICT_OPEN,
			      "root mode's branches are where they are: run guests that are "
			      "trusted");
}

static void judge_branches(struct mitigations *m, const struct speculating_cpu *cpu)
{
	bool ibrs = cpu->leaf7_edx & LEAF7_EDX_IBRS_IBPB;
	bool enhanced = ibrs && (cpu->arch_capabilities & ARCH_IBRS_ALL);

	if (ibrs) {
		m->steps |= STEP_SPEC_CTRL | STEP_IBPB | (enhanced ? STEP_IBRS_KEPT : 0);
		m->spec_ctrl = SPEC_CTRL_IBRS;
		judge(m, HAZARD_BRANCH, VERDICT_CLOSED,
		      enhanced ? "enhanced IBRS, IBPB between trust domains"
			       : "IBRS after each exit, IBPB between trust domains");
	} else {
		judge(m, HAZARD_BRANCH, VERDICT_OPEN, NO_IBRS);
	}
	judge_retbleed(m, cpu, enhanced);
	judge(m, HAZARD_PBRSB, VERDICT_UNAFFECTED, "no enhanced IBRS");
	judge(m, HAZARD_BHI, VERDICT_UNAFFECTED, "no enhanced IBRS");
	if (enhanced)
		judge_enhanced(m, cpu);
	else
		m->steps |= STEP_RSB_FILL;
}

static void judge_threads(struct mitigations *m, const struct speculating_cpu *cpu)
{
	if (cpu->threads < 2)
		judge(m, HAZARD_THREADS, VERDICT_UNAFFECTED, "one thread a core");
	else if (!affected(m, HAZARD_L1TF) && !affected(m, HAZARD_MDS) && !affected(m, HAZARD_TAA))
		judge(m, HAZARD_THREADS, VERDICT_UNAFFECTED, "none of what threads share is open");
	else
		judge(m, HAZARD_THREADS, VERDICT_OPEN,
		      "switch hyper-threading off in the firmware's setup");
}

/* Needed or not: what every CPU can do, and what this one can. */
static void add_all(struct mitigations *m, const struct speculating_cpu *cpu)
{
	m->steps |= STEP_RSB_FILL | STEP_BHB_CLEAR | STEP_VERW;
	m->steps |= cpu->leaf7_edx & LEAF7_EDX_L1D_FLUSH ? STEP_L1D_COMMAND : STEP_L1D_LOADS;
}

static void drop_all(struct mitigations *m, enum verdict instead, const char *why)
{
	m->steps = 0;
	for (enum hazard h = 0; h < HAZARDS; h++)
		if (affected(m, h) && (instead == VERDICT_UNAFFECTED || h != HAZARD_MMIO))
			judge(m, h, instead, why); /* of MMIO nothing is done that could be off */
}

/* Of IA32_SPEC_CTRL, where there is one. */
static uint32_t bits_there(const struct speculating_cpu *cpu)
{
	static const struct {
		uint32_t feature, bits;
	} of_leaf7_2[] = {
		{LEAF7_2_EDX_PSFD, SPEC_CTRL_PSFD},
		{LEAF7_2_EDX_IPRED_CTRL, SPEC_CTRL_IPRED},
		{LEAF7_2_EDX_RRSBA_CTRL, SPEC_CTRL_RRSBA},
		{LEAF7_2_EDX_DDPD_U, SPEC_CTRL_DDPD_U},
		{LEAF7_2_EDX_BHI_CTRL, SPEC_CTRL_BHI_DIS_S},
	};
	uint32_t bits = SPEC_CTRL_IBRS;

	if (cpu->leaf7_edx & LEAF7_EDX_STIBP)
		bits |= SPEC_CTRL_STIBP;
	if (cpu->leaf7_edx & LEAF7_EDX_SSBD)
		bits |= SPEC_CTRL_SSBD;
	for (unsigned int i = 0; i < ARRAY_SIZE(of_leaf7_2); i++)
		if (cpu->leaf7_2_edx & of_leaf7_2[i].feature)
			bits |= of_leaf7_2[i].bits;
	return bits;
}

void mitigations_decide(struct mitigations *m, const struct speculating_cpu *cpu,
			enum mitigations_wanted wanted)
{
	*m = (struct mitigations){.history = {12, 7}};
	if (IS_ONE_OF(cpu, has_short_history))
		m->history[0] = m->history[1] = 5;
	judge_l1tf(m, cpu);
	judge_buffers(m, cpu);
	judge_mmio(m, cpu);
	judge_branches(m, cpu);
	judge_its(m, cpu);
	judge_threads(m, cpu);
	if (wanted == MITIGATIONS_ALL)
		add_all(m, cpu);
	else if (cpu->emulated)
		drop_all(m, VERDICT_UNAFFECTED, "an emulator does not speculate");
	else if (wanted == MITIGATIONS_OFF)
		drop_all(m, VERDICT_OPEN, "mitigations=off");
	if (!(m->steps & STEP_SPEC_CTRL)) {
		m->spec_ctrl = 0;
		return;
	}
	m->guest_spec_ctrl = bits_there(cpu);
}

bool mitigations_suit(const struct mitigations *first, const struct speculating_cpu *first_cpu,
		      const struct mitigations *own, const struct speculating_cpu *own_cpu)
{
	if ((own->steps & ~first->steps) || own->spec_ctrl != first->spec_ctrl ||
	    own->guest_spec_ctrl != first->guest_spec_ctrl)
		return false;
	return !first->guest_spec_ctrl ||
	       !(mitigations_promises(first_cpu) & ~own_cpu->arch_capabilities);
}

const char *mitigations_wanted_name(enum mitigations_wanted wanted)
{
	static const char *const name[] = {"auto", "off", "all"};

	return name[wanted];
}

const char *hazard_name(enum hazard hazard)
{
	static const char *const name[] = {
		[HAZARD_L1TF] = "l1tf",		[HAZARD_MDS] = "mds",
		[HAZARD_TAA] = "taa",		[HAZARD_RFDS] = "rfds",
		[HAZARD_MMIO] = "mmio",		[HAZARD_BRANCH] = "branch",
		[HAZARD_RETBLEED] = "retbleed", [HAZARD_PBRSB] = "pbrsb",
		[HAZARD_BHI] = "bhi",		[HAZARD_ITS] = "its",
		[HAZARD_THREADS] = "threads",
	};

	return name[hazard];
}

const char *verdict_name(enum verdict verdict)
{
	static const char *const name[] = {"unaffected", "closed", "open"};

	return name[verdict];
}

const char *step_name(unsigned int n)
{
	static const char *const name[] = {"rsb-fill",	  "rsb-barrier", "spec-ctrl",
					   "ibrs-kept",	  "bhb-clear",	 "verw",
					   "l1d-command", "l1d-loads",	 "ibpb"};

	return n < ARRAY_SIZE(name) ? name[n] : NULL;
}
