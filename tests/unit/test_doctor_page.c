/* vmm/doctor/page.c: findings as words on a screen of 80 columns. */
#include "tests/unit/unit.h"

#include "vmm/doctor/cpu.h"
#include "vmm/doctor/findings.h"
#include "vmm/doctor/hazards.h"
#include "vmm/doctor/page.h"

/*
 * Of the 25 rows of a screen these are left to the findings. Two are of the words above them, three
 * of the line to be copied, two tell how the machine ends, and in the last one is the cursor.
 */
#define ROWS_LEFT 17

static struct findings cpu, machine, other;
static struct cpu_facts facts;
static char page[8192];

void print(const char *format, ...)
{
	size_t length = strlen(page);
	va_list args;

	va_start(args, format);
	vsnprintf(page + length, sizeof(page) - length, format, args);
	va_end(args);
}

static int start(void **state)
{
	(void)state;
	cpu.count = machine.count = other.count = 0;
	page[0] = '\0';
	return 0;
}

static void each_word_says_what_it_is(void **state)
{
	(void)state;
	finding_add(&cpu, "required", "one", FINDING_REQUIRED, true);
	finding_add(&cpu, "required", "two", FINDING_REQUIRED, false);
	finding_add(&cpu, "required", "three", FINDING_REQUIRED, false)->verdict = VERDICT_UNKNOWN;
	finding_add(&cpu, "required", "four", FINDING_REQUIRED, false)->verdict = VERDICT_UNKNOWN;
	finding_add(&machine, "required", "five", FINDING_REQUIRED, true);
	finding_add(&cpu, "optional", "six", FINDING_OPTIONAL, false);
	finding_add(&cpu, "left-on", "seven", FINDING_TOLD, false);
	finding_add(&cpu, "left-on", "eight", FINDING_TOLD, true)->has_value = true;
	finding_say(&machine, "firmware", "nine", 9, "%s", "bios");
	finding_add(&cpu, "apic", "ten", FINDING_TOLD, true)->quiet = true;
	page_print(&cpu, &machine);
	assert_string_equal(page, "needs !two ?2 +2\n"
				  "uses  -six\n"
				  "pc    nine=bios\n"
				  "left  eight=0x1\n");
}

static void no_line_is_longer_than_a_screen(void **state)
{
	static char name[200][32];
	uint64_t seed = 0xd0c;
	uint32_t words = 0, told = 0;

	(void)state;
	for (uint32_t i = 0; i < ARRAY_SIZE(name); i++) {
		uint32_t length = 1 + random_next(&seed) % 30;

		memset(name[i], 'a', length);
		finding_add(&cpu, "optional", name[i], FINDING_OPTIONAL, i % 2)->value = i;
		words++;
	}
	page_print(&cpu, &machine);
	for (char *line = strtok(page, "\n"); line; line = strtok(NULL, "\n")) {
		assert_in_range(strlen(line), 7, PAGE_COLUMNS);
		for (char *c = line; *c; c++)
			told += *c != ' ' && (c == line || c[-1] == ' ');
	}
	assert_int_equal(told, words + 1); /* and the label */
}

static void a_remedy_is_told_once_with_all_that_it_is_for(void **state)
{
	static const char *const remedy = "buy another CPU";

	(void)state;
	finding_add(&cpu, "required", "one", FINDING_REQUIRED, false)->remedy = remedy;
	finding_add(&cpu, "required", "two", FINDING_REQUIRED, true)->remedy = remedy;
	finding_add(&cpu, "required", "three", FINDING_REQUIRED, false)->remedy = "switch it on";
	finding_add(&cpu, "required", "four", FINDING_REQUIRED, false)->remedy = remedy;
	finding_add(&cpu, "optional", "five", FINDING_OPTIONAL, false)->remedy = remedy;
	page_print_remedies(&cpu);
	assert_string_equal(page, "do    one four - buy another CPU\n"
				  "do    three - switch it on\n");
}

static void of_another_cpu_only_what_is_different_is_told(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		struct findings *f = i ? &other : &cpu;

		finding_add(f, "required", "one", FINDING_REQUIRED, true);
		finding_add(f, "optional", "two", FINDING_OPTIONAL, !i);
		finding_say(f, "apic", "id", i, "%u", i);
		f->row[f->count - 1].own = true;
		/* of a word in which another bit is different */
		finding_add(f, "speculation", "three", FINDING_OPTIONAL, true)->value = 1 + 2 * i;
		finding_add(f, "speculation", "four", FINDING_TOLD, i)->quiet = true;
	}
	page_print_difference(3, true, &cpu, &other);
	page_print_difference(4, false, &cpu, &cpu);
	assert_string_equal(page, "cpu3  left out at boot: -two\n");
}

static uint32_t rows(void)
{
	uint32_t count = 0;

	for (const char *c = page; *c; c++)
		count += *c == '\n';
	return count;
}

