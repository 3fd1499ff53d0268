/*
 * The local APIC in x2APIC mode: transitions, MSRs, their reserved bits, IDs, the 64-bit interrupt
 * command register and SELF IPI (SDM Vol. 3A 10.12).
 */
#include "tests/unit/lapic_fixture.h"

#define OFF    0xfee00000
#define XAPIC  0xfee00800
#define X2APIC 0xfee00c00
#define BAD    0xfee00400

#define READ  1
#define WRITE 2

/* What there is in x2APIC mode, and which bits a write may have; of the rest, one at a time, none.
 */
static const struct {
	uint32_t offset;
	uint8_t access;
	uint64_t bits;
} msrs[] = {
	{ID, READ, 0},
	{VERSION, READ, 0},
	{TPR, READ | WRITE, 0xff},
	{PPR, READ, 0},
	{EOI, WRITE, 0},
	{LDR, READ, 0},
	{SVR, READ | WRITE, 0x13ff},
	{ESR, READ | WRITE, 0},
	{CMCI, READ | WRITE, 0x117ff},
	{ICR, READ | WRITE, 0xffffffff000cdfff},
	{LVT_TIMER, READ | WRITE, 0x710ff},
	{LVT_THERMAL, READ | WRITE, 0x117ff},
	{LVT_PERFORMANCE, READ | WRITE, 0x117ff},
	{LVT_LINT0, READ | WRITE, 0x1f7ff},
	{LVT_LINT1, READ | WRITE, 0x1f7ff},
	{LVT_ERROR, READ | WRITE, 0x110ff},
	{INITIAL_COUNT, READ | WRITE, 0xffffffff},
	{CURRENT_COUNT, READ, 0},
	{DIVIDE, READ | WRITE, 0x0b},
	{SELF_IPI, WRITE, 0xff},
};

static int start_x2apic(void **state)
{
	start(state);
	enter_x2apic();
	return 0;
}

/* By offset. Among them the 24 of ISR, TMR and IRR, to be read. */
static uint8_t access_of(uint32_t offset, uint64_t *bits)
{
	*bits = 0;
	for (unsigned int i = 0; i < ARRAY_SIZE(msrs); i++)
		if (msrs[i].offset == offset) {
			*bits = msrs[i].bits;
			return msrs[i].access;
		}
	return offset >= ISR && offset < ESR ? READ : 0;
}

static void the_legal_transitions_are_these(void **state)
{
	static const struct {
		uint64_t from, to;
		int result;
	} transitions[] = {
		{OFF, OFF, 0},		{OFF, XAPIC, 0},
		{OFF, X2APIC, -EINVAL}, {OFF, BAD, -EINVAL},
		{XAPIC, OFF, 0},	{XAPIC, XAPIC, 0},
		{XAPIC, X2APIC, 0},	{XAPIC, BAD, -EINVAL},
		{X2APIC, OFF, 0},	{X2APIC, XAPIC, -EINVAL},
		{X2APIC, X2APIC, 0},	{X2APIC, BAD, -EINVAL},
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(transitions); i++) {
		lapic_reset(&lapic, 3, false);
		assert_int_equal(write_base(transitions[i].from), 0);
		assert_int_equal(write_base(transitions[i].to), transitions[i].result);
		assert_int_equal(lapic.base,
				 transitions[i].result ? transitions[i].from : transitions[i].to);
	}
}

static void outside_of_x2apic_mode_every_msr_faults(void **state)
{
	uint64_t value;

	(void)state;
	for (unsigned int on = 0; on < 2; on++) {
		assert_int_equal(write_base(on ? XAPIC : OFF), 0);
		for (uint32_t offset = 0; offset < 0x1000; offset += 16) {
			assert_int_equal(rdmsr(offset, &value), -EINVAL);
			assert_int_equal(wrmsr(offset, 0), -EINVAL);
		}
	}
}

static void in_x2apic_mode_there_is_no_page(void **state)
{
	(void)state;
	assert_true(lapic_is_on(&lapic));
	assert_false(lapic_is_at(&lapic, 0xfee00000));
}

static void an_msr_can_be_accessed_as_its_register_says(void **state)
{
	uint64_t value, bits;

	(void)state;
	for (uint32_t offset = 0; offset < 0x1000; offset += 16) {
		uint8_t access = access_of(offset, &bits);

		assert_int_equal(rdmsr(offset, &value), access & READ ? 0 : -EINVAL);
		assert_int_equal(wrmsr(offset, 0), access & WRITE ? 0 : -EINVAL);
	}
}

