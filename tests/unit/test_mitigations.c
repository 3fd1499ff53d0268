/* vmx/mitigations.c: what CPUs have, and what is done about it, of models as they are in the field.
 */
#include "tests/unit/unit.h"

#include "vmx/mitigations.h"

#define INTEL  "GenuineIntel"
#define BIT(n) (1ull << (n))

/* IA32_ARCH_CAPABILITIES, by the numbers of SDM Vol. 4 table 2-2. */
#define RDCL_NO	      BIT(0)
#define IBRS_ALL      BIT(1)
#define RSBA	      BIT(2)
#define SKIP_L1DFL    BIT(3)
#define MDS_NO	      BIT(5)
#define PSCHANGE_NO   BIT(6)
#define TSX_CTRL      BIT(7)
#define TAA_NO	      BIT(8)
#define SBDR_SSDP_NO  BIT(13)
#define FBSDP_NO      BIT(14)
#define PSDP_NO	      BIT(15)
#define FB_CLEAR      BIT(17)
#define RRSBA	      BIT(19)
#define BHI_NO	      BIT(20)
#define PBRSB_NO      BIT(24)
#define GDS_NO	      BIT(26)
#define RFDS_NO	      BIT(27)
#define RFDS_CLEAR    BIT(28)
#define ITS_NO	      BIT(62)
#define NO_STALE      (SBDR_SSDP_NO | FBSDP_NO | PSDP_NO)
#define SINCE_CASCADE (RDCL_NO | IBRS_ALL | MDS_NO)

/* CPUID.07H:EDX */
#define HYBRID	 (1u << 15)
#define MD_CLEAR (1u << 10)
#define IBRS	 (1u << 26)
#define STIBP	 (1u << 27)
#define L1D	 (1u << 28)
#define ARCH	 (1u << 29)
#define SSBD	 (1u << 31)
#define OF_2018	 (IBRS | STIBP | L1D | SSBD)
#define OF_2019	 (OF_2018 | MD_CLEAR)

#define RTM (1u << 11) /* CPUID.07H:EBX */

#define RRSBA_CTRL (1u << 2) /* CPUID.07H.2:EDX */
#define BHI_CTRL   (1u << 4)

#define OLD_IBRS (STEP_RSB_FILL | STEP_SPEC_CTRL | STEP_IBPB)
#define NEW_IBRS (STEP_SPEC_CTRL | STEP_IBRS_KEPT | STEP_IBPB)

/* CPUID.1:EAX of a model of family 6. */
#define STEPPING(model, stepping)                                                                  \
	(((model)&0xf0u) << 12 | 6 << 8 | ((model)&0xfu) << 4 | (stepping))
#define MODEL(model) STEPPING(model, 3)

