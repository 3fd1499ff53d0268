#include "vmm/chip/i8254_counter.h"

/* As the data sheet numbers the modes. */
enum i8254_mode {
	TERMINAL_COUNT,
	ONE_SHOT,
	RATE_GENERATOR,
	SQUARE_WAVE,
	SOFTWARE_STROBE,
	HARDWARE_STROBE,
};

#define CONTROL_BCD 0x01

static uint32_t from_bcd(uint16_t value)
{
	return (value >> 12) * 1000 + (value >> 8 & 15) * 100 + (value >> 4 & 15) * 10 +
	       (value & 15);
}

static uint16_t to_bcd(uint32_t value)
{
	return value / 1000 << 12 | value / 100 % 10 << 8 | value / 10 % 10 << 4 | value % 10;
}

static uint64_t elapsed(const struct i8254_counter *counter)
{
	return counter->running ? counter->seen - counter->start : counter->held;
}

static uint32_t high_half(const struct i8254_counter *counter)
{
	return (counter->count + 1) / 2;
}

/* From the load to the rise of OUT, where that happens once. */
static uint32_t until_rise(const struct i8254_counter *counter)
{
	return counter->count + (counter->mode >= SOFTWARE_STROBE);
}

/* Whole periods; there is at least one. One division, and none where it is followed closely. */
static uint64_t periods(uint64_t elapsed, uint32_t count)
{
	if (elapsed < 2 * (uint64_t)count)
		return 1;
	if (elapsed >> 32 == 0)
		return (uint32_t)elapsed / count;
	return elapsed / count;
}

/* Counts on with the count in use. */
static void count_on(struct i8254_counter *counter, uint64_t time)
{
	uint64_t before = counter->seen - counter->start;
	uint64_t after = time - counter->start;

	counter->seen = time;
	if (!counter->running)
		return;
	if (!i8254_counter_is_periodic(counter)) {
		uint32_t rise = until_rise(counter);

		counter->rose |= before < rise && after >= rise;
	} else if (after >= counter->count) {
		counter->start += periods(after, counter->count) * counter->count;
		counter->rose |= counter->count > 1;
	}
}

/* From CR to CE. */
static void load(struct i8254_counter *counter)
{
	counter->count = counter->initial;
	counter->start = counter->load_at;
	if (counter->load == I8254_LOAD_AT_HALF)
		counter->start -= high_half(counter);
	counter->held = 0;
	counter->running =
		counter->gate || counter->mode == ONE_SHOT || counter->mode == HARDWARE_STROBE;
	counter->load_at = I8254_NEVER;
	counter->load = I8254_LOAD_NOW;
	counter->null_count = false;
}

void i8254_counter_advance(struct i8254_counter *counter, uint64_t time)
{
	if (time <= counter->seen)
		return;
	if (counter->load_at <= time) {
		count_on(counter, counter->load_at);
		load(counter);
	}
	count_on(counter, time);
}

/* What was in CE stays to be read, and does not count. */
static void unload(struct i8254_counter *counter)
{
	counter->stale = i8254_counter_value(counter);
	counter->count = 0;
	counter->running = false;
	counter->load_at = I8254_NEVER;
	counter->load = I8254_LOAD_NOW;
}

void i8254_counter_program(struct i8254_counter *counter, uint8_t control)
{
	bool output = i8254_counter_output(counter);

	unload(counter);
	counter->control = control & 0x3f;
	counter->mode = i8254_mode_of(control);
	counter->written = false;
	counter->null_count = true;
	counter->rose |= !output && i8254_counter_output(counter);
}

/* Ends counting, and OUT is low, in mode 0 only. */
void i8254_counter_begin_write(struct i8254_counter *counter)
{
	if (counter->mode == TERMINAL_COUNT)
		unload(counter);
}

/* A new count comes into use where the old one ends: its period, or half of a square wave. */
static void load_at_end(struct i8254_counter *counter)
{
	uint32_t high = high_half(counter);

	if (counter->mode == SQUARE_WAVE && elapsed(counter) < high && counter->count > 1) {
		counter->load_at = counter->start + high;
		counter->load = I8254_LOAD_AT_HALF;
	} else {
		counter->load = I8254_LOAD_AT_END;
		counter->load_at = counter->start + counter->count;
	}
}

