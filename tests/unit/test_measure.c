#include "tests/unit/unit.h"

#include "boot/measure.h"

#define TSC_HZ	 3000000000ull
#define CLOCK_HZ 3579545ull
#define READ_NS	 1000 /* a read of the clock's port */
#define TSC_NS	 10

/* Time, in nanoseconds, goes on only by reads, and by what takes the CPU away. */
static uint64_t now, reads;
static struct {
	uint32_t mask;
	bool down, dead;
	uint64_t dies_at;
	uint64_t seed, tsc_seed;
	uint64_t steal_every, steal_ns; /* an SMI every so many reads of either, so long */
	uint64_t steal_once_at;
	uint64_t wrong_from, wrong_to; /* reads in which the clock runs at double speed */
} world;

static uint64_t scaled(uint64_t hz)
{
	return (uint64_t)((unsigned __int128)now * hz / 1000000000);
}

static void pass(uint64_t ns)
{
	now += ns;
	reads++;
	if (world.steal_every && reads % world.steal_every == 0)
		now += world.steal_ns;
	if (world.steal_once_at && reads == world.steal_once_at)
		now += world.steal_ns;
}

static uint64_t read_tsc(void)
{
	pass(TSC_NS / 2);

	uint64_t value = scaled(TSC_HZ);

	pass(TSC_NS / 2);
	return value;
}

static uint32_t read_clock(void)
{
	uint32_t value;

	pass(READ_NS / 2);
	value = (uint32_t)scaled(CLOCK_HZ);
	if (world.dead || (world.dies_at && now > world.dies_at))
		value = 0xffffffff;
	if (now >= world.wrong_from && now < world.wrong_to)
		value *= 2;
	if (world.seed)
		value = (uint32_t)random_next(&world.seed);
	pass(READ_NS / 2);
	/* what is above its width is undefined */
	return ((world.down ? -value : value) & world.mask) | (~world.mask & 0xa5a5a5a5);
}

static int reset(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	world.mask = 0xffffff;
	now = 123456789;
	reads = 0;
	return 0;
}

static bool run(uint64_t *khz)
{
	const struct measure_counter counter = {read_clock, world.mask, world.down};
	const struct measure_span least = {0, CLOCK_HZ / 100};
	struct measure_span span;
	bool measured = measure(&counter, read_tsc, &least, &span);

	*khz = measured ? span.tsc * CLOCK_HZ / span.count / 1000 : 0;
	return measured;
}

static void expect_right(void)
{
	uint64_t khz;

	assert_true(run(&khz));
	assert_in_range(khz, TSC_HZ / 1000 - TSC_HZ / 1000 / 1000,
			TSC_HZ / 1000 + TSC_HZ / 1000 / 1000);
}

static void a_clock_that_counts_up_or_down_at_any_width_tells_the_frequency(void **state)
{
	(void)state;
	for (int bits = 16; bits <= 32; bits++) {
		for (int down = 0; down < 2; down++) {
			reset(state);
			world.mask = bits == 32 ? UINT32_MAX : (1u << bits) - 1;
			world.down = down;
			/* begins just before it wraps, in some of the runs */
			now = (1ull << bits) * 1000000000 / CLOCK_HZ - 3000000;
			expect_right();
		}
	}
}

static void one_long_smi_does_not_shift_the_result_wherever_it_strikes(void **state)
{
	(void)state;
	for (uint64_t at = 1; at < 60000; at += at < 200 ? 1 : 61) {
		reset(state);
		world.steal_once_at = at;
		world.steal_ns = 30000000;
		expect_right();
	}
}

static void many_smis_do_not_shift_it_either(void **state)
{
	(void)state;
	for (uint64_t every = 4; every < 200; every++) {
		reset(state);
		world.steal_every = every;
		world.steal_ns = 200000;
		expect_right();
	}
}

static void two_measurements_of_five_may_be_wrong(void **state)
{
	(void)state;
	world.wrong_from = now + 5000000;
	world.wrong_to = now + 9000000;
	expect_right();
}

static void a_clock_that_does_not_count_is_found_out_soon(void **state)
{
	uint64_t khz;

	(void)state;
	world.dead = true;
	assert_false(run(&khz));
	assert_in_range(reads, 1, 200000);
	for (uint64_t after = 0; after < 39000000; after += 777777) {
		reset(state);
		world.dies_at = now + after;
		assert_false(run(&khz));
		assert_in_range(reads, 1, 400000);
	}
}

static void noise_is_no_clock_and_ends_too(void **state)
{
	uint64_t khz;

	(void)state;
	for (uint64_t seed = 1; seed < 50; seed++) {
		reset(state);
		world.seed = seed;
		assert_false(run(&khz));
		assert_in_range(reads, 1, 20000000);
	}
}

/* The other way round: how fast a counter runs, told by the TSC. */
static void a_counter_is_measured_by_the_tsc(void **state)
{
	const struct measure_counter counter = {read_clock, UINT32_MAX, true};
	const struct measure_span least = {TSC_HZ / 100, 1};
	struct measure_span span;

	(void)state;
	world.mask = UINT32_MAX;
	world.down = true;
	assert_true(measure(&counter, read_tsc, &least, &span));
	assert_in_range(span.tsc, TSC_HZ / 100, TSC_HZ / 50);
	assert_in_range(span.count * (TSC_HZ / 1000) / span.tsc, 3576, 3583);
	world.dead = true;
	assert_false(measure(&counter, read_tsc, &least, &span));
}

static void cpuid_tells_a_frequency_as_far_as_it_does(void **state)
{
	static const struct {
		struct measure_cpuid cpuid;
		uint64_t khz;
	} cases[] = {
		/* crystal and ratio */
		{{0x20, 0x806c1, 2, 200, 24000000, 2400}, 2400000},
		{{0x15, 0x806c1, 2, 188, 25000000, 0}, 2350000},
		/* no crystal: the base frequency */
		{{0x16, 0x406e3, 2, 208, 0, 2500}, 2500000},
		{{0x16, 0x406e3, 0, 0, 0, 2500}, 2500000},
		{{0x16, 0x406e3, 0, 208, 24000000, 2500}, 2500000},
		/* bits above 15 are reserved */
		{{0x16, 0x406e3, 0, 0, 0, 0xffff0000 | 2500}, 2500000},
		/* a leaf that is not there holds another's data */
		{{0x14, 0x406e3, 2, 208, 24000000, 2500}, 0},
		{{0x15, 0x406e3, 2, 208, 0, 2500}, 0},
		{{0xd, 0x306c3, 7, 832, 832, 0}, 0},
		/* Denverton */
		{{0x15, 0x506f1, 3, 264, 0, 0}, 2200000},
		{{0x16, 0x406e3, 2, 208, 0, 0}, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(measure_cpuid_khz(&cases[i].cpuid), cases[i].khz);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			a_clock_that_counts_up_or_down_at_any_width_tells_the_frequency, reset),
		cmocka_unit_test_setup(one_long_smi_does_not_shift_the_result_wherever_it_strikes,
				       reset),
		cmocka_unit_test_setup(many_smis_do_not_shift_it_either, reset),
		cmocka_unit_test_setup(two_measurements_of_five_may_be_wrong, reset),
		cmocka_unit_test_setup(a_clock_that_does_not_count_is_found_out_soon, reset),
		cmocka_unit_test_setup(noise_is_no_clock_and_ends_too, reset),
		cmocka_unit_test_setup(a_counter_is_measured_by_the_tsc, reset),
		cmocka_unit_test_setup(cpuid_tells_a_frequency_as_far_as_it_does, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
