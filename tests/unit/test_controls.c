#include "tests/unit/unit.h"

#include "vmx/controls.h"
#include "vmx/vmcs_bits.h"

static uint64_t capability(uint32_t must, uint32_t may)
{
	return (uint64_t)may << 32 | must;
}

static void required_bits_that_the_cpu_has_are_set(void **state)
{
	uint32_t value, missing;

	(void)state;
	assert_int_equal(vmx_controls_compute(capability(0x16, 0x7F), 0x01, 0x40, &value, &missing),
			 0);
	assert_int_equal(value, 0x57);
	assert_int_equal(missing, 0);
}

static void optional_bits_that_the_cpu_lacks_are_left_out(void **state)
{
	uint32_t value, missing;

	(void)state;
	assert_int_equal(
		vmx_controls_compute(capability(0, 0x0F), 0x01, 0x80000002, &value, &missing), 0);
	assert_int_equal(value, 0x03);
}

static void bus_lock_detection_is_asked_for_only_where_the_cpu_offers_it(void **state)
{
	uint32_t required = SECONDARY_ENABLE_EPT | SECONDARY_UNRESTRICTED_GUEST;
	uint32_t optional = SECONDARY_BUS_LOCK_DETECTION, value, missing;

	(void)state;
	assert_int_equal(SECONDARY_BUS_LOCK_DETECTION, 0x40000000);
	assert_int_equal(vmx_controls_compute(capability(0, required | optional), required,
					      optional, &value, &missing),
			 0);
	assert_int_equal(value, required | optional);
	assert_int_equal(
		vmx_controls_compute(capability(0, required), required, optional, &value, &missing),
		0);
	assert_int_equal(value, required);
}

static void every_missing_required_bit_is_named(void **state)
{
	uint32_t value, missing;

	(void)state;
	assert_int_equal(vmx_controls_compute(capability(0, 0x0F), 0x800000F1, 0, &value, &missing),
			 -ENODEV);
	assert_int_equal(missing, 0x800000F0);
	assert_int_equal(value, 0x01);
}

static void every_state_of_a_bit_agrees_with_the_manual(void **state)
{
	(void)state;
	for (uint32_t bit = 0; bit < 32; bit++) {
		for (uint32_t wish = 0; wish < 3; wish++) {
			for (uint32_t cpu = 0; cpu < 3; cpu++) {
				uint32_t one = 1u << bit, value, missing;
				uint32_t must = cpu == 2 ? one : 0, may = cpu >= 1 ? one : 0;
				int result = vmx_controls_compute(
					capability(must, may), wish == 2 ? one : 0,
					wish == 1 ? one : 0, &value, &missing);
				bool set = cpu == 2 || (cpu == 1 && wish);

				assert_int_equal(value, set ? one : 0);
				assert_int_equal(missing, wish == 2 && cpu == 0 ? one : 0);
				assert_int_equal(result, missing ? -ENODEV : 0);
			}
		}
	}
}

/* VMXON and VM entry accept what would not be changed. */
static bool valid(uint64_t value, uint64_t fixed0, uint64_t fixed1)
{
	return vmx_fixed_apply(value, fixed0, fixed1) == value;
}

static void fixed_bits_are_set_and_cleared(void **state)
{
	/* CR0: PE, NE and PG fixed to 1, the high half to 0. */
	uint64_t fixed0 = 0x80000021, fixed1 = 0xFFFFFFFF;

	(void)state;
	assert_int_equal(vmx_fixed_apply(0x10, fixed0, fixed1), 0x80000031);
	assert_int_equal(vmx_fixed_apply(1ull << 40, fixed0, fixed1), 0x80000021);
	assert_true(valid(0x80000031, fixed0, fixed1));
	assert_false(valid(0x00000031, fixed0, fixed1));
	assert_false(valid(0x180000031, fixed0, fixed1));
	for (unsigned bit = 0; bit < 64; bit++) {
		uint64_t one = 1ull << bit;

		assert_int_equal(valid(one, fixed0, fixed1),
				 (one & ~fixed1) == 0 && (fixed0 & ~one) == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(required_bits_that_the_cpu_has_are_set),
		cmocka_unit_test(optional_bits_that_the_cpu_lacks_are_left_out),
		cmocka_unit_test(bus_lock_detection_is_asked_for_only_where_the_cpu_offers_it),
		cmocka_unit_test(every_missing_required_bit_is_named),
		cmocka_unit_test(every_state_of_a_bit_agrees_with_the_manual),
		cmocka_unit_test(fixed_bits_are_set_and_cleared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