static const struct row {
	const char *name;
	struct speculating_cpu cpu;
	uint32_t steps, spec_ctrl, history;
} rows[] = {
	{"Haswell as it was sold",
	 {INTEL, MODEL(0x3c), 0, 0, 0, 1, false, 0},
	 STEP_RSB_FILL | STEP_VERW | STEP_L1D_LOADS,
	 0,
	 12},
	{"Haswell",
	 {INTEL, MODEL(0x3c), 0, OF_2019, 0, 1, false, 0},
	 OLD_IBRS | STEP_VERW | STEP_L1D_COMMAND,
	 SPEC_CTRL_IBRS,
	 12},
	{"Skylake",
	 {INTEL, MODEL(0x5e), 0, OF_2019, 0, 1, false, 0},
	 OLD_IBRS | STEP_VERW | STEP_L1D_COMMAND,
	 SPEC_CTRL_IBRS,
	 12},
	{"Skylake below a hypervisor that flushes",
	 {INTEL, MODEL(0x55), 0, OF_2019 | ARCH, 0, 1, false, RSBA | SKIP_L1DFL},
	 OLD_IBRS | STEP_VERW,
	 SPEC_CTRL_IBRS,
	 5},
	{"Cascade Lake",
	 {INTEL, MODEL(0x55), 0, OF_2019 | ARCH, 0, 1, false,
	  SINCE_CASCADE | SKIP_L1DFL | TSX_CTRL},
	 NEW_IBRS | STEP_RSB_BARRIER | STEP_BHB_CLEAR,
	 SPEC_CTRL_IBRS,
	 5},
	{"Cascade Lake with TSX on",
	 {INTEL, MODEL(0x55), RTM, OF_2019 | ARCH, 0, 1, false, SINCE_CASCADE | SKIP_L1DFL},
	 NEW_IBRS | STEP_RSB_BARRIER | STEP_BHB_CLEAR | STEP_VERW,
	 SPEC_CTRL_IBRS,
	 5},
	{"Ice Lake server",
	 {INTEL, MODEL(0x6a), 0, OF_2019 | ARCH, 0, 1, false,
	  SINCE_CASCADE | SKIP_L1DFL | PSCHANGE_NO | TAA_NO | FB_CLEAR | PBRSB_NO},
	 NEW_IBRS | STEP_BHB_CLEAR,
	 SPEC_CTRL_IBRS,
	 5},
	{"Alder Lake",
	 {INTEL, MODEL(0x97), 0, OF_2019 | ARCH | HYBRID, RRSBA_CTRL | BHI_CTRL, 1, false,
	  SINCE_CASCADE | SKIP_L1DFL | TAA_NO | NO_STALE | RRSBA | PBRSB_NO | RFDS_CLEAR},
	 NEW_IBRS | STEP_VERW,
	 SPEC_CTRL_IBRS | SPEC_CTRL_BHI_DIS_S | SPEC_CTRL_RRSBA_DIS_S,
	 12},
	{"Alder Lake, asked on a large core",
	 {INTEL, MODEL(0x97), 0, OF_2019 | ARCH | HYBRID, RRSBA_CTRL | BHI_CTRL, 1, false,
	  SINCE_CASCADE | SKIP_L1DFL | TAA_NO | NO_STALE | RRSBA | PBRSB_NO | RFDS_NO},
	 NEW_IBRS | STEP_VERW,
	 SPEC_CTRL_IBRS | SPEC_CTRL_BHI_DIS_S | SPEC_CTRL_RRSBA_DIS_S,
	 12},
	{"Alder Lake through a hypervisor that hides BHI_CTRL",
	 {INTEL, MODEL(0x97), 0, OF_2019 | ARCH, 0, 1, false,
	  SINCE_CASCADE | SKIP_L1DFL | TAA_NO | NO_STALE | RRSBA | PBRSB_NO | RFDS_NO},
	 NEW_IBRS | STEP_BHB_CLEAR,
	 SPEC_CTRL_IBRS,
	 12},
	{"Sapphire Rapids",
	 {INTEL, MODEL(0x8f), 0, OF_2019 | ARCH, RRSBA_CTRL | BHI_CTRL, 1, false,
	  SINCE_CASCADE | SKIP_L1DFL | TAA_NO | NO_STALE | RRSBA | RFDS_NO},
	 NEW_IBRS | STEP_RSB_BARRIER,
	 SPEC_CTRL_IBRS | SPEC_CTRL_BHI_DIS_S | SPEC_CTRL_RRSBA_DIS_S,
	 12},
	{"Goldmont",
	 {INTEL, MODEL(0x5c), 0, OF_2018 | ARCH, 0, 1, false, RFDS_CLEAR},
	 OLD_IBRS | STEP_VERW,
	 SPEC_CTRL_IBRS,
	 12},
	{"Silvermont",
	 {INTEL, MODEL(0x37), 0, MD_CLEAR | IBRS | STIBP, 0, 1, false, 0},
	 OLD_IBRS | STEP_VERW,
	 SPEC_CTRL_IBRS,
	 12},
	{"one that has nothing of all this",
	 {INTEL, MODEL(0xdd), 0, OF_2019 | ARCH, BHI_CTRL, 2, false,
	  SINCE_CASCADE | TAA_NO | NO_STALE | BHI_NO | PBRSB_NO | RFDS_NO},
	 NEW_IBRS,
	 SPEC_CTRL_IBRS,
	 12},
};

static const struct row *row(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	fail_msg("no row is called %s", name);
	return NULL;
}

static struct mitigations decide(const struct speculating_cpu *cpu, enum mitigations_wanted wanted)
{
	struct mitigations m;

	mitigations_decide(&m, cpu, wanted);
	for (enum hazard h = 0; h < HAZARDS; h++)
		assert_non_null(m.hazard[h].why);
	return m;
}

