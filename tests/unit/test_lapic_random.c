/*
 * Random accesses to the local APIC: its priorities are those of a model that looks at every vector
 * each time, and nothing that a guest writes, in whatever order, breaks it.
 */
#include "tests/unit/lapic_fixture.h"

#define STEPS 300000

static struct {
	bool irr[256], isr[256], tmr[256];
	uint8_t tpr;
} model;

static uint64_t seed;

static uint64_t random_below(uint64_t bound)
{
	return random_next(&seed) % bound;
}

static int highest(const bool *set)
{
	for (int vector = 255; vector >= 0; vector--)
		if (set[vector])
			return vector;
	return -1;
}

static uint8_t model_ppr(void)
{
	int served = highest(model.isr);
	uint8_t class = served < 0 ? 0 : served & 0xf0;

	return (model.tpr & 0xf0) >= class ? model.tpr : class;
}

static int model_highest(void)
{
	int asked = highest(model.irr);

	return asked >= 0 && (asked & 0xf0) > (model_ppr() & 0xf0) ? asked : -1;
}

static void model_arrive(uint8_t vector, bool level_triggered)
{
	bool legal = vector >= 16;

	model.irr[vector] |= legal;
	model.tmr[vector] = legal && level_triggered;
}

static void check_eoi(void)
{
	int served = highest(model.isr);
	uint8_t vector = 0;
	bool told = lapic_next_eoi(&lapic, &vector);

	if (served < 0) {
		assert_false(told);
		return;
	}
	model.isr[served] = false;
	assert_int_equal(told, model.tmr[served]);
	if (told)
		assert_int_equal(vector, served);
}

static void check_take(void)
{
	int vector = model_highest();

	assert_int_equal(lapic_take(&lapic), vector);
	if (vector < 0)
		return;
	model.irr[vector] = false;
	model.isr[vector] = true;
}

static void check_registers(void)
{
	for (unsigned int vector = 0; vector < 256; vector++) {
		assert_int_equal(bit_of(IRR, vector), model.irr[vector]);
		assert_int_equal(bit_of(ISR, vector), model.isr[vector]);
		assert_int_equal(bit_of(TMR, vector), model.tmr[vector]);
	}
}

static void its_priorities_are_those_of_the_model(void **state)
{
	(void)state;
	seed = 0x1a9c;
	memset(&model, 0, sizeof(model));
	for (unsigned int step = 0; step < STEPS; step++) {
		uint8_t vector = random_next(&seed);
		bool level = random_below(4) == 0;

		switch (random_below(6)) {
		case 0:
			arrive(vector, level);
			model_arrive(vector, level);
			break;
		case 1:
			self_ipi(vector);
			model_arrive(vector, false);
			break;
		case 2:
			model.tpr = random_below(2) ? 0 : vector;
			out(TPR, model.tpr);
			break;
		case 3:
			out(EOI, vector);
			check_eoi();
			break;
		default:
			check_take();
		}
		assert_int_equal(lapic_highest(&lapic), model_highest());
		assert_int_equal(in(PPR), model_ppr());
		if (step % 256 == 0)
			check_registers();
	}
}

/* Small, large and all in between. */
static uint64_t random_value(void)
{
	return random_next(&seed) >> random_below(64);
}

static void assert_sane(void)
{
	int vector = lapic_highest(&lapic);

	assert_true(vector < 0 || (vector >= 16 && vector >> 4 > lapic_ppr(&lapic) >> 4));
	assert_true(lapic.isr.top < 16);
	assert_true(lapic_tpr(&lapic) >> 4 <= lapic_ppr(&lapic) >> 4);
}

static void random_access(void)
{
	static const uint64_t bases[] = {0xfee00000, 0xfee00800, 0xfee00c00, 0xfee00900,
					 0xfed40800};
	struct apic_message message = {
		.destination = random_value(),
		.vector = random_next(&seed),
		.delivery = random_below(8),
		.logical = random_below(2),
		.level_triggered = random_below(2),
		.x2apic = random_below(2),
	};
	uint32_t offset = random_below(3) ? random_below(0x40) * 16 : random_below(0x2000);
	uint32_t number = random_below(0x50);
	uint64_t value;

	switch (random_below(14)) {
	case 0 ... 2:
		out(offset, random_value());
		break;
	case 3:
		in(offset);
		break;
	case 4 ... 6:
		wrmsr(16 * number, random_value());
		break;
	case 7:
		rdmsr(16 * number, &value);
		break;
	case 8:
		if (lapic_is_destination(&lapic, &message))
			lapic_accept(&lapic, &message);
		break;
	case 9:
		lapic_set_lint(&lapic, random_below(2), random_below(2));
		break;
	case 10:
		write_deadline(now + random_value());
		lapic_read_tsc_deadline(&lapic, now);
		break;
	case 11:
		lapic_set_tsc_offset(&lapic, random_value(), now);
		break;
	case 12:
		if (!random_below(8))
			write_base(bases[random_below(ARRAY_SIZE(bases))]);
		else
			out(SVR, 0x1ff);
		break;
	default:
		lapic_take(&lapic);
	}
}

static void nothing_that_is_written_breaks_it(void **state)
{
	struct apic_message message;
	uint8_t vector;

	(void)state;
	seed = 0xbad5eed;
	for (unsigned int step = 0; step < STEPS; step++) {
		if (step % 1000 == 0) {
			uint64_t tsc_khz = 5000 + random_below(6000000);

			start(state);
			rate = rate_of(lapic_hz(tsc_khz), tsc_khz);
		}
		now += random_value() >> 16;
		if (now > UINT64_MAX / 2)
			now = 0;
		random_access();
		lapic_poll(&lapic, &rate, now);
		lapic_next_message(&lapic, &message);
		lapic_next_eoi(&lapic, &vector);
		assert_true(lapic_deadline(&lapic) > now);
		assert_sane();
		if (random_below(50) == 0)
			lapic_init_signal(&lapic);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lapic_test(its_priorities_are_those_of_the_model),
		lapic_test(nothing_that_is_written_breaks_it),
	};

	return cmocka_run_group_tests_name("lapic_random", tests, NULL, NULL);
}
