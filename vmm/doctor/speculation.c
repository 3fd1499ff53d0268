#include "vmm/doctor/speculation.h"

#include "lib/console.h"

/*
 * What CPUs say of how they speculate: IA32_ARCH_CAPABILITIES (SDM Vol. 4 table 2-2), CPUID.7.0:EDX
 * and CPUID.7.2:EDX (SDM Vol. 2A, CPUID). Some help a hypervisor against what guests may do, some
 * clear the CPU of something, which it may have as long as they are not set, and some are of no
 * matter here.
 */
struct bit {
	const char *name;
	uint8_t bit;
	enum { HELPS, CLEARS, TOLD } kind; /* TOLD: of no matter here */
	const char *set;		   /* what it means here if it is set */
	const char *clear;		   /* and if it is not; NULL: nothing */
};

static const struct bit arch_capabilities[] = {
	{"rdcl_no", 0, CLEARS, "neither Meltdown nor L1TF",
	 "L1TF, perhaps: what is in the L1 data cache at an entry may be read by the guest"},
	{"ibrs_all", 1, HELPS,
	 "IBRS may stay on, and keeps predictions that a guest trained out of root mode", NULL},
	{"rsba", 2, HELPS, "RET may take a prediction that a guest trained when its stack runs dry",
	 NULL},
	{"skip_l1dfl", 3, HELPS, "whoever runs below flushes the L1 data cache: no entry need",
	 NULL},
	{"ssb_no", 4, CLEARS, "no load passes a store whose address it does not know",
	 "speculative store bypass: a matter of each guest by itself"},
	{"mds_no", 5, CLEARS, "no data are sampled from buffers",
	 "MDS, perhaps: what passed through the CPU's buffers before an entry may be read"},
	{"if_pschange_mc_no", 6, CLEARS,
	 "no machine check by a page's size: guests execute from large pages",
	 "multihit, perhaps: see its verdict, and multihit="},
	{"tsx_ctrl", 7, HELPS, "transactions are switched off by IA32_TSX_CTRL, at boot", NULL},
	{"taa_no", 8, CLEARS, "no data are sampled by a transaction that aborts",
	 "TAA, if it has transactions: they are switched off where the CPU lets them"},
	{"mcu_control", 9, TOLD, "microcode can be kept from being loaded; not touched here", NULL},
	{"misc_package_ctls", 10, TOLD, "IA32_MISC_PACKAGE_CTLS is there; hidden from guests",
	 NULL},
	{"energy_filtering_ctl", 11, TOLD,
	 "energy readings can be blurred; guests have none to read", NULL},
	{"doitm", 12, TOLD, "timing that does not depend on data can be had; guests cannot", NULL},
	{"sbdr_ssdp_no", 13, CLEARS, "no stale data by the sideband of devices",
	 "stale data of devices (SBDR, SSDP), perhaps: guests have none of the machine's"},
	{"fbsdp_no", 14, CLEARS, "no stale data of fill buffers by devices",
	 "stale data of fill buffers (FBSDP), perhaps: guests have no device of the machine's"},
	{"psdp_no", 15, CLEARS, "no stale data of the core by devices",
	 "stale data of the core (PSDP), perhaps: guests have no device of the machine's"},
	{"mcu_enumeration", 16, TOLD, "microcode tells its status; not looked at here", NULL},
	{"fb_clear", 17, HELPS, "VERW empties fill buffers too", NULL},
	{"fb_clear_ctrl", 18, TOLD, "and can be made not to; not touched here", NULL},
	{"rrsba", 19, HELPS,
	 "RET may take a prediction of its own mode's when its stack runs dry, under IBRS too",
	 NULL},
	{"bhi_no", 20, CLEARS, "branch history of a guest steers no branch in root mode",
	 "branch history injection, perhaps: a guest's history may steer branches in root mode"},
	{"xapic_disable_status", 21, TOLD, "firmware may have locked the APIC in x2APIC mode",
	 NULL},
	{"mcu_extended_service", 22, TOLD, "microcode may be staged; not touched here", NULL},
	{"overclocking_status", 23, TOLD, "overclocking is told of; not looked at here", NULL},
	{"pbrsb_no", 24, CLEARS, "no RET uses a guest's prediction right after an exit under IBRS",
	 "the first RET after an exit may use a guest's prediction, under IBRS too"},
	{"gds_ctrl", 25, TOLD, "firmware or microcode decides whether gathers are slowed down",
	 NULL},
	{"gds_no", 26, CLEARS, "no data are sampled by gathers",
	 "GDS (Downfall), perhaps: new microcode mends it"},
	{"rfds_no", 27, CLEARS, "no data are sampled from register files",
	 "RFDS, on some Atoms: what was in registers before an entry may be read"},
	{"rfds_clear", 28, HELPS, "VERW empties register files too", NULL},
	{"ign_umonitor", 29, TOLD, "UMONITOR can be ignored; guests have none", NULL},
	{"mon_umon_mitg", 30, TOLD, "UMONITOR can be made safe; guests have none", NULL},
	{"pbopt", 32, TOLD, "prediction barriers have an option; not touched here", NULL},
	{"its_no", 62, CLEARS, "said by a hypervisor below: no indirect target selection",
	 "indirect target selection, perhaps: only a hypervisor below could say that it is not"},
	{},
};

