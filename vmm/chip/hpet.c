#include "vmm/chip/hpet.h"

#include <stddef.h>

#include "lib/min.h"

enum hpet_register {
	HPET_CAPABILITIES = 0x000,
	HPET_CONFIGURATION = 0x010,
	HPET_STATUS = 0x020,
	HPET_FIRST_TIMER = 0x100,
	TIMER_REGISTERS = 0x20, /* of each: */
	TIMER_CONFIGURATION = 0x00,
	TIMER_COMPARATOR = 0x08,
};

#define CLOCK_PERIOD (1000000000000000 / HPET_HZ) /* femtoseconds */

#define INT_TYPE_LEVEL	0x0002u
#define INT_ENB_CNF	0x0004u
#define TYPE_PERIODIC	0x0008u
#define PER_INT_CAP	0x0010u
#define SIZE_CAP	0x0020u
#define VAL_SET_CNF	0x0040u
#define MODE32_CNF	0x0100u
#define INT_ROUTE_CNF	0x3e00u
#define INT_ROUTE_SHIFT 9
#define INT_ROUTE_CAP	0x00ff0000u
#define TIMER_WRITABLE	(INT_TYPE_LEVEL | INT_ENB_CNF | TYPE_PERIODIC | VAL_SET_CNF | MODE32_CNF)

#define LEGACY_PIN_0 (1u << 2)
#define LEGACY_PIN_1 (1u << 8)

#define NEVER	    UINT64_MAX
#define AGES	    (UINT64_MAX / 2)  /* ticks: thousands of years */
#define SHORT_TICKS (HPET_HZ / 50000) /* 20 microseconds */

void hpet_block_reset(struct hpet *hpet, uint64_t now)
{
	*hpet = (struct hpet){.since = now, .deadline = NEVER};
	for (unsigned int n = 0; n < HPET_TIMERS; n++)
		hpet->timer[n] = (struct hpet_timer){.comparator = UINT64_MAX, .match = NEVER};
}

static uint64_t width(const struct hpet_timer *timer)
{
	return timer->configuration & MODE32_CNF ? UINT32_MAX : UINT64_MAX;
}

static bool is_periodic(const struct hpet_timer *timer)
{
	return timer->configuration & TYPE_PERIODIC && timer->period;
}

static bool has_short_period(const struct hpet_timer *timer)
{
	return is_periodic(timer) && timer->period < SHORT_TICKS;
}

/* The pin of a timer as a bit; 0: it has none. */
static uint32_t pin_of(const struct hpet *hpet, unsigned int n)
{
	unsigned int route;

	if (hpet->configuration & HPET_LEG_RT_CNF && n < 2)
		return n ? LEGACY_PIN_1 : LEGACY_PIN_0;
	route = (hpet->timer[n].configuration & INT_ROUTE_CNF) >> INT_ROUTE_SHIFT;
	return 1u << route & INT_ROUTE_CAP;
}

/* Its comparator, or the width, has changed, and the main counter has gone so far. */
static void seek(const struct hpet *hpet, struct hpet_timer *timer, uint64_t gone)
{
	uint64_t distance = (timer->comparator - hpet->counter - gone) & width(timer);

	if (__builtin_add_overflow(gone, distance, &timer->match))
		timer->match = NEVER;
}

/* It has matched: past `gone`, to its next match. */
static void move_on(struct hpet_timer *timer, uint64_t gone)
{
	uint64_t late = gone - timer->match;
	uint64_t step = timer->configuration & MODE32_CNF ? 1ull << 32 : 0;

	if (is_periodic(timer))
		step = timer->period;
	if (!step) {
		timer->match = NEVER;
		return;
	}
	if (late >= step)
		late -= late % step;
	else
		late = 0;
	if (is_periodic(timer))
		timer->comparator = (timer->comparator + late + step) & width(timer);
	if (__builtin_add_overflow(timer->match + late, step, &timer->match))
		timer->match = NEVER;
}

static void interrupt(struct hpet *hpet, unsigned int n)
{
	uint32_t configuration = hpet->timer[n].configuration;

	if (configuration & INT_TYPE_LEVEL)
		hpet->status |= 1u << n;
	else if (configuration & INT_ENB_CNF)
		hpet->edges |= pin_of(hpet, n);
}