static enum verdict verdict(const struct row *r, enum hazard hazard)
{
	return decide(&r->cpu, MITIGATIONS_AUTO).hazard[hazard].verdict;
}

static void each_model_gets_what_it_needs_and_no_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mitigations m = decide(&rows[i].cpu, MITIGATIONS_AUTO);

		if (m.steps != rows[i].steps || m.spec_ctrl != rows[i].spec_ctrl ||
		    m.history[0] != rows[i].history)
			fail_msg("%s: steps 0x%x spec_ctrl 0x%x history %u", rows[i].name, m.steps,
				 m.spec_ctrl, m.history[0]);
	}
}

static void what_only_microcode_can_close_is_open_without_it(void **state)
{
	const struct row *sold = row("Haswell as it was sold"), *updated = row("Haswell");
	static const enum hazard hazards[] = {HAZARD_MDS, HAZARD_BRANCH};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hazards); i++) {
		assert_int_equal(verdict(sold, hazards[i]), VERDICT_OPEN);
		assert_int_equal(verdict(updated, hazards[i]), VERDICT_CLOSED);
	}
	assert_int_equal(verdict(sold, HAZARD_L1TF), VERDICT_CLOSED);
	assert_int_equal(verdict(row("Skylake"), HAZARD_RETBLEED), VERDICT_CLOSED);
	assert_int_equal(verdict(updated, HAZARD_RETBLEED), VERDICT_UNAFFECTED);
	assert_int_equal(verdict(row("Goldmont"), HAZARD_RFDS), VERDICT_CLOSED);
}

/* A promise is believed where it stands alone: each bit of the register closes its own and no
 * other. */
static void each_promise_is_believed_and_only_for_what_it_says(void **state)
{
	static const struct {
		uint64_t bits;
		enum hazard hazard;
	} promises[] = {
		{RDCL_NO, HAZARD_L1TF}, {MDS_NO, HAZARD_MDS},	 {TAA_NO, HAZARD_TAA},
		{RFDS_NO, HAZARD_RFDS}, {NO_STALE, HAZARD_MMIO}, {PBRSB_NO, HAZARD_PBRSB},
		{BHI_NO, HAZARD_BHI},
	};
	struct row affected = {
		.cpu = {INTEL, MODEL(0xb7), RTM, OF_2019 | ARCH, 0, 1, false, IBRS_ALL}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(promises); i++)
		for (size_t other = 0; other < ARRAY_SIZE(promises); other++) {
			affected.cpu.arch_capabilities = IBRS_ALL | promises[i].bits;
			assert_int_equal(verdict(&affected, promises[other].hazard) ==
						 VERDICT_UNAFFECTED,
					 i == other);
		}
	for (unsigned int n = 13; n <= 15; n++) { /* two of three do not make it */
		affected.cpu.arch_capabilities = NO_STALE & ~BIT(n);
		assert_int_equal(verdict(&affected, HAZARD_MMIO), VERDICT_CLOSED);
	}
}

static void unknown_models_and_other_vendors_count_as_affected(void **state)
{
	struct row unknown = {.cpu = {INTEL, MODEL(0xdd), 0, OF_2019, 0, 1, false, 0}};

	(void)state;
	assert_int_equal(verdict(&unknown, HAZARD_L1TF), VERDICT_CLOSED);
	assert_int_equal(verdict(&unknown, HAZARD_MDS), VERDICT_CLOSED);
	unknown.cpu.signature = MODEL(0x5c); /* a model of Intel's that is not */
	memcpy(unknown.cpu.vendor, "CentaurHauls", 12);
	assert_int_equal(verdict(&unknown, HAZARD_L1TF), VERDICT_CLOSED);
	assert_int_equal(verdict(&unknown, HAZARD_MDS), VERDICT_CLOSED);
}

static void the_other_thread_of_a_core_is_told_of(void **state)
{
	struct row threads = *row("Haswell");

	(void)state;
	assert_int_equal(verdict(&threads, HAZARD_THREADS), VERDICT_UNAFFECTED);
	threads.cpu.threads = 2;
	assert_int_equal(verdict(&threads, HAZARD_THREADS), VERDICT_OPEN);
	assert_int_equal(verdict(row("one that has nothing of all this"), HAZARD_THREADS),
			 VERDICT_UNAFFECTED);
}

