/* vmm/doctor/: what is found of a CPU, from the words it tells. */
#include "tests/unit/unit.h"

#include "vmm/doctor/cpu.h"
#include "vmm/doctor/hazards.h"
#include "vmm/doctor/speculation.h"

static struct cpu_facts facts;
static struct findings findings;
static char said[16384];

void print(const char *format, ...)
{
	size_t length = strlen(said);
	va_list args;

	va_start(args, format);
	vsnprintf(said + length, sizeof(said) - length, format, args);
	va_end(args);
}

/* A CPU that has all that is asked of VMX, and whose APIC is on. */
static int start(void **state)
{
	(void)state;
	memset(&facts, 0, sizeof(facts));
	memcpy(facts.vendor, "GenuineIntel", 13);
	facts.signature = 0x806c1;
	facts.nx = true;
	facts.apic_base = 0xfee00900;
	facts.vmx.known = BIT(VMX_WORD_END) - 1;
	for (const struct vmx_requirement *row = vmx_requirements; row->key; row++)
		facts.vmx.value[row->word] |= row->value | row->any;
	facts.capabilities.vmx = true;
	facts.capabilities.preemption = PREEMPTION_VMX;
	facts.same_vmx = facts.same_mtrrs = facts.same_speculation = facts.tsc_measured = true;
	said[0] = '\0';
	return 0;
}

static void examine(void)
{
	findings.count = 0;
	doctor_examine_cpu(&findings, &facts, true);
}

static const struct finding *find(const char *name)
{
	for (uint32_t i = 0; i < findings.count; i++)
		if (!strcmp(findings.row[i].name, name))
			return &findings.row[i];
	fail_msg("nothing is found of %s", name);
	return NULL;
}

static uint32_t forbidding(void)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < findings.count; i++)
		count += finding_forbids(&findings.row[i]);
	return count;
}

static void expect(const char *name, bool there, enum finding_verdict verdict)
{
	const struct finding *row = find(name);

	assert_int_equal(row->there, there);
	assert_int_equal(row->verdict, verdict);
}

static void a_cpu_that_has_everything_forbids_nothing(void **state)
{
	(void)state;
	examine();
	assert_int_equal(forbidding(), 0);
	expect("ept", true, VERDICT_OK);
	expect("preemption", true, VERDICT_OK);
	assert_string_equal(find("preemption")->text, "vmx");
	expect("tsc", true, VERDICT_OK);
}

static void each_requirement_of_the_boot_forbids_alone(void **state)
{
	(void)state;
	for (const struct vmx_requirement *row = vmx_requirements; row->key; row++) {
		uint64_t all = facts.vmx.value[row->word];

		facts.vmx.value[row->word] &= ~row->value;
		if (row->word == VMX_WORD_FEATURE_CONTROL)
			facts.vmx.value[row->word] = FEATURE_CONTROL_LOCK;
		examine();
		assert_false(find(row->key)->there);
		assert_int_equal(find(row->key)->kind == FINDING_REQUIRED,
				 row->need == VMX_REQUIRED);
		assert_int_equal(finding_forbids(find(row->key)), row->need == VMX_REQUIRED);
		assert_ptr_equal(find(row->key)->remedy, row->remedy);
		facts.vmx.value[row->word] = all;
	}
}

static void without_vmx_that_alone_forbids_and_the_rest_is_not_known(void **state)
{
	(void)state;
	facts.vmx = (struct vmx_words){.known = BIT(VMX_WORD_CPUID)};
	facts.capabilities = (struct vmx_capabilities){};
	examine();
	assert_int_equal(forbidding(), 1);
	expect("vmx", false, VERDICT_MISSING);
	expect("ept", false, VERDICT_UNKNOWN);
	expect("vpid", false, VERDICT_UNKNOWN);
	expect("preemption", false, VERDICT_UNKNOWN);
}

static void vt_x_that_firmware_locked_off_is_off_not_missing(void **state)
{
	(void)state;
	facts.vmx.value[VMX_WORD_FEATURE_CONTROL] = 1;
	examine();
	assert_int_equal(forbidding(), 1);
	expect("vt-x", false, VERDICT_OFF);
	assert_false(find("vt-x-open")->there);
	facts.vmx.value[VMX_WORD_FEATURE_CONTROL] = 0;
	examine();
	assert_int_equal(forbidding(), 0);
	expect("vt-x", true, VERDICT_OK);
	assert_true(find("vt-x-open")->there);
}

static void nx_and_what_takes_the_cpu_back_are_required(void **state)
{
	(void)state;
	facts.nx = false;
	facts.capabilities.preemption = PREEMPTION_NONE;
	facts.preemption_remedy = "use preemption=auto";
	examine();
	assert_int_equal(forbidding(), 2);
	expect("nx", false, VERDICT_MISSING);
	assert_string_equal(find("preemption")->remedy, "use preemption=auto");
}

static void what_a_cpu_says_of_itself_is_known_only_if_it_says_something(void **state)
{
	(void)state;
	examine();
	expect("mds_no", false, VERDICT_UNKNOWN);
	facts.arch_capabilities = (struct maybe){true, BIT(5) | BIT(17) | BIT(62)};
	examine();
	expect("mds_no", true, VERDICT_OK);
	expect("fb_clear", true, VERDICT_OK);
	expect("its_no", true, VERDICT_OK);
	expect("rdcl_no", false, VERDICT_MISSING);
	expect("ibrs_all", false, VERDICT_OK);
}