void i8254_counter_write(struct i8254_counter *counter, uint16_t count)
{
	if (counter->control & CONTROL_BCD)
		counter->initial = count ? from_bcd(count) : 10000;
	else
		counter->initial = count ? count : 0x10000;
	counter->written = true;
	counter->null_count = true;
	switch (counter->mode) {
	case TERMINAL_COUNT:
		unload(counter);
		counter->load_at = counter->seen + 1;
		break;
	case SOFTWARE_STROBE:
		counter->load_at = counter->seen + 1;
		break;
	case RATE_GENERATOR:
	case SQUARE_WAVE:
		if (!counter->count)
			counter->load_at = counter->seen + 1;
		else if (counter->running && counter->load_at == I8254_NEVER)
			load_at_end(counter);
		break;
	default: /* a trigger loads it */
		break;
	}
}

static void gate_rises(struct i8254_counter *counter)
{
	unsigned int mode = counter->mode;

	counter->gate = true;
	if (mode == TERMINAL_COUNT || mode == SOFTWARE_STROBE) {
		counter->start = counter->seen - counter->held;
		counter->running = counter->count;
	} else if (counter->written) { /* it is a trigger */
		counter->load_at = counter->seen + 1;
		counter->load = I8254_LOAD_NOW;
	}
}

static void gate_falls(struct i8254_counter *counter)
{
	unsigned int mode = counter->mode;

	counter->gate = false;
	if (mode == ONE_SHOT || mode == HARDWARE_STROBE)
		return;
	counter->held = elapsed(counter);
	counter->running = false;
	if (counter->load != I8254_LOAD_NOW) /* that end does not come */
		counter->load_at = I8254_NEVER;
}

void i8254_counter_set_gate(struct i8254_counter *counter, bool gate)
{
	if (gate && !counter->gate)
		gate_rises(counter);
	else if (!gate && counter->gate)
		gate_falls(counter);
}

/* An even count goes down by two; an odd one as the even one below it, once more while OUT is
 * high. */
static uint32_t square_wave_value(const struct i8254_counter *counter, uint32_t elapsed)
{
	uint32_t high = high_half(counter);

	return (counter->count & ~1u) - 2 * (elapsed < high ? elapsed : elapsed - high);
}

static inline __attribute__((always_inline)) uint32_t
binary_value(const struct i8254_counter *counter)
{
	if (counter->mode == SQUARE_WAVE)
		return square_wave_value(counter, elapsed(counter));
	return counter->count - elapsed(counter);
}

uint16_t i8254_counter_value(const struct i8254_counter *counter)
{
	if (!counter->count)
		return counter->stale;
	if (!(counter->control & CONTROL_BCD))
		return binary_value(counter);
	if (i8254_counter_is_periodic(counter))
		return to_bcd(binary_value(counter) % 10000);
	/* what nibbles above 9 make is at most 16665 */
	return to_bcd((counter->count + 20000 - elapsed(counter) % 10000) % 10000);
}

bool i8254_counter_output(const struct i8254_counter *counter)
{
	unsigned int mode = counter->mode;

	if (!counter->count)
		return mode != TERMINAL_COUNT;
	switch (mode) {
	case TERMINAL_COUNT:
	case ONE_SHOT:
		return elapsed(counter) >= counter->count;
	case RATE_GENERATOR:
		return !counter->running || counter->count == 1 ||
		       elapsed(counter) != counter->count - 1;
	case SQUARE_WAVE:
		return !counter->running || elapsed(counter) < high_half(counter);
	default:
		return elapsed(counter) != counter->count;
	}
}

/* With the count in use. */
static uint64_t next_rise(const struct i8254_counter *counter)
{
	uint32_t after = until_rise(counter);

	if (!counter->running)
		return I8254_NEVER;
	if (i8254_counter_is_periodic(counter))
		return counter->count > 1 ? counter->start + counter->count : I8254_NEVER;
	return elapsed(counter) < after ? counter->start + after : I8254_NEVER;
}

uint64_t i8254_counter_next_rise(const struct i8254_counter *counter)
{
	uint64_t rise = next_rise(counter);
	struct i8254_counter loaded;

	if (rise <= counter->load_at)
		return rise;
	loaded = *counter;
	loaded.seen = loaded.load_at;
	load(&loaded);
	return next_rise(&loaded);
}
