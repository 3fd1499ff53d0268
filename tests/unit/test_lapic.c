/*
 * The local APIC in xAPIC mode, on its own: what it is after power-up, its registers, errors,
 * IA32_APIC_BASE (SDM Vol. 3A 10.4, 10.5.3).
 */
#include "tests/unit/lapic_fixture.h"

static void assert_as_after_power_up(void)
{
	static const uint32_t lvts[] = LVTS;
	static const uint32_t zero[] = {PPR,	  LDR,		 ESR,		ICR,
					ICR_HIGH, INITIAL_COUNT, CURRENT_COUNT, DIVIDE};

	for (unsigned int i = 0; i < ARRAY_SIZE(lvts); i++)
		assert_int_equal(in(lvts[i]), MASKED);
	for (unsigned int i = 0; i < ARRAY_SIZE(zero); i++)
		assert_int_equal(in(zero[i]), 0);
	for (uint32_t offset = ISR; offset < ESR; offset += 16)
		assert_int_equal(in(offset), 0);
	assert_int_equal(in(SVR), 0xff);
	assert_int_equal(in(DFR), 0xffffffff);
	assert_int_equal(lapic_highest(&lapic), -1);
	assert_true(lapic_deadline(&lapic) == RATE_NEVER);
}

static void after_power_up_it_is_an_xapic_that_takes_no_interrupt(void **state)
{
	(void)state;
	lapic_reset(&lapic, 3, false);
	assert_int_equal(lapic.base, 0xfee00800);
	assert_int_equal(in(ID), 0x03000000);
	assert_int_equal(in(VERSION), 0x01060014);
	assert_int_equal(in(TPR), 0);
	assert_as_after_power_up();
	assert_int_equal(lapic.signals, 0);
	assert_false(lapic_is_enabled(&lapic));
	assert_false(lapic_takes_extint(&lapic));
	arrive(0x40, false);
	assert_int_equal(in(IRR + 0x20), 0);
	lapic_reset(&lapic, 0, true);
	assert_int_equal(lapic.base, 0xfee00900);
}

static void firmware_leaves_virtual_wire_mode(void **state)
{
	(void)state;
	lapic_reset(&lapic, 0, true);
	lapic_as_firmware_leaves_it(&lapic);
	assert_true(lapic_is_enabled(&lapic));
	assert_true(lapic_takes_extint(&lapic));
	lapic_set_lint(&lapic, 1, true);
	assert_int_equal(lapic.signals, LAPIC_NMI);
	assert_int_equal(in(LVT_LINT0), EXTINT_MODE);
	assert_int_equal(in(LVT_LINT1), NMI_MODE);
}

/* Fills what it can. */
static void spoil(void)
{
	static const uint32_t lvts[] = LVTS;

	for (unsigned int i = 0; i < ARRAY_SIZE(lvts); i++)
		out(lvts[i], 0x55);
	out(DIVIDE, 0x0b);
	out(INITIAL_COUNT, 1000);
	out(LDR, 0x12000000);
	out(DFR, 0);
	out(ICR_HIGH, 0x0f000000);
	self_ipi(0x41);
	arrive(0x61, true);
	assert_int_equal(lapic_take(&lapic), 0x61);
	self_ipi(0x05);
	out(ESR, 0);
	out(TPR, 0x33);
}

static void init_resets_all_but_the_id_and_the_base(void **state)
{
	(void)state;
	spoil();
	lapic.signals = LAPIC_NMI | LAPIC_STARTUP;
	lapic_init_signal(&lapic);
	assert_as_after_power_up();
	assert_int_equal(in(TPR), 0);
	assert_int_equal(in(ID), 0x03000000);
	assert_int_equal(lapic.base, 0xfee00800);
	assert_int_equal(lapic.signals, LAPIC_STARTUP);
}

static void switched_off_and_on_it_is_as_after_power_up_but_cr8_stays(void **state)
{
	(void)state;
	spoil();
	assert_int_equal(write_base(0xfee00000), 0);
	assert_false(lapic_is_on(&lapic));
	assert_false(lapic_is_at(&lapic, 0xfee00000));
	assert_true(lapic_takes_extint(&lapic));
	assert_int_equal(lapic_highest(&lapic), -1);
	assert_true(lapic_deadline(&lapic) == RATE_NEVER);
	assert_int_equal(lapic_tpr(&lapic), 0x33);
	lapic_set_tpr(&lapic, 0xf0);
	lapic_set_tpr(&lapic, 0);
	assert_int_equal(write_base(0xfee00800), 0);
	assert_as_after_power_up();
}