static void off_does_nothing_and_says_what_is_open(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mitigations automatic = decide(&rows[i].cpu, MITIGATIONS_AUTO);
		struct mitigations m = decide(&rows[i].cpu, MITIGATIONS_OFF);

		assert_int_equal(m.steps | m.spec_ctrl | m.guest_spec_ctrl, 0);
		for (enum hazard h = 0; h < HAZARDS; h++)
			if (h != HAZARD_MMIO)
				assert_int_equal(m.hazard[h].verdict,
						 automatic.hazard[h].verdict == VERDICT_UNAFFECTED
							 ? VERDICT_UNAFFECTED
							 : VERDICT_OPEN);
	}
}

static void an_emulators_cpu_needs_nothing_but_does_all_where_it_is_asked_to(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct speculating_cpu cpu = rows[i].cpu;
		struct mitigations m;

		cpu.emulated = true;
		m = decide(&cpu, MITIGATIONS_AUTO);
		assert_int_equal(m.steps | m.spec_ctrl | m.guest_spec_ctrl, 0);
		for (enum hazard h = 0; h < HAZARDS; h++)
			assert_int_equal(m.hazard[h].verdict, VERDICT_UNAFFECTED);
		m = decide(&cpu, MITIGATIONS_ALL);
		assert_int_equal(m.steps & rows[i].steps, rows[i].steps);
		assert_true(m.steps & STEP_RSB_FILL && m.steps & STEP_BHB_CLEAR &&
			    m.steps & STEP_VERW);
	}
}

static void no_msr_is_touched_that_the_cpu_does_not_show(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct speculating_cpu cpu = rows[i].cpu;
		struct mitigations m;

		cpu.leaf7_edx &= MD_CLEAR;
		m = decide(&cpu, MITIGATIONS_ALL);
		assert_false(m.steps & (STEP_SPEC_CTRL | STEP_L1D_COMMAND | STEP_IBPB));
		assert_int_equal(m.spec_ctrl | m.guest_spec_ctrl, 0);
	}
}

static void guests_may_set_what_the_cpu_has(void **state)
{
	struct speculating_cpu cpu = row("Skylake")->cpu;

	(void)state;
	assert_int_equal(decide(&cpu, MITIGATIONS_AUTO).guest_spec_ctrl,
			 SPEC_CTRL_IBRS | SPEC_CTRL_STIBP | SPEC_CTRL_SSBD);
	cpu.leaf7_edx &= ~STIBP;
	assert_int_equal(decide(&cpu, MITIGATIONS_AUTO).guest_spec_ctrl,
			 SPEC_CTRL_IBRS | SPEC_CTRL_SSBD);
	cpu.leaf7_edx &= ~SSBD;
	assert_int_equal(decide(&cpu, MITIGATIONS_AUTO).guest_spec_ctrl, SPEC_CTRL_IBRS);
	cpu.leaf7_2_edx = UINT32_MAX;
	assert_int_equal(decide(&cpu, MITIGATIONS_AUTO).guest_spec_ctrl, 0x5f9);
	cpu.leaf7_2_edx = ~LEAF7_2_EDX_BHI_CTRL;
	assert_int_equal(decide(&cpu, MITIGATIONS_AUTO).guest_spec_ctrl, 0x1f9);
}

/* By the stepping, and only where root mode is meant. */
static void branches_in_the_lower_half_of_a_line_are_open_where_they_may_be_predicted(void **state)
{
	static const struct {
		uint32_t signature;
		bool open;
	} cpus[] = {
		{STEPPING(0x55, 5), false},   {STEPPING(0x55, 6), true},
		{STEPPING(0x8e, 0xb), false}, {STEPPING(0x8e, 0xc), true},
		{STEPPING(0x9e, 0xd), true},  {STEPPING(0xa5, 0), true},
		{STEPPING(0x7e, 5), false},   {STEPPING(0x97, 2), false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cpus); i++) {
		struct speculating_cpu cpu = {INTEL, cpus[i].signature, 0, ARCH, 0, 1, false, 0};
		struct mitigations m = decide(&cpu, MITIGATIONS_AUTO);

		assert_int_equal(m.hazard[HAZARD_ITS].verdict == VERDICT_OPEN, cpus[i].open);
		cpu.arch_capabilities = ITS_NO;
		m = decide(&cpu, MITIGATIONS_AUTO);
		assert_int_equal(m.hazard[HAZARD_ITS].verdict, VERDICT_UNAFFECTED);
	}
}