/* What has matched by now. True: something has. */
static bool match(struct hpet *hpet, const struct rate *rate, uint64_t gone, uint64_t now)
{
	bool any = false;

	if (!hpet_block_runs(hpet))
		return false;
	for (unsigned int n = 0; n < HPET_TIMERS; n++) {
		struct hpet_timer *timer = &hpet->timer[n];

		if (timer->match > gone || timer->match == NEVER)
			continue;
		interrupt(hpet, n);
		move_on(timer, gone);
		if (has_short_period(timer))
			hpet->next_short = now + rate_tsc(rate, SHORT_TICKS);
		any = true;
	}
	return any;
}

static uint64_t deadline_of(const struct hpet *hpet, const struct rate *rate, unsigned int n)
{
	const struct hpet_timer *timer = &hpet->timer[n];
	uint64_t tsc;

	if (!(timer->configuration & INT_ENB_CNF) || hpet->status & 1u << n || !pin_of(hpet, n) ||
	    timer->match > AGES)
		return NEVER;
	tsc = rate_tsc(rate, timer->match);
	if (__builtin_add_overflow(tsc, hpet->since, &tsc))
		return NEVER;
	if (has_short_period(timer) && tsc < hpet->next_short)
		return hpet->next_short;
	return tsc;
}

static void set_deadline(struct hpet *hpet, const struct rate *rate)
{
	hpet->deadline = NEVER;
	for (unsigned int n = 0; hpet_block_runs(hpet) && n < HPET_TIMERS; n++)
		hpet->deadline = min_u64(hpet->deadline, deadline_of(hpet, rate, n));
}

void hpet_block_poll(struct hpet *hpet, const struct rate *rate, uint64_t now)
{
	if (match(hpet, rate, hpet_block_ticks(hpet, rate, now), now))
		set_deadline(hpet, rate);
}

static const struct hpet_timer *timer_at(const struct hpet *hpet, unsigned int offset)
{
	unsigned int n = (offset - HPET_FIRST_TIMER) / TIMER_REGISTERS;

	return offset >= HPET_FIRST_TIMER && n < HPET_TIMERS ? &hpet->timer[n] : NULL;
}

static uint64_t read_timer(const struct hpet_timer *timer, unsigned int offset)
{
	switch (offset % TIMER_REGISTERS) {
	case TIMER_CONFIGURATION:
		return (uint64_t)INT_ROUTE_CAP << 32 | timer->configuration | PER_INT_CAP |
		       SIZE_CAP;
	case TIMER_COMPARATOR:
		return timer->comparator;
	default:
		return 0;
	}
}

static uint64_t read_register(const struct hpet *hpet, unsigned int offset)
{
	const struct hpet_timer *timer = timer_at(hpet, offset);

	if (timer)
		return read_timer(timer, offset);
	switch (offset) {
	case HPET_CAPABILITIES:
		return (uint64_t)CLOCK_PERIOD << 32 | HPET_BLOCK_ID;
	case HPET_CONFIGURATION:
		return hpet->configuration;
	case HPET_STATUS:
		return hpet->status;
	default:
		return 0;
	}
}

/* The bits of a register that an access is about. */
static uint64_t access_mask(unsigned int offset, unsigned int size)
{
	return (size < 8 ? (1ull << 8 * size) - 1 : UINT64_MAX) << 8 * (offset % 8);
}

uint64_t hpet_block_read(struct hpet *hpet, const struct rate *rate, unsigned int offset,
			 unsigned int size, uint64_t now)
{
	uint64_t gone = hpet_block_ticks(hpet, rate, now);
	uint64_t value;

	if (offset - offset % 8 == HPET_COUNTER) {
		value = hpet->counter + gone;
	} else {
		if (match(hpet, rate, gone, now))
			set_deadline(hpet, rate);
		value = read_register(hpet, offset - offset % 8);
	}
	return (value & access_mask(offset, size)) >> 8 * (offset % 8);
}

static void write_configuration(struct hpet *hpet, uint32_t value, uint64_t gone, uint64_t now)
{
	bool ran = hpet_block_runs(hpet);

	hpet->configuration = value & (HPET_ENABLE_CNF | HPET_LEG_RT_CNF);
	if (hpet_block_runs(hpet) == ran)
		return;
	hpet->counter += gone;
	hpet->since = now;
	for (unsigned int n = 0; n < HPET_TIMERS; n++)
		if (hpet->timer[n].match != NEVER)
			hpet->timer[n].match -= gone;
}