static const struct bit leaf7_edx[] = {
	{"srbds_ctrl", 9, TOLD, "new microcode: RDRAND leaks nothing to other cores", NULL},
	{"md_clear", 10, HELPS, "VERW empties the CPU's buffers", NULL},
	{"rtm_always_abort", 11, TOLD, "every transaction aborts", NULL},
	{"rtm_force_abort", 13, TOLD, "transactions can be made to abort, and are", NULL},
	{"ibrs_ibpb", 26, HELPS, "predictions can be restricted, and forgotten", NULL},
	{"stibp", 27, HELPS, "and kept apart from the other thread's", NULL},
	{"l1d_flush", 28, HELPS, "the L1 data cache can be flushed by a command", NULL},
	{"arch_capabilities", 29, TOLD, "the CPU says of itself what is above", NULL},
	{"ssbd", 31, HELPS, "speculative store bypass can be switched off", NULL},
	{},
};

static const struct bit leaf7_2_edx[] = {
	{"psfd", 0, TOLD, "fast store forwarding can be switched off", NULL},
	{"ipred_ctrl", 1, TOLD, "indirect branches can be kept from speculating", NULL},
	{"rrsba_ctrl", 2, HELPS, "what rrsba says can be switched off", NULL},
	{"ddpd_u", 3, TOLD, "the prefetcher that looks at data can be switched off", NULL},
	{"bhi_ctrl", 4, HELPS, "branch history injection can be switched off", NULL},
	{"mcdt_no", 5, TOLD, "timing does not depend on MXCSR", NULL},
	{},
};

static void examine(struct findings *f, const struct bit *bits, uint64_t word, bool known)
{
	for (; bits->name; bits++) {
		struct finding *row =
			finding_add(f, "speculation", bits->name,
				    bits->kind == CLEARS ? FINDING_OPTIONAL : FINDING_TOLD,
				    word >> bits->bit & 1);

		row->value = word;
		row->quiet = bits->kind == TOLD;
		row->remedy = bits->clear;
		if (!known)
			row->verdict = VERDICT_UNKNOWN;
	}
}

void doctor_examine_speculation(struct findings *f, const struct cpu_facts *facts)
{
	const struct maybe *said = &facts->arch_capabilities;

	examine(f, arch_capabilities, said->value, said->there);
	examine(f, leaf7_edx, facts->leaf7.edx, true);
	examine(f, leaf7_2_edx, facts->leaf7_2.edx, true);
}

static void explain(const struct bit *bits, uint64_t word)
{
	for (; bits->name; bits++) {
		bool set = word >> bits->bit & 1;

		if (set || bits->clear)
			print("  %-20s %s\n", bits->name, set ? bits->set : bits->clear);
	}
}

void doctor_explain_speculation(const struct cpu_facts *facts)
{
	if (facts->arch_capabilities.there)
		print("IA32_ARCH_CAPABILITIES=0x%lx, what it says and what it does not:\n",
		      facts->arch_capabilities.value);
	else
		print("This CPU says nothing by IA32_ARCH_CAPABILITIES, so it may have:\n");
	explain(arch_capabilities, facts->arch_capabilities.value);
	print("CPUID.7:EDX=0x%x, CPUID.7.2:EDX=0x%x:\n", facts->leaf7.edx, facts->leaf7_2.edx);
	explain(leaf7_edx, facts->leaf7.edx);
	explain(leaf7_2_edx, facts->leaf7_2.edx);
}