static void a_part_that_is_off_hears_only_its_nmi_pin(void **state)
{
	static const struct apic_message messages[] = {
		{.delivery = APIC_FIXED, .vector = 0x40, .destination = 0xff},
		{.delivery = APIC_NMI, .destination = 3},
		{.delivery = APIC_INIT, .destination = 3},
	};

	(void)state;
	assert_int_equal(write_base(0xfee00000), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(messages); i++) {
		assert_false(lapic_is_destination(&lapic, &messages[i]));
		lapic_accept(&lapic, &messages[i]);
	}
	lapic_set_lint(&lapic, 0, true);
	assert_int_equal(lapic.signals, 0);
	assert_int_equal(lapic_highest(&lapic), -1);
	lapic_set_lint(&lapic, 1, true);
	assert_int_equal(lapic.signals, LAPIC_NMI);
}

static void the_base_moves_the_page(void **state)
{
	(void)state;
	assert_true(lapic_is_at(&lapic, 0xfee00fff));
	assert_false(lapic_is_at(&lapic, 0xfee01000));
	assert_int_equal(write_base(0x7ffed40900), 0);
	assert_int_equal(lapic.base, 0x7ffed40900);
	assert_true(lapic_is_at(&lapic, 0x7ffed40030));
	assert_false(lapic_is_at(&lapic, 0xfee00030));
	assert_int_equal(in(SVR), 0x1ff);
}

static void reserved_bits_of_the_base_fault(void **state)
{
	static const uint64_t bad[] = {0xfee00801, 0xfee00880, 0xfee00a00, 0x80fee00800,
				       0x80000000fee00800};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(write_base(bad[i]), -EINVAL);
	assert_int_equal(lapic_write_base(&lapic, 0xfee00c00, 39, false), -EINVAL);
	assert_int_equal(lapic.base, 0xfee00800);
	assert_int_equal(lapic_write_base(&lapic, 0x80fee00800, 40, false), 0);
}

static void what_is_reserved_reads_as_0_and_is_an_error(void **state)
{
	static const uint32_t reserved[] = {0x000, 0x010, 0x040, 0x070, 0x290, 0x2e0,
					    0x3a0, 0x3d0, 0x3f0, 0x400, 0xff0};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(reserved); i++) {
		assert_int_equal(in(reserved[i]), 0);
		out(ESR, 0);
		assert_int_equal(in(ESR), 0x80);
		out(reserved[i], 0x40);
		assert_int_equal(in(ESR), 0x80);
		out(ESR, 0);
		assert_int_equal(in(ESR), 0x80);
		out(ESR, 0);
		assert_int_equal(in(ESR), 0);
	}
}

static void old_and_write_only_registers_read_as_0_without_an_error(void **state)
{
	static const uint32_t offsets[] = {APR, REMOTE_READ, EOI};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(offsets); i++)
		assert_int_equal(in(offsets[i]), 0);
	out(ESR, 0);
	assert_int_equal(in(ESR), 0);
}

static void between_the_registers_is_nothing(void **state)
{
	(void)state;
	for (uint32_t offset = 0; offset < 0x1000; offset += 4)
		if (offset % 16) {
			assert_int_equal(in(offset), 0);
			out(offset, 0);
		}
	assert_int_equal(in(SVR), 0x1ff);
	out(ESR, 0);
	assert_int_equal(in(ESR), 0);
}

static void read_only_registers_stay(void **state)
{
	(void)state;
	out(ID, 0x04000000);
	assert_int_equal(in(ID), 0x03000000);
	out(VERSION, 0);
	assert_int_equal(in(VERSION), 0x01060014);
	for (uint32_t offset = ISR; offset < ESR; offset += 16)
		out(offset, 0xffffffff);
	for (uint32_t offset = ISR; offset < ESR; offset += 16)
		assert_int_equal(in(offset), 0);
	out(PPR, 0xff);
	out(CURRENT_COUNT, 5);
	assert_int_equal(in(PPR), 0);
	assert_int_equal(in(CURRENT_COUNT), 0);
	out(ESR, 0);
	assert_int_equal(in(ESR), 0);
}

static void of_the_others_the_bits_that_are_there_can_be_written(void **state)
{
	static const uint32_t bits[][2] = {
		{SVR, 0x13ff},		{TPR, 0xff},
		{LDR, 0xff000000},	{DFR, 0xffffffff},
		{CMCI, 0x107ff},	{LVT_TIMER, 0x700ff},
		{LVT_THERMAL, 0x107ff}, {LVT_PERFORMANCE, 0x107ff},
		{LVT_LINT0, 0x1a7ff},	{LVT_LINT1, 0x1a7ff},
		{LVT_ERROR, 0x100ff},	{ICR_HIGH, 0xff000000},
		{DIVIDE, 0x0b},
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(bits); i++) {
		out(bits[i][0], 0xffffffff);
		assert_int_equal(in(bits[i][0]), bits[i][1]);
	}
	out(DFR, 0);
	assert_int_equal(in(DFR), 0x0fffffff);
	out(ICR, 0xffffffff & ~0xc0000);
	assert_int_equal(in(ICR), 0x000ccfff & ~0xc0000); /* delivery status: idle */
}

