/* vmx/requirements.c: what a CPU tells of its VMX against what each row asks for. */
#include "tests/unit/unit.h"

#include "lib/x86.h"
#include "vmx/requirements.h"
#include "vmx/vmcs_bits.h"

static struct vmx_words words;

/* A CPU that has all of it. */
static int start(void **state)
{
	(void)state;
	words = (struct vmx_words){.known = BIT(VMX_WORD_END) - 1};
	for (const struct vmx_requirement *row = vmx_requirements; row->key; row++)
		words.value[row->word] |= row->value | row->any;
	return 0;
}

static const struct vmx_requirement *find(const char *key)
{
	const struct vmx_requirement *row = vmx_requirements;

	while (row->key && strcmp(row->key, key))
		row++;
	assert_non_null(row->key);
	return row;
}

static void each_row_has_a_key_of_its_own_and_says_what_to_do(void **state)
{
	(void)state;
	for (const struct vmx_requirement *row = vmx_requirements; row->key; row++) {
		assert_non_null(row->name);
		assert_non_null(row->remedy);
		assert_true(row->mask);
		assert_int_equal(row->value & ~row->mask, 0);
		for (const struct vmx_requirement *other = row + 1; other->key; other++)
			assert_string_not_equal(row->key, other->key);
	}
}

static void each_bit_that_a_row_asks_for_is_missed(void **state)
{
	(void)state;
	for (const struct vmx_requirement *row = vmx_requirements; row->key; row++) {
		uint64_t all = words.value[row->word];

		assert_true(vmx_requirement_met(row, &words));
		for (unsigned int bit = 0; bit < 64; bit++) {
			/* of FEATURE_CONTROL one that is not locked is open still */
			if (!(row->mask & BIT(bit)) ||
			    (row->word == VMX_WORD_FEATURE_CONTROL && bit == 0))
				continue;
			words.value[row->word] = all ^ BIT(bit);
			assert_false(vmx_requirement_met(row, &words));
		}
		words.value[row->word] = all & ~row->any;
		assert_int_equal(vmx_requirement_met(row, &words), !row->any);
		for (unsigned int bit = 0; bit < 64; bit++) {
			words.value[row->word] = (all & ~row->any) | BIT(bit);
			if (row->any & BIT(bit))
				assert_true(vmx_requirement_met(row, &words));
		}
		words.value[row->word] = all;
	}
}

static void what_is_not_known_is_not_met(void **state)
{
	(void)state;
	for (const struct vmx_requirement *row = vmx_requirements; row->key; row++) {
		words.known &= ~BIT(row->word);
		assert_false(vmx_requirement_met(row, &words));
		words.known |= BIT(row->word);
	}
}

static void only_a_lock_without_vmx_is_in_the_way(void **state)
{
	static const struct {
		uint64_t value;
		bool met;
	} cases[] = {{0, true}, {1, false}, {3, false}, {4, true}, {5, true}, {0x100005, true}};
	const struct vmx_requirement *row = find("vt-x");

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		words.value[VMX_WORD_FEATURE_CONTROL] = cases[i].value;
		assert_int_equal(vmx_requirement_met(row, &words), cases[i].met);
	}
}

static void a_vmcs_in_uncached_memory_is_no_write_back_one(void **state)
{
	const struct vmx_requirement *row = find("vmcs-wb");

	(void)state;
	for (uint64_t type = 0; type < 16; type++) {
		words.value[VMX_WORD_BASIC] = type << 50;
		assert_int_equal(vmx_requirement_met(row, &words), type == 6);
	}
}

/* What the control words are made of: a row more or less is meant, and is written here too. */
static void controls_are_those_of_the_rows(void **state)
{
	(void)state;
	assert_int_equal(vmx_requirements_controls(VMX_WORD_PIN, VMX_REQUIRED), 0x29);
	assert_int_equal(vmx_requirements_controls(VMX_WORD_PRIMARY, VMX_REQUIRED), 0xb2580c8c);
	assert_int_equal(vmx_requirements_controls(VMX_WORD_EXIT, VMX_REQUIRED), 0x3c8204);
	assert_int_equal(vmx_requirements_controls(VMX_WORD_ENTRY, VMX_REQUIRED), 0xc204);
	assert_int_equal(vmx_requirements_controls(VMX_WORD_SECONDARY, VMX_REQUIRED),
			 SECONDARY_ENABLE_EPT | SECONDARY_UNRESTRICTED_GUEST);
	assert_int_equal(vmx_requirements_controls(VMX_WORD_SECONDARY, VMX_USED), 0x50109068);
	assert_int_equal(vmx_requirements_controls(VMX_WORD_PRIMARY, VMX_CHOSEN),
			 PRIMARY_MONITOR_TRAP_FLAG | PRIMARY_USE_TPR_SHADOW);
	assert_int_equal(vmx_requirements_controls(VMX_WORD_PIN, VMX_CHOSEN), PIN_PREEMPTION_TIMER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_has_a_key_of_its_own_and_says_what_to_do),
		cmocka_unit_test_setup(each_bit_that_a_row_asks_for_is_missed, start),
		cmocka_unit_test_setup(what_is_not_known_is_not_met, start),
		cmocka_unit_test_setup(only_a_lock_without_vmx_is_in_the_way, start),
		cmocka_unit_test_setup(a_vmcs_in_uncached_memory_is_no_write_back_one, start),
		cmocka_unit_test(controls_are_those_of_the_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
