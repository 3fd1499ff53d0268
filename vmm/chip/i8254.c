#include "vmm/chip/i8254.h"

#define CONTROL_PORT (I8254_PORT + 3)
#define READ_BACK    3 /* instead of a counter's number */

#define READ_BACK_NO_COUNT  0x20
#define READ_BACK_NO_STATUS 0x10

/* Bits 5:4 of a control word: the bytes of a count that are read and written. */
enum bytes {
	COUNTER_LATCH,
	LOW,
	HIGH,
	LOW_THEN_HIGH,
};

#define STATUS_OUT	  0x80
#define STATUS_NULL_COUNT 0x40

#define SYSTEM_GATE2	 0x01
#define SYSTEM_KEPT	 0x0f
#define SYSTEM_REFRESH	 0x10
#define SYSTEM_OUT2	 0x20
#define REFRESH_INTERVAL 18

#define SHORTEST 24 /* periods of CLK, 20 us: between deadlines */

static enum bytes bytes_of(const struct i8254_counter *counter)
{
	return counter->control >> 4;
}

static struct i8254_counter loaded(uint8_t control, uint32_t count, bool gate)
{
	return (struct i8254_counter){
		.load_at = I8254_NEVER,
		.count = count,
		.initial = count,
		.control = control,
		.mode = i8254_mode_of(control),
		.written = true,
		.running = gate,
		.gate = gate,
	};
}

void i8254_reset(struct i8254 *i8254, uint64_t now)
{
	*i8254 = (struct i8254){
		.origin = now,
		.deadline = now, /* a poll finds out */
		.counter = {loaded(0x36, 0x10000, true), loaded(0x14, 18, true),
			    loaded(0x36, 0x10000, false)},
	};
}

static uint64_t time_of(const struct i8254 *i8254, const struct rate *rate, uint64_t now)
{
	return now > i8254->origin ? rate_ticks(rate, now - i8254->origin) : 0;
}

static void set_deadline(struct i8254 *i8254, const struct rate *rate, uint64_t now)
{
	const struct i8254_counter *counter = &i8254->counter[0];
	uint64_t rise = i8254_counter_next_rise(counter);
	uint64_t tsc;

	if (counter->rose) {
		i8254->deadline = now;
		return;
	}
	i8254->deadline = UINT64_MAX;
	if (rise == I8254_NEVER)
		return;
	if (i8254_counter_is_periodic(counter) && counter->count < SHORTEST &&
	    rise < counter->seen + SHORTEST)
		rise = counter->seen + SHORTEST;
	tsc = rate_tsc(rate, rise);
	if (tsc < UINT64_MAX - i8254->origin)
		i8254->deadline = i8254->origin + tsc;
}

bool i8254_poll(struct i8254 *i8254, const struct rate *rate, uint64_t now)
{
	struct i8254_counter *counter = &i8254->counter[0];
	bool rose;

	i8254_counter_advance(counter, time_of(i8254, rate, now));
	rose = counter->rose;
	counter->rose = false;
	set_deadline(i8254, rate, now);
	return rose;
}

bool i8254_output(const struct i8254 *i8254, const struct rate *rate, unsigned int counter,
		  uint64_t now)
{
	struct i8254_counter copy = i8254->counter[counter];

	i8254_counter_advance(&copy, time_of(i8254, rate, now));
	return i8254_counter_output(&copy);
}

/* One byte of a count, and which comes next. */
static uint32_t byte_of(const struct i8254_counter *counter, struct i8254_latches *latches,
			uint16_t count)
{
	enum bytes bytes = bytes_of(counter);
	bool high = bytes == HIGH || latches->second_read;

	latches->second_read = bytes == LOW_THEN_HIGH && !high;
	return high ? count >> 8 : count & 0xff;
}

static __attribute__((noinline)) uint32_t read_latched(const struct i8254_counter *counter,
						       struct i8254_latches *latches)
{
	uint32_t byte;

	if (latches->status_latched) {
		latches->status_latched = false;
		return latches->status;
	}
	byte = byte_of(counter, latches, latches->count);
	latches->count_latched = latches->second_read;
	return byte;
}

/* Apart, so that few registers are to be saved. */
static __attribute__((noinline)) uint32_t read_counter(struct i8254_counter *counter,
						       struct i8254_latches *latches, uint64_t time)
{
	if (latches->status_latched || latches->count_latched)
		return read_latched(counter, latches);
	i8254_counter_follow(counter, time);
	return byte_of(counter, latches, i8254_counter_value(counter));
}