static void a_reserved_bit_faults_and_changes_nothing(void **state)
{
	uint64_t bits;

	(void)state;
	out(SVR, 0x1ff);
	for (unsigned int i = 0; i < ARRAY_SIZE(msrs); i++) {
		if (!(access_of(msrs[i].offset, &bits) & WRITE))
			continue;
		for (unsigned int bit = 0; bit < 64; bit++) {
			struct lapic before = lapic;

			if (bits >> bit & 1)
				continue;
			assert_int_equal(wrmsr(msrs[i].offset, 1ull << bit), -EINVAL);
			assert_memory_equal(&lapic, &before, sizeof(lapic));
		}
		if (msrs[i].offset != ICR)
			assert_int_equal(wrmsr(msrs[i].offset, bits), 0);
	}
}

static void most_of_the_state_goes_along_into_x2apic_mode(void **state)
{
	static const uint32_t kept[] = {VERSION,       TPR,	      PPR,
					SVR,	       ESR,	      CMCI,
					LVT_TIMER,     LVT_THERMAL,   LVT_PERFORMANCE,
					LVT_LINT0,     LVT_LINT1,     LVT_ERROR,
					INITIAL_COUNT, CURRENT_COUNT, DIVIDE};
	uint32_t before[ARRAY_SIZE(kept)], vectors[24];

	(void)state;
	out(TPR, 0x23);
	out(SVR, 0x1f0);
	out(LVT_TIMER, 0x20041);
	out(LVT_LINT1, NMI_MODE);
	out(DIVIDE, 3);
	out(INITIAL_COUNT, 5000);
	now += 16 * 700 * TICK;
	self_ipi(0x01);
	out(ESR, 0);
	arrive(0x91, true);
	arrive(0xa1, false);
	lapic_take(&lapic);
	out(ICR_HIGH, 0x12000000);
	out(ICR, TO_ALL_BUT_SELF | 0x55);
	out(LDR, 0x77000000);
	for (unsigned int i = 0; i < ARRAY_SIZE(kept); i++)
		before[i] = in(kept[i]);
	for (unsigned int i = 0; i < 24; i++)
		vectors[i] = in(ISR + 16 * i);
	enter_x2apic();
	for (unsigned int i = 0; i < ARRAY_SIZE(kept); i++)
		assert_int_equal(msr(kept[i]), before[i]);
	for (unsigned int i = 0; i < 24; i++)
		assert_int_equal(msr(ISR + 16 * i), vectors[i]);
	assert_int_equal(before[13], 4300);
	assert_int_equal(msr(ICR), TO_ALL_BUT_SELF | 0x55); /* not the high half */
	assert_int_equal(msr(LDR), 0x00000008);
	assert_int_equal(msr(ID), 3);
}

static void the_logical_id_comes_from_the_id(void **state)
{
	static const uint32_t ids[][2] = {
		{0, 0x1}, {0xf, 0x8000}, {0x10, 0x10001}, {0x123, 0x120008}, {0xffff5, 0xffff0020}};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(ids); i++) {
		lapic_reset(&lapic, ids[i][0], false);
		assert_int_equal(in(ID), ids[i][0] << 24);
		enter_x2apic();
		assert_int_equal(msr(ID), ids[i][0]);
		assert_int_equal(msr(LDR), ids[i][1]);
	}
}

static void init_keeps_x2apic_mode(void **state)
{
	(void)state;
	assert_int_equal(wrmsr(TPR, 0x33), 0);
	lapic_init_signal(&lapic);
	assert_int_equal(lapic.base, X2APIC);
	assert_int_equal(msr(TPR), 0);
	assert_int_equal(msr(SVR), 0xff);
	assert_int_equal(msr(LDR), 8);
}

static void back_in_xapic_mode_it_is_as_after_power_up(void **state)
{
	(void)state;
	assert_int_equal(wrmsr(LVT_LINT1, NMI_MODE), 0);
	assert_int_equal(write_base(OFF), 0);
	assert_int_equal(write_base(XAPIC), 0);
	assert_int_equal(in(SVR), 0xff);
	assert_int_equal(in(LVT_LINT1), MASKED);
	assert_int_equal(in(LDR), 0);
	assert_int_equal(in(ID), 0x03000000);
}

static void an_interrupt_command_is_one_write_with_a_destination_of_32_bits(void **state)
{
	struct apic_message message;

	(void)state;
	assert_int_equal(wrmsr(ICR, 0x1234567800005041), 0);
	assert_int_equal(msr(ICR), 0x1234567800004041);
	assert_true(lapic_next_message(&lapic, &message));
	assert_int_equal(message.destination, 0x12345678);
	assert_int_equal(message.vector, 0x41);
	assert_true(message.x2apic);
	assert_int_equal(wrmsr(ICR, 0x0000000300000042), 0);
	assert_false(lapic_next_message(&lapic, &message));
	assert_int_equal(lapic_take(&lapic), 0x42);
	assert_int_equal(wrmsr(ICR, 0xffffffff00000052), 0);
	assert_true(lapic_next_message(&lapic, &message));
	assert_int_equal(lapic_take(&lapic), 0x52);
	assert_int_equal(wrmsr(ICR, 0x000000ff00000062), 0); /* no broadcast here */
	assert_true(lapic_next_message(&lapic, &message));
	assert_int_equal(lapic_take(&lapic), -1);
}

