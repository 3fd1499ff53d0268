/* vmx/entry_checks.c: which check the guest state failed, in a VMCS that is an array. */
#include "tests/unit/unit.h"

#include "lib/refusal.h"
#include "vmx/entry_checks.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

#define IN_57_BITS 0x800000000000ull

static uint64_t fields[0x8000];
static struct refusal refusal;

uint64_t vmcs_read(enum vmcs_field field)
{
	return fields[field];
}

static int setup(void **state)
{
	(void)state;
	memset(fields, 0, sizeof(fields));
	fields[VMCS_GUEST_GS_BASE] = 0xffff800000000000;
	fields[VMCS_GUEST_FS_BASE] = 0x7fffffffffff;
	return 0;
}

static void a_state_with_canonical_addresses_is_not_explained(void **state)
{
	(void)state;
	assert_false(entry_checks_explain(&refusal, 57));
}

static void each_address_is_named_with_its_section(void **state)
{
	static const struct {
		enum vmcs_field field;
		const char *says, *section;
	} row[] = {
		{VMCS_GUEST_FS_BASE, "FS base 0x800000000000 ", "26.3.1.2]"},
		{VMCS_GUEST_GS_BASE, "GS base 0x800000000000 ", "26.3.1.2]"},
		{VMCS_GUEST_TR_BASE, "TR base 0x800000000000 ", "26.3.1.2]"},
		{VMCS_GUEST_LDTR_BASE, "LDTR base 0x800000000000 ", "26.3.1.2]"},
		{VMCS_GUEST_GDTR_BASE, "GDTR base 0x800000000000 ", "26.3.1.3]"},
		{VMCS_GUEST_IDTR_BASE, "IDTR base 0x800000000000 ", "26.3.1.3]"},
		{VMCS_GUEST_SYSENTER_ESP, "IA32_SYSENTER_ESP 0x800000000000 ", "26.3.1.1]"},
		{VMCS_GUEST_SYSENTER_EIP, "IA32_SYSENTER_EIP 0x800000000000 ", "26.3.1.1]"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		setup(state);
		fields[row[i].field] = IN_57_BITS;
		assert_true(entry_checks_explain(&refusal, 57));
		assert_non_null(strstr(refusal.text, row[i].says));
		assert_non_null(strstr(refusal.text, "allows 57 here"));
		assert_non_null(strstr(refusal.text, row[i].section));
		assert_true(strlen(refusal.text) < REFUSAL_SIZE - 1);
	}
}

static void the_base_of_an_unusable_ldtr_does_not_count(void **state)
{
	(void)state;
	fields[VMCS_GUEST_LDTR_BASE] = IN_57_BITS;
	fields[VMCS_GUEST_LDTR_ACCESS_RIGHTS] = ACCESS_RIGHTS_UNUSABLE;
	assert_false(entry_checks_explain(&refusal, 57));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_state_with_canonical_addresses_is_not_explained, setup),
		cmocka_unit_test_setup(each_address_is_named_with_its_section, setup),
		cmocka_unit_test_setup(the_base_of_an_unusable_ldtr_does_not_count, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