static void software_disabled_it_holds_what_it_has_and_takes_no_more(void **state)
{
	(void)state;
	self_ipi(0x41);
	out(SVR, 0xff);
	assert_int_equal(lapic_highest(&lapic), 0x41);
	self_ipi(0x61);
	arrive(0x62, false);
	assert_int_equal(lapic_take(&lapic), 0x41);
	out(EOI, 0);
	assert_int_equal(lapic_highest(&lapic), -1);
}

static void software_disabled_it_responds_to_nmi_init_and_startup(void **state)
{
	struct apic_message message = {.vector = 0x9a};

	(void)state;
	out(SVR, 0xff);
	message.delivery = APIC_NMI;
	lapic_accept(&lapic, &message);
	message.delivery = APIC_INIT;
	lapic_accept(&lapic, &message);
	message.delivery = APIC_STARTUP;
	lapic_accept(&lapic, &message);
	message.delivery = APIC_EXTINT;
	lapic_accept(&lapic, &message);
	message.delivery = APIC_SMI;
	lapic_accept(&lapic, &message);
	assert_int_equal(lapic.signals, LAPIC_NMI | LAPIC_INIT | LAPIC_STARTUP);
	assert_int_equal(lapic.startup_vector, 0x9a);
}

static void software_disabled_all_local_vectors_are_masked_and_stay_so(void **state)
{
	static const uint32_t lvts[] = LVTS;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(lvts); i++)
		out(lvts[i], 0x21);
	out(SVR, 0xff);
	for (unsigned int i = 0; i < ARRAY_SIZE(lvts); i++) {
		assert_int_equal(in(lvts[i]), MASKED | 0x21);
		out(lvts[i], 0x22);
		assert_int_equal(in(lvts[i]), MASKED | 0x22);
	}
	out(SVR, 0x1ff);
	for (unsigned int i = 0; i < ARRAY_SIZE(lvts); i++) {
		assert_int_equal(in(lvts[i]), MASKED | 0x22);
		out(lvts[i], 0x22);
		assert_int_equal(in(lvts[i]), 0x22);
	}
}

static void esr_gives_what_was_found_until_it_was_last_written(void **state)
{
	(void)state;
	arrive(0x0f, false);
	assert_int_equal(in(ESR), 0);
	out(ESR, 0);
	assert_int_equal(in(ESR), 0x40);
	self_ipi(0x00); /* sent and received */
	assert_int_equal(in(ESR), 0x40);
	out(ESR, 0xffffffff);
	assert_int_equal(in(ESR), 0x60);
	out(ESR, 0);
	assert_int_equal(in(ESR), 0);
	for (unsigned int vector = 0; vector < 16; vector++)
		assert_false(bit_of(IRR, vector));
}

static void an_error_interrupts_once_until_esr_is_written(void **state)
{
	(void)state;
	out(LVT_ERROR, 0x71);
	arrive(1, false);
	assert_int_equal(lapic_take(&lapic), 0x71);
	out(EOI, 0);
	arrive(2, false);
	assert_int_equal(lapic_take(&lapic), -1);
	in(0x10); /* another error */
	assert_int_equal(lapic_take(&lapic), 0x71);
	out(EOI, 0);
	out(ESR, 0);
	assert_int_equal(in(ESR), 0xc0);
	arrive(3, false);
	assert_int_equal(lapic_take(&lapic), 0x71);
}

static void an_error_interrupt_with_an_illegal_vector_is_an_error(void **state)
{
	(void)state;
	out(LVT_ERROR, 0x03);
	in(0x10);
	out(ESR, 0);
	assert_int_equal(in(ESR), 0xc0);
	assert_int_equal(lapic_take(&lapic), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lapic_test(after_power_up_it_is_an_xapic_that_takes_no_interrupt),
		lapic_test(firmware_leaves_virtual_wire_mode),
		lapic_test(init_resets_all_but_the_id_and_the_base),
		lapic_test(switched_off_and_on_it_is_as_after_power_up_but_cr8_stays),
		lapic_test(a_part_that_is_off_hears_only_its_nmi_pin),
		lapic_test(the_base_moves_the_page),
		lapic_test(reserved_bits_of_the_base_fault),
		lapic_test(what_is_reserved_reads_as_0_and_is_an_error),
		lapic_test(old_and_write_only_registers_read_as_0_without_an_error),
		lapic_test(between_the_registers_is_nothing),
		lapic_test(read_only_registers_stay),
		lapic_test(of_the_others_the_bits_that_are_there_can_be_written),
		lapic_test(software_disabled_it_holds_what_it_has_and_takes_no_more),
		lapic_test(software_disabled_it_responds_to_nmi_init_and_startup),
		lapic_test(software_disabled_all_local_vectors_are_masked_and_stay_so),
		lapic_test(esr_gives_what_was_found_until_it_was_last_written),
		lapic_test(an_error_interrupts_once_until_esr_is_written),
		lapic_test(an_error_interrupt_with_an_illegal_vector_is_an_error),
	};

	return cmocka_run_group_tests_name("lapic", tests, NULL, NULL);
}