static void each_bit_is_explained_as_it_is(void **state)
{
	(void)state;
	facts.arch_capabilities = (struct maybe){true, BIT(5)};
	doctor_explain_speculation(&facts);
	assert_non_null(strstr(said, "mds_no               no data are sampled"));
	assert_non_null(strstr(said, "rdcl_no              L1TF, perhaps"));
	assert_null(strstr(said, "fb_clear "));
	said[0] = '\0';
	facts.arch_capabilities.value = ~0ull;
	doctor_explain_speculation(&facts);
	assert_null(strstr(said, "perhaps"));
	assert_non_null(strstr(said, "fb_clear "));
}

static void each_hazard_is_told_with_what_is_done_about_it(void **state)
{
	struct mitigations m = {};

	(void)state;
	for (enum hazard h = 0; h < HAZARDS; h++)
		m.hazard[h].why = "it says so";
	m.hazard[HAZARD_MDS].verdict = VERDICT_CLOSED;
	m.hazard[HAZARD_BHI].verdict = VERDICT_OPEN;
	m.hazard[HAZARD_BHI].why = "microcode is wanting";
	findings.count = 0;
	doctor_examine_hazards(&findings, &m);
	doctor_explain_hazards(&m);
	assert_int_equal(findings.count, HAZARDS);
	assert_string_equal(find("mds")->text, "closed");
	assert_false(find("mds")->quiet);
	assert_string_equal(find("l1tf")->text, "unaffected");
	assert_true(find("l1tf")->quiet);
	assert_string_equal(said, "mds is closed: it says so\nbhi is open: microcode is wanting\n");
}

static void amx_and_apx_are_named_with_their_size(void **state)
{
	(void)state;
	examine();
	assert_false(find("amx")->there);
	assert_false(find("apx")->there);
	facts.leaf7.edx = BIT(24);
	facts.leaf7_1.edx = BIT(21);
	facts.amx_size = 64 + 8192;
	facts.apx_size = 128;
	examine();
	assert_string_equal(find("amx")->text, "8256");
	assert_string_equal(find("apx")->text, "128");
}

static void what_is_left_on_is_told_and_nothing_else(void **state)
{
	static const char *const names[] = {"nx-off",	"cpuid-limit", "apic-off",  "xss",
					    "debugctl", "counters",    "tsc-adjust"};

	(void)state;
	examine();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_false(find(names[i])->there);
	facts.misc_enable = BIT(22) | BIT(34);
	facts.apic_base = 0;
	facts.xss = facts.debugctl = facts.perf_global_ctrl = facts.tsc_adjust =
		(struct maybe){true, 0x100};
	examine();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_true(find(names[i])->there);
	assert_int_equal(find("xss")->value, 0x100);
	assert_string_equal(find("apic")->text, "off");
}

/* CPUs are compared row by row. */
static void the_rows_are_the_same_whatever_a_cpu_has(void **state)
{
	static struct findings full;

	(void)state;
	examine();
	full = findings;
	memset(&facts, 0, sizeof(facts));
	examine();
	assert_int_equal(findings.count, full.count);
	for (uint32_t i = 0; i < full.count; i++) {
		assert_ptr_equal(findings.row[i].name, full.row[i].name);
		assert_ptr_equal(findings.row[i].group, full.row[i].group);
	}
	assert_true(finding_same(&full.row[0], &full.row[0]));
	assert_false(finding_same(&full.row[0], &findings.row[0]));
}

static void a_name_with_spaces_is_one_word_of_a_record(void **state)
{
	(void)state;
	findings.count = 0;
	finding_say(&findings, "cpu", "vendor", 1, "%s", "VIA VIA\tVIA");
	assert_string_equal(findings.row[0].text, "VIA_VIA_VIA");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_cpu_that_has_everything_forbids_nothing, start),
		cmocka_unit_test_setup(each_requirement_of_the_boot_forbids_alone, start),
		cmocka_unit_test_setup(without_vmx_that_alone_forbids_and_the_rest_is_not_known,
				       start),
		cmocka_unit_test_setup(vt_x_that_firmware_locked_off_is_off_not_missing, start),
		cmocka_unit_test_setup(nx_and_what_takes_the_cpu_back_are_required, start),
		cmocka_unit_test_setup(what_a_cpu_says_of_itself_is_known_only_if_it_says_something,
				       start),
		cmocka_unit_test_setup(each_bit_is_explained_as_it_is, start),
		cmocka_unit_test_setup(each_hazard_is_told_with_what_is_done_about_it, start),
		cmocka_unit_test_setup(amx_and_apx_are_named_with_their_size, start),
		cmocka_unit_test_setup(what_is_left_on_is_told_and_nothing_else, start),
		cmocka_unit_test_setup(the_rows_are_the_same_whatever_a_cpu_has, start),
		cmocka_unit_test(a_name_with_spaces_is_one_word_of_a_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