/* A CPU that has all, and the machine around it, with as many ACPI tables as a laptop has. */
static void fill_facts(uint64_t arch_capabilities, uint32_t leaf7_edx, uint32_t leaf7_2_edx)
{
	static const struct maybe left = {true, 0x1000};

	memset(&facts, 0, sizeof(facts));
	memcpy(facts.vendor, "GenuineIntel", 13);
	facts.signature = 0xc06f2;
	facts.microcode = (struct maybe){true, 0x210002b3};
	facts.nx = true;
	facts.leaf1.ecx = facts.leaf_d1.eax = facts.leaf_d.eax = facts.leaf7_1.edx = UINT32_MAX;
	facts.leaf_d.ecx = 11008;
	facts.amx_size = 8256;
	facts.apx_size = 128;
	facts.apic_base = 0xfee00d00;
	facts.leaf7.edx = leaf7_edx;
	facts.leaf7_2.edx = leaf7_2_edx;
	facts.arch_capabilities = (struct maybe){true, arch_capabilities};
	facts.extended7.edx = BIT(8);
	facts.extended8.eax = 0x392e;
	facts.tsc_adjust = facts.xss = facts.debugctl = facts.perf_global_ctrl = left;
	facts.vmx.known = BIT(VMX_WORD_END) - 1;
	for (const struct vmx_requirement *row = vmx_requirements; row->key; row++)
		facts.vmx.value[row->word] |= row->value | row->any;
	facts.capabilities.vmx = facts.capabilities.apicv = true;
	facts.capabilities.preemption = PREEMPTION_VMX;
	facts.lazyfp = facts.multihit = true;
	facts.same_vmx = facts.same_mtrrs = facts.same_speculation = facts.tsc_measured = true;
	facts.tsc_found = -12345678901;
}

static void fill_machine(enum verdict verdict)
{
	static const char *const tables[] = {
		"FACP", "APIC", "HPET", "MCFG", "SSDT", "DMAR", "BGRT", "TPM2", "LPIT",
		"WSMT", "DBGP", "DBG2", "NHLT", "FPDT", "UEFI", "MSDM", "SLIC", "PHAT",
		"ECDT", "WDAT", "ASF!", "BOOT", "VFCT", "SDEV", "PTDT", "FIDT",
	};
	struct mitigations mitigations = {};

	/* no CPU has all: these two are of Atoms and of later CPUs than most others are */
	for (enum hazard h = 0; h < HAZARDS; h++)
		if (h != HAZARD_RFDS && h != HAZARD_PBRSB)
			mitigations.hazard[h].verdict = verdict;
	machine.count = 0;
	finding_say(&machine, "tsc", "khz", 3686400, "%u", 3686400);
	finding_say(&machine, "tsc", "clock", 1, "%s", "cpuid");
	finding_say(&machine, "tsc", "timer", 1, "%s", "apic");
	finding_say(&machine, "fpu", "uses", 1, "%s", "xsavec");
	finding_say(&machine, "fpu", "xcr0", 1, "0x%x", 0x602e7);
	finding_say(&machine, "fpu", "tiles", 1, "%s", "on");
	finding_say(&machine, "memory", "memory", 1, "%luM", 1048576ul);
	finding_say(&machine, "memory", "ranges", 1, "%u", 42);
	finding_say(&machine, "firmware", "loader", 2, "%s", "GRUB_2.06");
	finding_say(&machine, "firmware", "screen", 2, "%ux%ux%u", 3840, 2160, 32);
	finding_say(&machine, "acpi", "tables", 1, "%u", 48);
	for (uint32_t i = 0; i < ARRAY_SIZE(tables); i++)
		finding_add(&machine, "acpi", tables[i], FINDING_TOLD, true);
	finding_say(&machine, "left-on", "cr0", 1, "0x%x", 0x80010033);
	finding_say(&machine, "left-on", "cr4", 1, "0x%x", 0x668);
	doctor_examine_hazards(&machine, &mitigations);
}

static void print_page(void)
{
	page[0] = '\0';
	cpu.count = 0;
	doctor_examine_cpu(&cpu, &facts, true);
	page_print(&cpu, &machine);
}

/*
 * What a CPU says of its speculation is most of the page: all bits set; all that help, and none
 * that clears it of anything; and a CPU that says nothing, and has all that there is.
 */
static void what_a_cpu_that_says_much_has_fits_a_screen(void **state)
{
	const uint64_t clears = 1ull << 62 | 0xd10e171;

	(void)state;
	fill_facts(UINT64_MAX, UINT32_MAX, UINT32_MAX);
	fill_machine(VERDICT_UNAFFECTED);
	print_page();
	assert_in_range(rows(), 9, ROWS_LEFT);
	assert_non_null(strstr(page, "rdcl_no"));

	fill_facts(~clears, UINT32_MAX, UINT32_MAX);
	fill_machine(VERDICT_CLOSED);
	print_page();
	assert_in_range(rows(), 9, ROWS_LEFT);
	assert_null(strstr(page, "rdcl_no"));
	assert_non_null(strstr(page, " -13\n"));

	fill_facts(0, 0, 0);
	fill_machine(VERDICT_OPEN);
	print_page();
	assert_in_range(rows(), 9, ROWS_LEFT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(each_word_says_what_it_is, start),
		cmocka_unit_test_setup(no_line_is_longer_than_a_screen, start),
		cmocka_unit_test_setup(a_remedy_is_told_once_with_all_that_it_is_for, start),
		cmocka_unit_test_setup(of_another_cpu_only_what_is_different_is_told, start),
		cmocka_unit_test_setup(what_a_cpu_that_says_much_has_fits_a_screen, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
