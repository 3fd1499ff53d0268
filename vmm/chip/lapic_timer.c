#include "vmm/chip/lapic_timer.h"

#include "lib/min.h"

/* 20 microseconds of the input clock, or more: a period below comes no more often than this. */
#define FLOOR_TICKS (LAPIC_HZ / 50000)

#define DIVIDE_BITS 0x0b

static uint64_t period(const struct lapic_timer *timer)
{
	return (uint64_t)timer->initial << timer->shift;
}

static bool counts(const struct lapic_timer *timer)
{
	return !(timer->mode & LAPIC_TSC_DEADLINE) && timer->deadline != RATE_NEVER;
}

/* 1, 2, 4 ... 128, in bits 3, 1 and 0: 111 divides by 1, 000 by 2. */
static void set_shift(struct lapic_timer *timer, uint8_t divide)
{
	timer->divide = divide & DIVIDE_BITS;
	timer->shift = (((divide & 8) >> 1 | (divide & 3)) + 1) % 8;
}

void lapic_timer_reset(struct lapic_timer *timer)
{
	*timer = (struct lapic_timer){.deadline = RATE_NEVER, .tsc_offset = timer->tsc_offset};
	set_shift(timer, 0);
}

/* The count reaches 0 at timer->expiry; when that is to be told. */
static void schedule(struct lapic_timer *timer, const struct rate *rate, uint64_t ticks)
{
	uint64_t at = timer->expiry;

	if (timer->mode == LAPIC_PERIODIC && period(timer) < FLOOR_TICKS &&
	    at < ticks + FLOOR_TICKS)
		at = ticks + FLOOR_TICKS;
	timer->deadline = rate_tsc(rate, at);
}

/* To the next time that the count reaches 0, where it has already. */
static void catch_up(struct lapic_timer *timer, uint64_t ticks)
{
	if (timer->expiry > ticks)
		return;
	timer->expiry += period(timer);
	if (timer->expiry <= ticks)
		timer->expiry += ((ticks - timer->expiry) / period(timer) + 1) * period(timer);
}

bool lapic_timer_poll(struct lapic_timer *timer, const struct rate *rate, uint64_t now)
{
	if (now < timer->deadline || timer->deadline == RATE_NEVER)
		return false;
	if (timer->mode == LAPIC_PERIODIC) {
		uint64_t ticks = rate_ticks(rate, now);

		catch_up(timer, ticks);
		schedule(timer, rate, ticks);
	} else {
		timer->deadline = RATE_NEVER;
		timer->tsc_deadline = 0;
	}
	return true;
}

/* Between one-shot and periodic the count goes on; to TSC-deadline or from it disarms. */
void lapic_timer_set_mode(struct lapic_timer *timer, const struct rate *rate, uint8_t mode,
			  uint64_t now)
{
	uint8_t changed = timer->mode ^ mode;

	if (changed & LAPIC_TSC_DEADLINE) {
		timer->deadline = RATE_NEVER;
		timer->tsc_deadline = 0;
		timer->initial = 0;
	}
	timer->mode = mode;
	if (changed && counts(timer)) {
		uint64_t ticks = rate_ticks(rate, now);

		catch_up(timer, ticks);
		schedule(timer, rate, ticks);
	}
}

void lapic_timer_set_initial(struct lapic_timer *timer, const struct rate *rate, uint32_t value,
			     uint64_t now)
{
	uint64_t ticks = rate_ticks(rate, now);

	if (timer->mode & LAPIC_TSC_DEADLINE)
		return;
	timer->initial = value;
	timer->deadline = RATE_NEVER;
	if (!value)
		return;
	timer->expiry = ticks + period(timer);
	schedule(timer, rate, ticks);
}

/* What is left of the count goes on at the new pace. */
void lapic_timer_set_divide(struct lapic_timer *timer, const struct rate *rate, uint8_t value,
			    uint64_t now)
{
	uint64_t count = lapic_timer_count(timer, rate, now);

	set_shift(timer, value);
	if (count) {
		uint64_t ticks = rate_ticks(rate, now);

		timer->expiry = ticks + (count << timer->shift);
		schedule(timer, rate, ticks);
	}
}

uint32_t lapic_timer_count(const struct lapic_timer *timer, const struct rate *rate, uint64_t now)
{
	uint64_t ticks = rate_ticks(rate, now);
	uint64_t left;

	if (!counts(timer))
		return 0;
	if (ticks < timer->expiry)
		left = timer->expiry - ticks;
	else if (timer->mode == LAPIC_PERIODIC)
		left = period(timer) - (ticks - timer->expiry) % period(timer);
	else
		return 0;
	return (left + (1u << timer->shift) - 1) >> timer->shift;
}

static void arm_tsc_deadline(struct lapic_timer *timer, uint64_t now)
{
	uint64_t guest_now = now + timer->tsc_offset;
	uint64_t left = timer->tsc_deadline > guest_now ? timer->tsc_deadline - guest_now : 0;

	timer->deadline = now + min_u64(left, RATE_NEVER - now);
}

void lapic_timer_set_tsc_deadline(struct lapic_timer *timer, uint64_t value, uint64_t now)
{
	if (!(timer->mode & LAPIC_TSC_DEADLINE))
		return;
	timer->tsc_deadline = value;
	timer->deadline = RATE_NEVER;
	if (value)
		arm_tsc_deadline(timer, now);
}

void lapic_timer_set_tsc_offset(struct lapic_timer *timer, uint64_t offset, uint64_t now)
{
	timer->tsc_offset = offset;
	if (timer->tsc_deadline)
		arm_tsc_deadline(timer, now);
}
