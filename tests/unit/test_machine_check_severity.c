#include "tests/unit/unit.h"

#include "boot/machine_check_severity.h"

#define SER_P MCG_CAP_SER_P
#define VAL   MCI_STATUS_VAL
#define OVER  MCI_STATUS_OVER
#define UC    MCI_STATUS_UC
#define EN    MCI_STATUS_EN
#define MISCV MCI_STATUS_MISCV
#define ADDRV MCI_STATUS_ADDRV
#define PCC   MCI_STATUS_PCC
#define S     MCI_STATUS_S
#define AR    MCI_STATUS_AR

/* The bits that the manual's table has, in every combination: bit i of a number is FLAG[i]. */
static const uint64_t FLAG[] = {VAL, OVER, UC, EN, PCC, S, AR, MISCV, ADDRV};

static uint64_t combination(unsigned int number)
{
	uint64_t status = 0;

	for (size_t i = 0; i < ARRAY_SIZE(FLAG); i++)
		status |= number >> i & 1 ? FLAG[i] : 0;
	return status;
}

/*
 * SDM Vol. 3B table 16-6, a line each: with these bits of `mask` as in `is`. The first that fits
 * counts; that it is the only one but for the last is checked.
 */
static const struct line {
	uint64_t mask, is;
	enum machine_check_severity with_ser_p, without;
} table[] = {
	{VAL, 0, MACHINE_CHECK_NONE, MACHINE_CHECK_NONE},
	{VAL | UC | PCC, VAL, MACHINE_CHECK_CORRECTED, MACHINE_CHECK_CORRECTED},
	{VAL | UC | PCC, VAL | PCC, MACHINE_CHECK_FATAL, MACHINE_CHECK_FATAL},
	{VAL | UC | EN, VAL | UC, MACHINE_CHECK_NOT_ENABLED, MACHINE_CHECK_FATAL},
	{VAL | UC | EN | PCC, VAL | UC | EN | PCC, MACHINE_CHECK_FATAL, MACHINE_CHECK_FATAL},
	{VAL | UC | EN | PCC | OVER, VAL | UC | EN | OVER, MACHINE_CHECK_FATAL,
	 MACHINE_CHECK_FATAL},
	{VAL | UC | EN | PCC | OVER | S | AR, VAL | UC | EN, MACHINE_CHECK_NO_ACTION,
	 MACHINE_CHECK_FATAL},
	{VAL | UC | EN | PCC | OVER | S | AR, VAL | UC | EN | S, MACHINE_CHECK_ACTION_OPTIONAL,
	 MACHINE_CHECK_FATAL},
	{VAL | UC | EN | PCC | OVER | S | AR, VAL | UC | EN | AR, MACHINE_CHECK_FATAL,
	 MACHINE_CHECK_FATAL},
	{VAL | UC | EN | PCC | OVER | S | AR | ADDRV | MISCV,
	 VAL | UC | EN | S | AR | ADDRV | MISCV, MACHINE_CHECK_ACTION_REQUIRED,
	 MACHINE_CHECK_FATAL},
	{VAL | UC | EN | PCC | OVER | S | AR | ADDRV, VAL | UC | EN | S | AR, MACHINE_CHECK_FATAL,
	 MACHINE_CHECK_FATAL},
	{VAL | UC | EN | PCC | OVER | S | AR | ADDRV | MISCV, VAL | UC | EN | S | AR | ADDRV,
	 MACHINE_CHECK_FATAL, MACHINE_CHECK_FATAL},
};

static const struct line *line_of(uint64_t status)
{
	const struct line *found = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if ((status & table[i].mask) != table[i].is)
			continue;
		assert_null(found);
		found = &table[i];
	}
	assert_non_null(found);
	return found;
}

static void every_combination_is_classified_as_in_the_manuals_table(void **state)
{
	static const uint64_t code[] = {MCACOD_DATA_LOAD, MCACOD_INSTRUCTION_FETCH,
					MCACOD_DATA_LOAD | 0x1000};

	(void)state;
	for (unsigned int number = 0; number < 1u << ARRAY_SIZE(FLAG); number++) {
		uint64_t status = combination(number);
		const struct line *line = line_of(status);

		for (size_t i = 0; i < ARRAY_SIZE(code); i++) {
			assert_int_equal(machine_check_severity(SER_P, status | code[i]),
					 line->with_ser_p);
			assert_int_equal(machine_check_severity(~SER_P, status | code[i]),
					 line->without);
		}
	}
}