static __attribute__((noinline)) uint32_t read_system_control(struct i8254 *i8254, uint64_t time)
{
	uint8_t value = i8254->system_control;

	i8254_counter_advance(&i8254->counter[2], time);
	if (i8254_counter_output(&i8254->counter[2]))
		value |= SYSTEM_OUT2;
	if (time / REFRESH_INTERVAL & 1)
		value |= SYSTEM_REFRESH;
	return value;
}

uint32_t i8254_read(struct i8254 *i8254, const struct rate *rate, uint16_t port, uint64_t now)
{
	uint64_t time = time_of(i8254, rate, now);
	unsigned int number = port - I8254_PORT;

	if (number < I8254_COUNTERS)
		return read_counter(&i8254->counter[number], &i8254->latches[number], time);
	if (port == SYSTEM_CONTROL_PORT)
		return read_system_control(i8254, time);
	return 0xff;
}

/* What is latched stays so until it is read. */
static void latch_count(struct i8254_latches *latches, const struct i8254_counter *counter)
{
	if (latches->count_latched)
		return;
	latches->count = i8254_counter_value(counter);
	latches->count_latched = true;
	latches->second_read = false;
}

static void latch_status(struct i8254_latches *latches, const struct i8254_counter *counter)
{
	if (latches->status_latched)
		return;
	latches->status = counter->control | (i8254_counter_output(counter) ? STATUS_OUT : 0) |
			  (counter->null_count ? STATUS_NULL_COUNT : 0);
	latches->status_latched = true;
}

static void read_back(struct i8254 *i8254, uint8_t command, uint64_t time)
{
	for (unsigned int i = 0; i < I8254_COUNTERS; i++) {
		if (!(command & 2 << i))
			continue;
		i8254_counter_advance(&i8254->counter[i], time);
		if (!(command & READ_BACK_NO_COUNT))
			latch_count(&i8254->latches[i], &i8254->counter[i]);
		if (!(command & READ_BACK_NO_STATUS))
			latch_status(&i8254->latches[i], &i8254->counter[i]);
	}
}

static void write_control(struct i8254 *i8254, uint8_t value, uint64_t time)
{
	unsigned int number = value >> 6;
	struct i8254_counter *counter = &i8254->counter[number % READ_BACK];

	if (number == READ_BACK) {
		read_back(i8254, value, time);
		return;
	}
	i8254_counter_advance(counter, time);
	if ((value >> 4 & 3) == COUNTER_LATCH) {
		latch_count(&i8254->latches[number], counter);
		return;
	}
	i8254_counter_program(counter, value);
	i8254->latches[number] = (struct i8254_latches){};
}

static void write_counter(struct i8254 *i8254, unsigned int number, uint8_t value, uint64_t time)
{
	struct i8254_counter *counter = &i8254->counter[number];
	struct i8254_latches *latches = &i8254->latches[number];

	i8254_counter_advance(counter, time);
	switch (bytes_of(counter)) {
	case LOW:
		i8254_counter_write(counter, value);
		break;
	case HIGH:
		i8254_counter_write(counter, value << 8);
		break;
	default:
		if (latches->second_write) {
			i8254_counter_write(counter, value << 8 | latches->first);
		} else {
			i8254_counter_begin_write(counter);
			latches->first = value;
		}
		latches->second_write = !latches->second_write;
	}
}

static void write_system_control(struct i8254 *i8254, uint8_t value, uint64_t time)
{
	i8254->system_control = value & SYSTEM_KEPT;
	i8254_counter_advance(&i8254->counter[2], time);
	i8254_counter_set_gate(&i8254->counter[2], value & SYSTEM_GATE2);
}

/* And does not latch its count only: that is often, and changes no deadline. */
static bool programs_counter_0(uint8_t control)
{
	return control >> 6 == 0 && control >> 4 != COUNTER_LATCH;
}

void i8254_write(struct i8254 *i8254, const struct rate *rate, uint16_t port, uint8_t value,
		 uint64_t now)
{
	unsigned int number = port - I8254_PORT;
	uint64_t time = time_of(i8254, rate, now);

	if (port == SYSTEM_CONTROL_PORT) {
		write_system_control(i8254, value, time);
		return;
	}
	if (number < I8254_COUNTERS)
		write_counter(i8254, number, value, time);
	else if (port == CONTROL_PORT)
		write_control(i8254, value, time);
	if (number == 0 || (port == CONTROL_PORT && programs_counter_0(value)))
		set_deadline(i8254, rate, now);
}
