/*
 * The high precision event timers against a model of them that goes tick by tick, and under
 * accesses that make no sense.
 */
#include "tests/unit/hpet_fixture.h"

/* The specification's words, a tick at a time. */
struct model {
	uint64_t counter;
	bool enabled, legacy;
	uint8_t status;
	uint32_t edges;
	struct {
		uint64_t comparator, period;
		uint32_t configuration;
		bool equal; /* since it was set */
	} timer[HPET_TIMERS];
};

static struct model model;

static uint64_t model_width(unsigned int n)
{
	return model.timer[n].configuration & MODE32 ? UINT32_MAX : UINT64_MAX;
}

static uint32_t model_pin(unsigned int n)
{
	if (model.legacy && n < 2)
		return n ? 1u << 8 : 1u << 2;
	return 1u << (model.timer[n].configuration >> 9 & 31) & 0x00ff0000;
}

static void model_match(unsigned int n)
{
	uint32_t configuration = model.timer[n].configuration;

	if (configuration & LEVEL)
		model.status |= 1 << n;
	else if (configuration & INT)
		model.edges |= model_pin(n);
	if (configuration & PERIODIC)
		model.timer[n].comparator =
			(model.timer[n].comparator + model.timer[n].period) & model_width(n);
	model.timer[n].equal = false;
}

static bool model_equal(unsigned int n)
{
	return !((model.counter ^ model.timer[n].comparator) & model_width(n));
}

static void model_pass(unsigned int ticks)
{
	while (model.enabled && ticks--) {
		model.counter++;
		for (unsigned int n = 0; n < HPET_TIMERS; n++)
			if (model_equal(n))
				model_match(n);
	}
}

static void model_write_timer(unsigned int n, uint64_t value)
{
	uint32_t before = model.timer[n].configuration;
	uint32_t after = value & (LEVEL | INT | PERIODIC | VAL_SET | MODE32 | ROUTE(31));

	if ((after >> 9 & 31) < 16 || (after >> 9 & 31) > 23)
		after &= ~ROUTE(31);
	if (!(after & PERIODIC))
		after &= ~VAL_SET;
	if (!(after & LEVEL))
		model.status &= ~(1 << n);
	model.timer[n].configuration = after;
	if (!((before ^ after) & MODE32))
		return;
	model.timer[n].comparator &= model_width(n);
	model.timer[n].period &= model_width(n);
	model.timer[n].equal = model_equal(n);
}

static void model_write_comparator(unsigned int n, uint64_t value)
{
	model.timer[n].period = value & model_width(n);
	if ((model.timer[n].configuration & (PERIODIC | VAL_SET)) == PERIODIC)
		return;
	model.timer[n].configuration &= ~VAL_SET;
	model.timer[n].comparator = value & model_width(n);
	model.timer[n].equal = model_equal(n);
}

static void model_write(unsigned int offset, uint64_t value)
{
	if (offset == CONFIGURATION) {
		model.enabled = value & ENABLE;
		model.legacy = value & LEGACY;
	} else if (offset == STATUS) {
		model.status &= ~value;
	} else if (offset == COUNTER) {
		model.counter = value;
		for (unsigned int n = 0; n < HPET_TIMERS; n++)
			model.timer[n].equal = model_equal(n);
	} else {
		unsigned int n = (offset - 0x100) / 0x20;

		if (offset == TIMER(n))
			model_write_timer(n, value);
		else
			model_write_comparator(n, value);
	}
	for (unsigned int n = 0; n < HPET_TIMERS; n++)
		if (model.enabled && model.timer[n].equal)
			model_match(n);
}

static uint32_t model_lines(void)
{
	uint32_t lines = 0;

	for (unsigned int n = 0; n < HPET_TIMERS; n++)
		if (model.enabled && model.status & 1 << n && model.timer[n].configuration & INT)
			lines |= model_pin(n);
	return lines;
}