static void write_counter(struct hpet *hpet, uint64_t value, uint64_t now)
{
	hpet->counter = value;
	hpet->since = now;
	for (unsigned int n = 0; n < HPET_TIMERS; n++)
		seek(hpet, &hpet->timer[n], 0);
}

static void write_timer_configuration(struct hpet *hpet, unsigned int n, uint32_t value,
				      uint64_t gone)
{
	struct hpet_timer *timer = &hpet->timer[n];
	uint32_t before = timer->configuration;
	uint32_t route = value & INT_ROUTE_CNF;

	/* a pin that it cannot have reads back as another: 2.3.8 */
	if (!(1u << (route >> INT_ROUTE_SHIFT) & INT_ROUTE_CAP))
		route = 0;
	timer->configuration = (value & TIMER_WRITABLE) | route;
	if (!(value & TYPE_PERIODIC))
		timer->configuration &= ~VAL_SET_CNF;
	if (!(value & INT_TYPE_LEVEL))
		hpet->status &= ~(1u << n);
	if (!((before ^ timer->configuration) & MODE32_CNF))
		return;
	timer->comparator &= width(timer);
	timer->period &= width(timer);
	seek(hpet, timer, gone);
}

static void write_comparator(struct hpet *hpet, unsigned int n, uint64_t value, uint64_t mask,
			     uint64_t gone)
{
	struct hpet_timer *timer = &hpet->timer[n];

	timer->period = ((timer->period & ~mask) | (value & mask)) & width(timer);
	if (timer->configuration & TYPE_PERIODIC && !(timer->configuration & VAL_SET_CNF))
		return;
	timer->configuration &= ~VAL_SET_CNF;
	timer->comparator = ((timer->comparator & ~mask) | (value & mask)) & width(timer);
	seek(hpet, timer, gone);
}

static void write_timer(struct hpet *hpet, unsigned int offset, uint64_t value, uint64_t mask,
			uint64_t gone)
{
	unsigned int n = (offset - HPET_FIRST_TIMER) / TIMER_REGISTERS;
	uint64_t before = hpet->timer[n].configuration;

	switch (offset % TIMER_REGISTERS) {
	case TIMER_CONFIGURATION:
		write_timer_configuration(hpet, n, (before & ~mask) | (value & mask), gone);
		break;
	case TIMER_COMPARATOR:
		write_comparator(hpet, n, value, mask, gone);
		break;
	}
}

void hpet_block_write(struct hpet *hpet, const struct rate *rate, unsigned int offset,
		      unsigned int size, uint64_t value, uint64_t now)
{
	uint64_t mask = access_mask(offset, size);
	uint64_t gone = hpet_block_ticks(hpet, rate, now);

	value <<= 8 * (offset % 8);
	offset -= offset % 8;
	match(hpet, rate, gone, now);
	switch (offset) {
	case HPET_CONFIGURATION:
		write_configuration(hpet, (hpet->configuration & ~mask) | (value & mask), gone,
				    now);
		break;
	case HPET_STATUS:
		hpet->status &= ~(value & mask);
		break;
	case HPET_COUNTER:
		write_counter(hpet, ((hpet->counter + gone) & ~mask) | (value & mask), now);
		break;
	default:
		if (timer_at(hpet, offset))
			write_timer(hpet, offset, value, mask, gone);
	}
	match(hpet, rate, hpet_block_ticks(hpet, rate, now), now); /* what is equal at once */
	set_deadline(hpet, rate);
}

uint32_t hpet_block_lines(const struct hpet *hpet)
{
	uint32_t lines = 0;

	if (!hpet->status || !hpet_block_runs(hpet))
		return 0;
	for (unsigned int n = 0; n < HPET_TIMERS; n++)
		if (hpet->status & 1u << n && hpet->timer[n].configuration & INT_ENB_CNF)
			lines |= pin_of(hpet, n);
	return lines;
}

bool hpet_block_next_edge(struct hpet *hpet, unsigned int *pin)
{
	if (!hpet->edges)
		return false;
	*pin = __builtin_ctz(hpet->edges);
	hpet->edges &= hpet->edges - 1;
	return true;
}