static void self_ipi_interrupts_itself(void **state)
{
	(void)state;
	assert_int_equal(wrmsr(ICR, TO_SELF | 0x91), 0);
	assert_int_equal(wrmsr(SELF_IPI, 0x20), 0);
	assert_int_equal(msr(ICR), TO_SELF | 0x91);
	assert_int_equal(lapic.signals, 0);
	assert_int_equal(lapic_take(&lapic), 0x91);
	assert_int_equal(wrmsr(EOI, 0), 0);
	assert_int_equal(lapic_take(&lapic), 0x20);
	assert_int_equal(wrmsr(EOI, 0), 0);
	assert_int_equal(lapic_take(&lapic), -1);
	assert_int_equal(wrmsr(SELF_IPI, 0x0f), 0);
	assert_int_equal(wrmsr(ESR, 0), 0);
	assert_int_equal(msr(ESR), 0x60);
	assert_int_equal(wrmsr(SVR, 0xff), 0);
	assert_int_equal(wrmsr(SELF_IPI, 0x20), 0);
	assert_int_equal(lapic_take(&lapic), -1);
}

static void tpr_and_ppr_are_those_of_xapic_mode(void **state)
{
	(void)state;
	assert_int_equal(wrmsr(SELF_IPI, 0x41), 0);
	assert_int_equal(wrmsr(TPR, 0x42), 0);
	assert_int_equal(lapic_highest(&lapic), -1);
	assert_int_equal(msr(PPR), 0x42);
	assert_int_equal(lapic_tpr(&lapic), 0x42);
	assert_int_equal(wrmsr(TPR, 0x3f), 0);
	assert_int_equal(lapic_take(&lapic), 0x41);
	assert_int_equal(msr(PPR), 0x40);
}

static bool takes(uint32_t destination, bool logical, bool from_x2apic)
{
	const struct apic_message message = {
		.destination = destination, .logical = logical, .x2apic = from_x2apic};

	return lapic_is_destination(&lapic, &message);
}

static void its_destinations_have_32_bits(void **state)
{
	(void)state;
	lapic_reset(&lapic, 0x123, false);
	enter_x2apic();
	assert_true(takes(0x123, false, true));
	assert_false(takes(0x23, false, true));
	assert_false(takes(0xff, false, true));
	assert_true(takes(0xffffffff, false, true));
	assert_true(takes(0x120008, true, true));
	assert_true(takes(0x12ffff, true, true));
	assert_false(takes(0x120007, true, true));
	assert_false(takes(0x130008, true, true));
	assert_true(takes(0xffffffff, true, true));
	/* from an I/O APIC, or an xAPIC */
	assert_true(takes(0xff, false, false));
	assert_true(takes(0xff, true, false));
	assert_false(takes(0x23, false, false));
}

static void from_8_bits_the_first_cluster_can_be_reached(void **state)
{
	(void)state;
	assert_true(takes(3, false, false));
	assert_true(takes(0x08, true, false));
	assert_false(takes(0x04, true, false));
}

static void an_xapic_has_8_bits_for_a_sender_of_32(void **state)
{
	(void)state;
	assert_true(takes(3, false, true));
	assert_false(takes(0x103, false, true));
	assert_false(takes(0xff, false, true));
	assert_true(takes(0xffffffff, false, true));
}

#define x2apic_test(name) cmocka_unit_test_setup(name, start_x2apic)

int main(void)
{
	const struct CMUnitTest tests[] = {
		lapic_test(the_legal_transitions_are_these),
		lapic_test(outside_of_x2apic_mode_every_msr_faults),
		x2apic_test(in_x2apic_mode_there_is_no_page),
		x2apic_test(an_msr_can_be_accessed_as_its_register_says),
		x2apic_test(a_reserved_bit_faults_and_changes_nothing),
		lapic_test(most_of_the_state_goes_along_into_x2apic_mode),
		x2apic_test(the_logical_id_comes_from_the_id),
		x2apic_test(init_keeps_x2apic_mode),
		x2apic_test(back_in_xapic_mode_it_is_as_after_power_up),
		x2apic_test(an_interrupt_command_is_one_write_with_a_destination_of_32_bits),
		x2apic_test(self_ipi_interrupts_itself),
		x2apic_test(tpr_and_ppr_are_those_of_xapic_mode),
		x2apic_test(its_destinations_have_32_bits),
		x2apic_test(from_8_bits_the_first_cluster_can_be_reached),
		lapic_test(an_xapic_has_8_bits_for_a_sender_of_32),
	};

	return cmocka_run_group_tests_name("lapic_x2apic", tests, NULL, NULL);
}
