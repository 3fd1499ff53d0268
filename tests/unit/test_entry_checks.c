/* vmx/checks/entry_checks.c, vmx/checks/entry_rules_*.c: no rule fires on a state that enters, and
 * each one on a state in which one thing is changed. */
#include "tests/unit/entry_fixture.h"

static size_t find(void)
{
	return entry_checks_find(&source, found, FOUND_MAX);
}

static int setup(void **state)
{
	(void)state;
	set_up();
	assert_true(entry_base_write(&target, BASE_64));
	return 0;
}

/* The CPU that a row asks for. */
static void choose_cpu(enum entry_fact fact)
{
	struct entry_cpu *cpu = &source.cpu;

	*cpu = every_control;
	cpu->long_mode = fact != FACT_LEGACY;
	cpu->pt_enabled = fact == FACT_TRACED;
	cpu->sgx = fact != FACT_NO_SGX;
	cpu->rtm = fact != FACT_NO_RTM;
	assert_true(entry_fact_holds(cpu, fact));
}

static bool fired(const char *name, size_t count)
{
	for (size_t i = 0; i < count && i < FOUND_MAX; i++)
		if (!strcmp(found[i].rule->name, name))
			return true;
	return false;
}

static void no_rule_fires_on_a_state_that_enters(void **state)
{
	for (unsigned int base = 0; base < ENTRY_BASES; base++) {
		setup(state);
		assert_true(entry_base_write(&target, (enum entry_base)base));
		if (find())
			fail_msg("guest %u: %s", base, found[0].rule->name);
	}
}

static void each_rule_fires_on_what_breaks_it_and_not_before(void **state)
{
	const struct entry_break *row;

	for (size_t i = 0; (row = entry_break_at(i)); i++) {
		size_t count;

		setup(state);
		choose_cpu((enum entry_fact)row->fact);
		assert_true(entry_base_write(&target, (enum entry_base)row->base));
		if (!entry_changes_make(&target, row->valid))
			fail_msg("%s: what makes it apply cannot be done", row->rule);
		if (row->fact != FACT_LEGACY && find())
			fail_msg("%s: before, %s fires", row->rule, found[0].rule->name);
		if (!entry_changes_make(&target, row->broken))
			fail_msg("%s: what breaks it cannot be done", row->rule);
		source.failed = true;
		count = find();
		if (!fired(row->rule, count))
			fail_msg("%s does not fire, but %s", row->rule,
				 count ? found[0].rule->name : "none");
		if (!row->others && count != 1)
			fail_msg("%s: %s fires too", row->rule,
				 found[strcmp(found[0].rule->name, row->rule) ? 0 : 1].rule->name);
	}
}

static void each_rule_has_a_name_of_its_own_and_something_that_breaks_it(void **state)
{
	const struct entry_rule *rule, *other;
	const struct entry_break *row;

	(void)state;
	for (size_t i = 0; (rule = entry_rule_at(i)); i++) {
		bool broken = false;

		for (size_t n = 0; (row = entry_break_at(n)); n++)
			broken |= !strcmp(row->rule, rule->name);
		if (!broken)
			fail_msg("nothing breaks %s", rule->name);
		for (size_t n = 0; n < i; n++) {
			other = entry_rule_at(n);
			if (!strcmp(other->name, rule->name))
				fail_msg("two rules are called %s", rule->name);
			assert_true(other->stage <= rule->stage);
		}
	}
}

static void what_is_found_comes_in_the_order_of_the_cpu_with_its_value(void **state)
{
	(void)state;
	fields[VMCS_GUEST_RFLAGS] = 0;
	fields[VMCS_HOST_TR_SELECTOR] = 0;
	fields[VMCS_CR3_TARGET_COUNT] = 99;
	assert_int_equal(find(), 3);
	assert_string_equal(found[0].rule->name, "cr3-target-count");
	assert_int_equal(found[0].rule->stage, ENTRY_CONTROLS);
	assert_int_equal(found[0].value, 99);
	assert_string_equal(found[0].rule->field_name, "CR3_TARGET_COUNT");
	assert_string_equal(found[1].rule->section, "26.2.3");
	assert_int_equal(found[1].rule->stage, ENTRY_HOST);
	assert_int_equal(found[2].rule->stage, ENTRY_GUEST);
}

