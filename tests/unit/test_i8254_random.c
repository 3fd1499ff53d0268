/*
 * The 8254 against a counter that goes from one CLK to the next, with random use; and random bytes.
 */
#include "tests/unit/i8254_fixture.h"

#include "tests/unit/i8254_clocked.h"

/* Counters 0 and 2 through the ports, and beside them the ones that know only the next CLK. */
static struct i8254_clocked clocked[2];
static uint64_t polled, late; /* the last poll; how late the deadline may be */

static void check_counter(unsigned int number)
{
	const struct i8254_clocked *other = &clocked[number == 2];
	uint8_t expected = other->control | other->out << 7 | other->null << 6;
	unsigned int bytes = other->control >> 4;
	uint16_t count = 0;

	assert_int_equal(output(number), other->out);
	out(CONTROL, 0xc0 | 2 << number);
	assert_int_equal(in(I8254_PORT + number), expected);
	if (bytes & 1)
		count = in(I8254_PORT + number);
	if (bytes & 2)
		count |= in(I8254_PORT + number) << 8;
	assert_int_equal(count, i8254_clocked_read(other) &
					((bytes & 1 ? 0xff : 0) | (bytes & 2 ? 0xff00 : 0)));
}

/* The deadline is set anew now. */
static void see_deadline(void)
{
	const struct i8254_clocked *counter = &clocked[0];
	unsigned int mode = i8254_clocked_mode(counter);
	bool quick = counter->cr < 24 || counter->before < 24;

	late = (mode == 2 || mode == 3) && quick ? 24 : 0;
}

static void let_time_pass(uint64_t periods)
{
	for (; periods; periods--) {
		bool risen = clocked[0].risen;

		now++;
		i8254_clocked_clk(&clocked[0]);
		i8254_clocked_clk(&clocked[1]);
		if (!risen && clocked[0].risen) /* the deadline knew */
			assert_in_range(i8254_deadline(&pit), polled, now + late);
	}
}

static void check_poll(void)
{
	assert_int_equal(poll(), clocked[0].risen);
	clocked[0].risen = false;
	polled = now;
	see_deadline();
	assert_true(i8254_deadline(&pit) > now);
}

static uint16_t random_count(uint64_t *seed)
{
	uint64_t random = random_next(seed);

	return random % 5 ? random >> 8 & 31 : random >> 8 & 2047;
}

static void random_control(uint64_t *seed, unsigned int number)
{
	uint8_t word = random_next(seed) >> 20 & 0x3f;

	if (!(word & 0x30))
		word |= 0x30;
	out(CONTROL, number << 6 | word);
	i8254_clocked_program(&clocked[number == 2], word);
	if (number == 0)
		see_deadline();
}

static void random_byte(uint64_t *seed, unsigned int number)
{
	struct i8254_clocked *counter = &clocked[number == 2];
	uint16_t count = random_count(seed);
	bool high = counter->control >> 4 == 2 || counter->half_written;
	uint8_t byte = high ? count >> 8 : count;

	out(I8254_PORT + number, byte);
	i8254_clocked_write(counter, byte);
	if (number == 0)
		see_deadline();
}

static void random_use(uint64_t *seed)
{
	unsigned int number = random_next(seed) >> 20 & 2;
	bool gate = random_next(seed) >> 20 & 1;

	switch (random_next(seed) % 24) {
	case 0 ... 3:
		random_control(seed, number);
		break;
	case 4 ... 9:
		random_byte(seed, number);
		break;
	case 10 ... 13:
		out(PORT_B, gate);
		i8254_clocked_gate(&clocked[1], gate);
		break;
	case 14 ... 17:
		let_time_pass(random_next(seed) % 3);
		break;
	case 18 ... 20:
		let_time_pass(random_next(seed) % 100);
		break;
	case 21:
		let_time_pass(random_next(seed) % 5000);
		break;
	default:
		check_poll();
	}
}

static void random_use_is_what_counting_clk_by_clk_gives(void **state)
{
	uint64_t seed = 8254;

	(void)state;
	random_control(&seed, 0);
	random_control(&seed, 2);
	i8254_clocked_gate(&clocked[0], true);
	poll();
	clocked[0].risen = false;
	polled = now;
	for (unsigned int i = 0; i < 300000; i++) {
		random_use(&seed);
		check_counter(0);
		check_counter(2);
	}
}

static void random_bytes_at_any_time_do_no_harm(void **state)
{
	static const uint16_t ports[] = {0x40, 0x41, 0x42, 0x43, 0x61};
	uint64_t seed = 61;

	(void)state;
	rate = rate_of(I8254_HZ, 2394230);
	for (unsigned int i = 0; i < 1000000; i++) {
		uint64_t random = random_next(&seed);
		uint16_t port = ports[(random & 0xff) % ARRAY_SIZE(ports)];

		now += random_next(&seed) >> (24 + (random >> 8) % 40);
		if (now >> 62)
			now = 0;
		if (random >> 60 < 4)
			in(port);
		else if (random >> 60 >= 6)
			out(port, random >> 16);
		else if (poll() || i8254_deadline(&pit) <= now)
			assert_false(poll());
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		i8254_test(random_use_is_what_counting_clk_by_clk_gives),
		i8254_test(random_bytes_at_any_time_do_no_harm),
	};

	return cmocka_run_group_tests_name("i8254 random", tests, NULL, NULL);
}