static void compare_with_model(void)
{
	assert_true(in(COUNTER) == model.counter);
	assert_int_equal(in(STATUS), model.status);
	for (unsigned int n = 0; n < HPET_TIMERS; n++) {
		assert_true(in(COMPARATOR(n)) == model.timer[n].comparator);
		assert_true((in(TIMER(n)) & 0xffffffcf) == model.timer[n].configuration);
	}
	assert_int_equal(take_edges(), model.edges);
	model.edges = 0;
	assert_int_equal(hpet_block_lines(&hpet), model_lines());
}

/* A count that is met soon, or beyond, or any. */
static uint64_t random_count(uint64_t *seed)
{
	uint64_t random = random_next(seed);

	switch (random >> 60) {
	case 0:
		return random_next(seed);
	case 1:
		return 0 - (random & 0x3f);
	case 2:
		return (1ull << 32) - (random & 0x3f);
	case 3:
		return random & 0xff;
	default:
		return model.counter - 5 + (random & 0x3f);
	}
}

static void random_write(uint64_t *seed)
{
	static const unsigned int offsets[] = {CONFIGURATION, STATUS,	COUNTER,
					       TIMER(0),      TIMER(1), TIMER(2)};
	unsigned int n = random_next(seed) % HPET_TIMERS;
	unsigned int offset = COMPARATOR(n);
	uint64_t value = random_next(seed) & 1 ? random_count(seed) : random_next(seed) & 0x3f;

	if (random_next(seed) & 1) {
		offset = offsets[random_next(seed) % ARRAY_SIZE(offsets)];
		if (offset == COUNTER)
			value = random_count(seed);
		else
			value = random_next(seed);
	}
	if (offset == CONFIGURATION && random_next(seed) & 3)
		value |= ENABLE;
	out(offset, value);
	model_write(offset, value);
}

static void random_writes_do_what_the_model_does(void **state)
{
	uint64_t seed = 8086;

	(void)state;
	memset(&model, 0, sizeof(model));
	for (unsigned int n = 0; n < HPET_TIMERS; n++)
		model.timer[n].comparator = UINT64_MAX;
	for (unsigned int i = 0; i < 100000; i++) {
		unsigned int ticks = random_next(&seed) & 0x3f;

		now += ticks;
		model_pass(ticks);
		if (random_next(&seed) & 1)
			hpet_block_poll(&hpet, &rate, now);
		random_write(&seed);
		compare_with_model();
	}
}

static void random_accesses_of_any_kind_are_harmless(void **state)
{
	uint64_t seed = 42;

	(void)state;
	for (unsigned int i = 0; i < 300000; i++) {
		unsigned int offset = random_next(&seed) % 0x180;
		unsigned int size = random_next(&seed) & 1 ? 4 : 8;

		if (!(random_next(&seed) & 15))
			offset = random_next(&seed);
		if (random_next(&seed) & 7)
			offset -= offset % size;
		now += random_next(&seed) >> (20 + random_next(&seed) % 44);
		if (!(i % 1000)) { /* also one slower than the main counter */
			rate = rate_of(HPET_HZ, i & 1024 ? 1000 : 2394230);
			hpet_block_reset(&hpet, now);
		}
		if (random_next(&seed) & 1)
			hpet_block_write(&hpet, &rate, offset, size,
					 random_next(&seed) >> random_next(&seed) % 64, now);
		else
			hpet_block_read(&hpet, &rate, offset, size, now);
		hpet_block_poll(&hpet, &rate, now);
		assert_true(hpet_block_deadline(&hpet) > now);
		assert_int_equal(take_edges() & ~0x00ff0104, 0);
		assert_int_equal(hpet_block_lines(&hpet) & ~0x00ff0104, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		hpet_test(random_writes_do_what_the_model_does),
		hpet_test(random_accesses_of_any_kind_are_harmless),
	};

	return cmocka_run_group_tests_name("hpet_model", tests, NULL, NULL);
}