static void more_than_there_is_room_for_are_counted(void **state)
{
	(void)state;
	fields[VMCS_GUEST_RFLAGS] = 0;
	fields[VMCS_HOST_TR_SELECTOR] = 0;
	memset(found, 0, sizeof(found));
	assert_int_equal(entry_checks_find(&source, found, 1), 2);
	assert_null(found[1].rule);
	assert_int_equal(entry_checks_find(&source, NULL, 0), 2);
}

static const char *cause_of(uint32_t number)
{
	struct entry_finding cause;

	return entry_checks_cause(&source, number, &cause) ? cause.rule->name : "none";
}

static void the_cause_is_of_the_stage_that_the_error_or_exit_reason_names(void **state)
{
	struct entry_finding cause;

	(void)state;
	source.failed = true;
	fields[VMCS_CR3_TARGET_COUNT] = 99;
	fields[VMCS_HOST_TR_SELECTOR] = 0;
	fields[VMCS_GUEST_RFLAGS] = 0;
	fields[VMCS_ENTRY_MSR_LOAD_COUNT] = 1;
	pages[PAGE_MSRS][0] = MSR_FS_BASE;
	assert_string_equal(cause_of(7), "cr3-target-count");
	assert_string_equal(cause_of(8), "host-tr-null");
	assert_string_equal(cause_of(33), "rflags-fixed");
	assert_string_equal(cause_of(34), "msr-load-segment-base");
	assert_true(entry_checks_cause(&source, 7, &cause));
	assert_int_equal(cause.value, 99);
	/* other errors and reasons (a VMCS that is launched, a machine check) are causes themselves
	 */
	for (uint32_t number = 0; number < 80; number++)
		if (number != 7 && number != 8 && number != 33 && number != 34)
			assert_string_equal(cause_of(number), "none");
}

/* A CPU may look at controls and host state in any order, and at the guest's only after them. */
static void without_a_rule_of_its_stage_it_is_of_one_that_comes_with_it_or_none(void **state)
{
	(void)state;
	source.failed = true;
	fields[VMCS_HOST_TR_SELECTOR] = 0;
	assert_string_equal(cause_of(7), "host-tr-null");
	assert_string_equal(cause_of(33), "none");
	fields[VMCS_GUEST_RFLAGS] = 0;
	assert_string_equal(cause_of(33), "rflags-fixed");
	assert_string_equal(cause_of(34), "none");
}