/* What names a register that guests do not have is not for them, nor what one core has alone. */
static void guests_are_promised_what_holds_for_them(void **state)
{
	struct speculating_cpu cpu = {INTEL, MODEL(0x97), 0, ARCH, 0, 1, false, UINT64_MAX};

	(void)state;
	assert_int_equal(mitigations_promises(&cpu), SINCE_CASCADE | BIT(4) | TAA_NO | NO_STALE |
							     FB_CLEAR | BHI_NO | PBRSB_NO | GDS_NO |
							     RFDS_NO | RFDS_CLEAR | ITS_NO);
	assert_int_equal(mitigations_confessions(&cpu), RSBA | RRSBA);
	cpu.leaf7_edx |= HYBRID;
	assert_false(mitigations_promises(&cpu) & RFDS_NO);
	cpu.arch_capabilities = 0;
	assert_int_equal(mitigations_promises(&cpu), 0);
}

static bool suits(const struct speculating_cpu *first, const struct speculating_cpu *own,
		  enum mitigations_wanted wanted)
{
	struct mitigations of_first = decide(first, wanted), of_own = decide(own, wanted);

	return mitigations_suit(&of_first, first, &of_own, own);
}

/* Better may be worse: a guest takes a bit of IA32_SPEC_CTRL to a CPU that does not have it. */
static void guests_run_on_cpus_that_keep_what_they_were_told(void **state)
{
	const struct speculating_cpu cpu = {INTEL,
					    MODEL(0x97),
					    0,
					    OF_2019 | ARCH,
					    LEAF7_2_EDX_BHI_CTRL,
					    1,
					    false,
					    SINCE_CASCADE | IBRS_ALL};
	struct speculating_cpu other = cpu;

	(void)state;
	assert_true(suits(&cpu, &other, MITIGATIONS_AUTO));
	other.arch_capabilities |= RRSBA;
	assert_true(suits(&cpu, &other, MITIGATIONS_AUTO) && suits(&other, &cpu, MITIGATIONS_AUTO));
	other.arch_capabilities = cpu.arch_capabilities & ~IBRS_ALL;
	assert_false(suits(&cpu, &other, MITIGATIONS_AUTO));
	/* guests know nothing of it */
	assert_true(suits(&cpu, &other, MITIGATIONS_OFF));
	other = cpu;
	other.leaf7_2_edx |= LEAF7_2_EDX_PSFD;
	assert_false(suits(&cpu, &other, MITIGATIONS_AUTO));
	assert_false(suits(&other, &cpu, MITIGATIONS_AUTO));
}

static void each_step_has_a_name(void **state)
{
	unsigned int count = 0;

	(void)state;
	while (step_name(count))
		count++;
	assert_int_equal(1u << (count - 1), STEP_IBPB);
	assert_string_equal(step_name(0), "rsb-fill");
	assert_string_equal(step_name(count - 1), "ibpb");
	assert_string_equal(hazard_name(HAZARD_THREADS), "threads");
	assert_string_equal(verdict_name(VERDICT_OPEN), "open");
	assert_string_equal(mitigations_wanted_name(MITIGATIONS_ALL), "all");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_model_gets_what_it_needs_and_no_more),
		cmocka_unit_test(what_only_microcode_can_close_is_open_without_it),
		cmocka_unit_test(each_promise_is_believed_and_only_for_what_it_says),
		cmocka_unit_test(unknown_models_and_other_vendors_count_as_affected),
		cmocka_unit_test(the_other_thread_of_a_core_is_told_of),
		cmocka_unit_test(off_does_nothing_and_says_what_is_open),
		cmocka_unit_test(an_emulators_cpu_needs_nothing_but_does_all_where_it_is_asked_to),
		cmocka_unit_test(no_msr_is_touched_that_the_cpu_does_not_show),
		cmocka_unit_test(guests_may_set_what_the_cpu_has),
		cmocka_unit_test(
			branches_in_the_lower_half_of_a_line_are_open_where_they_may_be_predicted),
		cmocka_unit_test(guests_are_promised_what_holds_for_them),
		cmocka_unit_test(guests_run_on_cpus_that_keep_what_they_were_told),
		cmocka_unit_test(each_step_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