static void an_unknown_code_that_requires_action_is_fatal(void **state)
{
	const uint64_t required = VAL | UC | EN | MISCV | ADDRV | S | AR;

	(void)state;
	for (uint64_t code = 0; code <= 0xffff; code++) {
		bool known = code == 0x134 || code == 0x150 || code == 0x1134 || code == 0x1150;

		assert_int_equal(machine_check_severity(SER_P, required | code),
				 known ? MACHINE_CHECK_ACTION_REQUIRED : MACHINE_CHECK_FATAL);
		assert_int_equal(machine_check_severity(SER_P, (required & ~AR) | code),
				 MACHINE_CHECK_ACTION_OPTIONAL);
	}
}

static void the_lost_memory_is_as_wide_as_the_cpu_can_tell(void **state)
{
	struct machine_check_bank bank = {ADDRV | MISCV, 0x12345678, 2 << 6 | 6};
	uint64_t start, size;

	(void)state;
	assert_true(machine_check_lost_memory(&bank, &start, &size));
	assert_int_equal(start, 0x12345640);
	assert_int_equal(size, 64);
	bank.misc = 2 << 6 | 12;
	assert_true(machine_check_lost_memory(&bank, &start, &size));
	assert_int_equal(start, 0x12345000);
	assert_int_equal(size, 4096);
	bank.misc = 2 << 6 | 63;
	assert_true(machine_check_lost_memory(&bank, &start, &size));
	assert_int_equal(start, 0);
	assert_int_equal(size, 1ull << 63);
}

static void only_a_physical_address_is_one(void **state)
{
	(void)state;
	for (unsigned int mode = 0; mode < 8; mode++) {
		struct machine_check_bank bank = {ADDRV | MISCV, 0x1000, mode << 6 | 12};
		uint64_t start, size;

		assert_int_equal(machine_check_lost_memory(&bank, &start, &size), mode == 2);
		bank.status = ADDRV;
		assert_false(machine_check_lost_memory(&bank, &start, &size));
		bank.status = MISCV;
		assert_false(machine_check_lost_memory(&bank, &start, &size));
	}
}

static void bank_0s_control_is_the_platforms_on_family_6_before_model_1ah(void **state)
{
	(void)state;
	for (uint32_t model = 0; model <= 0xff; model++) {
		uint32_t signature = 0x600 | (model & 0xf) << 4 | (model & 0xf0) << 12 | 5;

		assert_int_equal(machine_check_first_control("GenuineIntel", signature),
				 model < 0x1a);
		assert_int_equal(machine_check_first_control("AuthenticAMD", signature), 0);
	}
	assert_int_equal(machine_check_first_control("GenuineIntel", 0x00000f29), 0);
	assert_int_equal(machine_check_first_control("GenuineIntel", 0x00400f10), 0);
}

static void machine_checks_are_local_where_cpu_and_firmware_say_so(void **state)
{
	const uint64_t allowed = 1ull << 20 | 1;

	(void)state;
	assert_true(machine_check_may_be_local(1ull << 27, allowed));
	assert_true(machine_check_may_be_local(~0ull, ~0ull));
	assert_false(machine_check_may_be_local(~(1ull << 27), ~0ull));
	assert_false(machine_check_may_be_local(~0ull, ~(1ull << 20)));
	assert_false(machine_check_may_be_local(~0ull, ~1ull)); /* it may change its mind */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_combination_is_classified_as_in_the_manuals_table),
		cmocka_unit_test(an_unknown_code_that_requires_action_is_fatal),
		cmocka_unit_test(the_lost_memory_is_as_wide_as_the_cpu_can_tell),
		cmocka_unit_test(only_a_physical_address_is_one),
		cmocka_unit_test(bank_0s_control_is_the_platforms_on_family_6_before_model_1ah),
		cmocka_unit_test(machine_checks_are_local_where_cpu_and_firmware_say_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