/* STI blocking with an NMI matters to some, the link pointer, which comes later, to all. */
static void what_every_cpu_looks_at_explains_better(void **state)
{
	(void)state;
	source.failed = true;
	fields[VMCS_GUEST_RFLAGS] |= RFLAGS_IF;
	fields[VMCS_ENTRY_INTERRUPTION_INFO] = INTERRUPTION_VALID | TYPE_NMI | VECTOR_NMI;
	fields[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKING_BY_STI;
	assert_string_equal(cause_of(33), "blocking-nmi-sti");
	fields[VMCS_VMCS_LINK_POINTER] = 8;
	assert_string_equal(cause_of(33), "link-aligned");
}

static void secondary_controls_that_are_not_activated_count_as_0(void **state)
{
	(void)state;
	fields[VMCS_PRIMARY_CONTROLS] &= ~PRIMARY_SECONDARY_CONTROLS;
	fields[VMCS_SECONDARY_CONTROLS] = UINT32_MAX;
	fields[VMCS_EPT_POINTER] = 7;
	fields[VMCS_TERTIARY_CONTROLS] = UINT64_MAX;
	fields[VMCS_SECONDARY_EXIT_CONTROLS] = UINT64_MAX;
	assert_int_equal(find(), 0);
}

static void without_memory_the_rules_that_look_into_it_are_left_out(void **state)
{
	(void)state;
	fields[VMCS_VMCS_LINK_POINTER] = PAGE_AT(PAGE_ZEROS); /* no revision there */
	fields[VMCS_ENTRY_MSR_LOAD_COUNT] = 1;
	pages[PAGE_MSRS][0] = MSR_FS_BASE;
	assert_int_equal(find(), 2);
	source.read_memory = NULL;
	assert_int_equal(find(), 0);
}

/* What a CPU with linear-address masking takes, and where the width is that of the paging to come.
 */
static void rules_go_by_what_the_cpu_has(void **state)
{
	struct entry_finding found[2];

	(void)state;
	fields[VMCS_GUEST_CR3] = BIT(62);
	fields[VMCS_HOST_CR3] = BIT(61);
	assert_int_equal(entry_checks_find(&source, found, 2), 2);
	source.cpu.lam = true;
	assert_int_equal(entry_checks_find(&source, found, 2), 0);
	fields[VMCS_GUEST_CR3] = BIT(60);
	assert_int_equal(entry_checks_find(&source, found, 2), 1);
	fields[VMCS_GUEST_CR3] = 0;

	source.cpu.linear_bits = 57;
	fields[VMCS_HOST_RIP] = BIT(50);
	assert_int_equal(entry_checks_find(&source, found, 2), 1);
	assert_string_equal(found[0].rule->name, "host-rip");
	fields[VMCS_HOST_CR4] |= CR4_LA57;
	assert_int_equal(entry_checks_find(&source, found, 2), 0);
}

static void what_only_some_cpus_check_counts_where_the_entry_has_failed(void **state)
{
	(void)state;
	fields[VMCS_ENTRY_INTERRUPTION_INFO] = INTERRUPTION_VALID | TYPE_NMI | 2;
	fields[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKING_BY_STI;
	fields[VMCS_GUEST_RFLAGS] |= RFLAGS_IF;
	assert_int_equal(find(), 0);
	source.failed = true;
	assert_int_equal(find(), 1);
	assert_true(found[0].rule->some_cpus);
}

static void a_vmx_of_32_bits_takes_no_address_above(void **state)
{
	(void)state;
	fields[VMCS_PRIMARY_CONTROLS] |= PRIMARY_USE_MSR_BITMAPS;
	fields[VMCS_MSR_BITMAP] = BIT(32);
	assert_int_equal(find(), 0);
	source.cpu.basic |= BASIC_32_BIT_ADDRESSES;
	assert_int_equal(find(), 1);
	assert_string_equal(found[0].rule->name, "msr-bitmap-width");
}

static void an_address_is_canonical_in_the_width_of_the_cpu(void **state)
{
	(void)state;
	fields[VMCS_GUEST_GS_BASE] = 0xffff7fffffffffff;
	fields[VMCS_GUEST_FS_BASE] = 0x800000000000;
	assert_int_equal(find(), 2);
	assert_string_equal(found[0].rule->name, "fs-base");
	source.cpu.linear_bits = 57;
	assert_int_equal(find(), 0);
}

static void an_unusable_segment_may_hold_anything(void **state)
{
	(void)state;
	fields[VMCS_GUEST_DS_ACCESS_RIGHTS] = ACCESS_RIGHTS_UNUSABLE | 0xf00;
	fields[VMCS_GUEST_DS_BASE] = UINT64_MAX;
	fields[VMCS_GUEST_LDTR_BASE] = BIT(62);
	fields[VMCS_GUEST_LDTR_SELECTOR] = 4;
	assert_int_equal(find(), 0);
	fields[VMCS_GUEST_CS_ACCESS_RIGHTS] |= ACCESS_RIGHTS_UNUSABLE | 0xf00;
	assert_int_equal(find(), 1);
}

/* What a rule looks at is free where the rule does not apply. */
static void no_rule_fires_where_it_does_not_apply(void **state)
{
#define INFO(type, vector) PUT(ENTRY_INTERRUPTION_INFO, INTERRUPTION_VALID | (type) | (vector))
#define VIRTUAL_APIC	   SET_CONTROL(PRIMARY, USE_TPR_SHADOW)
	static const struct {
		enum entry_base base;
		struct entry_change change[ENTRY_CHANGES];
	} row[] = {
		{BASE_64, {INFO(TYPE_NMI, 2), PUT(GUEST_INTERRUPTIBILITY, BLOCKING_BY_NMI)}},
		{BASE_64,
		 {VIRTUAL_APIC, SET_CONTROL(SECONDARY, VIRTUAL_INTERRUPT_DELIVERY),
		  PUT(TPR_THRESHOLD, 0x11)}},
		{BASE_64,
		 {VIRTUAL_APIC, SET_CONTROL(SECONDARY, VIRTUALIZE_APIC_ACCESSES),
		  PUT(TPR_THRESHOLD, 1)}},
		{BASE_64, {INFO(TYPE_NMI, 2), PUT(ENTRY_EXCEPTION_ERROR_CODE, 0x10000)}},
		{BASE_64, {PUT(ENTRY_INTERRUPTION_INFO, TYPE_RESERVED | 0x7000)}},
		{BASE_64,
		 {SET(PIN_BASED_CONTROLS, PIN_VIRTUAL_NMIS),
		  SET_CONTROL(PRIMARY, NMI_WINDOW_EXITING)}},
		{BASE_64, {SET_CONTROL(EXIT, SAVE_PREEMPTION_TIMER)}},
		{BASE_64,
		 {PUT(ENTRY_MSR_LOAD_ADDRESS, 1), PUT(EXIT_MSR_STORE_ADDRESS, UINT64_MAX)}},
		{BASE_64, {SET_CONTROL(SECONDARY, UNRESTRICTED_GUEST), SET(GUEST_ES_SELECTOR, 3)}},
		{BASE_64,
		 {CLEAR_CONTROL(SECONDARY, ENABLE_EPT), PAGE(GUEST_CR3, PAGE_PDPT),
		  MEMORY(AT(PAGE_PDPT, 0), 3)}},
		{BASE_PAE, {PAGE(GUEST_CR3, PAGE_PDPT), MEMORY(AT(PAGE_PDPT, 0), 3)}},
		{BASE_32, {PUT(GUEST_PDPTE0, 3)}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		setup(state);
		assert_true(entry_base_write(&target, row[i].base));
		assert_true(entry_changes_make(&target, row[i].change));
		if (find())
			fail_msg("row %zu: %s", i, found[0].rule->name);
	}
}

static void what_the_cpu_has_is_allowed(void **state)
{
	(void)state;
	fields[VMCS_EPT_POINTER] |= 0xc0; /* accessed and dirty flags, shadow stacks */
	assert_int_equal(find(), 2);
	source.cpu.ept_vpid |= EPT_CAP_ACCESSED_DIRTY | EPT_CAP_SHADOW_STACK;
	assert_int_equal(find(), 0);
	fields[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKING_BY_SMI;
	fields[VMCS_ENTRY_CONTROLS] |= ENTRY_TO_SMM;
	assert_int_equal(find(), 2);
	source.cpu.smm = true;
	assert_int_equal(find(), 0);
}

static void a_hypervisor_of_32_bits_has_a_host_of_32_bits(void **state)
{
	(void)state;
	assert_true(entry_base_write(&target, BASE_32));
	source.cpu.long_mode = false;
	fields[VMCS_EXIT_CONTROLS] &= ~EXIT_HOST_ADDRESS_SPACE_SIZE;
	fields[VMCS_HOST_IA32_EFER] = 0;
	assert_int_equal(find(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(no_rule_fires_on_a_state_that_enters, setup),
		cmocka_unit_test_setup(each_rule_fires_on_what_breaks_it_and_not_before, setup),
		cmocka_unit_test_setup(each_rule_has_a_name_of_its_own_and_something_that_breaks_it,
				       setup),
		cmocka_unit_test_setup(what_is_found_comes_in_the_order_of_the_cpu_with_its_value,
				       setup),
		cmocka_unit_test_setup(more_than_there_is_room_for_are_counted, setup),
		cmocka_unit_test_setup(
			the_cause_is_of_the_stage_that_the_error_or_exit_reason_names, setup),
		cmocka_unit_test_setup(
			without_a_rule_of_its_stage_it_is_of_one_that_comes_with_it_or_none, setup),
		cmocka_unit_test_setup(what_every_cpu_looks_at_explains_better, setup),
		cmocka_unit_test_setup(secondary_controls_that_are_not_activated_count_as_0, setup),
		cmocka_unit_test_setup(without_memory_the_rules_that_look_into_it_are_left_out,
				       setup),
		cmocka_unit_test_setup(rules_go_by_what_the_cpu_has, setup),
		cmocka_unit_test_setup(what_only_some_cpus_check_counts_where_the_entry_has_failed,
				       setup),
		cmocka_unit_test_setup(a_vmx_of_32_bits_takes_no_address_above, setup),
		cmocka_unit_test_setup(an_address_is_canonical_in_the_width_of_the_cpu, setup),
		cmocka_unit_test_setup(an_unusable_segment_may_hold_anything, setup),
		cmocka_unit_test_setup(no_rule_fires_where_it_does_not_apply, setup),
		cmocka_unit_test_setup(what_the_cpu_has_is_allowed, setup),
		cmocka_unit_test_setup(a_hypervisor_of_32_bits_has_a_host_of_32_bits, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
