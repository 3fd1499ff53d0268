#include "vmm/chip/mc146818.h"

#include "lib/min.h"
#include "vmm/chip/mc146818_clock.h"

#define INDEX_PORT MC146818_PORT
#define DATA_PORT  (MC146818_PORT + 1)

#define INDEX_NMI_MASK 0x80

#define A_UIP	   0x80
#define A_DIVIDER  0x70
#define A_32768_HZ 0x20
#define A_RATE	   0x0f

#define B_SET 0x80

/* Enabled in register B, flags in register C. */
#define PERIODIC   0x40
#define ALARM	   0x20
#define UPDATE	   0x10
#define INTERRUPTS (PERIODIC | ALARM | UPDATE)
#define C_IRQF	   0x80

#define D_VRT 0x80 /* the battery is good */

#define SECOND	      15 /* of the divider's bits */
#define UPDATE_COMING 8	 /* ticks: 244 us */
#define HALF_SECOND   (1 << (SECOND - 1))

/* What firmware keeps in the memory. */
enum cmos {
	CMOS_EQUIPMENT = 0x14,
	CMOS_BASE_MEMORY = 0x15, /* KiB */
	CMOS_EXTENDED_MEMORY = 0x17,
	CMOS_CHECKED = 0x10, /* the first and the last byte of the checksum */
	CMOS_CHECKED_LAST = 0x2d,
	CMOS_CHECKSUM = 0x2e,	       /* high byte first */
	CMOS_EXTENDED_MEMORY_2 = 0x30, /* found by the test at power on */
	CMOS_ABOVE_16_MIB = 0x34,      /* in 64 KiB */
	CMOS_ABOVE_4_GIB = 0x5b,
};

#define EQUIPMENT_COPROCESSOR 0x02
#define EQUIPMENT_80_COLUMNS  0x20

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)

static void put_memory(uint8_t *cmos, uint64_t bytes, uint64_t start, uint64_t unit)
{
	uint64_t units = bytes > start ? (bytes - start) / unit : 0;

	units = min_u64(units, 0xffff);
	cmos[0] = units;
	cmos[1] = units >> 8;
}

static void put_checksum(uint8_t *cmos)
{
	uint16_t sum = 0;

	for (unsigned int i = CMOS_CHECKED; i <= CMOS_CHECKED_LAST; i++)
		sum += cmos[i];
	cmos[CMOS_CHECKSUM] = sum >> 8;
	cmos[CMOS_CHECKSUM + 1] = sum;
}

void mc146818_reset(struct mc146818 *mc146818, uint64_t seconds_since_1970, uint64_t low,
		    uint64_t high, uint64_t now)
{
	uint8_t *cmos = mc146818->cmos;
	uint64_t above = min_u64(high / (64 * KIB), 0xffffff);

	*mc146818 = (struct mc146818){.origin = now, .deadline = UINT64_MAX};
	cmos[MC146818_A] = A_32768_HZ | 6; /* 1024 Hz, as a PC */
	cmos[MC146818_B] = MC146818_24_HOURS;
	cmos[MC146818_D] = D_VRT;
	cmos[CMOS_EQUIPMENT] = EQUIPMENT_COPROCESSOR | EQUIPMENT_80_COLUMNS;
	put_memory(&cmos[CMOS_BASE_MEMORY], min_u64(low, 640 * KIB), 0, KIB);
	put_memory(&cmos[CMOS_EXTENDED_MEMORY], low, MIB, KIB);
	put_memory(&cmos[CMOS_EXTENDED_MEMORY_2], low, MIB, KIB);
	put_memory(&cmos[CMOS_ABOVE_16_MIB], low, 16 * MIB, 64 * KIB);
	for (unsigned int i = 0; i < 3; i++)
		cmos[CMOS_ABOVE_4_GIB + i] = above >> 8 * i;
	put_checksum(cmos);
	mc146818_clock_set(cmos, seconds_since_1970);
}

static uint64_t time_of(const struct mc146818 *mc146818, const struct rate *rate, uint64_t now)
{
	uint64_t time = now > mc146818->origin ? rate_ticks(rate, now - mc146818->origin) : 0;

	return time > mc146818->seen ? time : mc146818->seen;
}

static bool divider_runs(const struct mc146818 *mc146818)
{
	return (mc146818->cmos[MC146818_A] & A_DIVIDER) == A_32768_HZ;
}

/* The bits of the divider below the one that makes periodic interrupts; 0: none does. */
static unsigned int periodic_bits(const struct mc146818 *mc146818)
{
	unsigned int rate = mc146818->cmos[MC146818_A] & A_RATE;

	if (rate == 0)
		return 0;
	return rate < 3 ? rate + 6 : rate - 1;
}

static void update(struct mc146818 *mc146818, uint64_t seconds)
{
	uint8_t *cmos = mc146818->cmos;

	if (!(cmos[MC146818_C] & ALARM) && mc146818_clock_until_alarm(cmos) <= seconds)
		cmos[MC146818_C] |= ALARM;
	cmos[MC146818_C] |= UPDATE;
	mc146818_clock_add(cmos, seconds);
}

/* All that has happened up to now. */
static void settle(struct mc146818 *mc146818, uint64_t time)
{
	uint64_t before = mc146818->seen - mc146818->divider;
	uint64_t after = time - mc146818->divider;
	unsigned int bits = periodic_bits(mc146818);

	mc146818->seen = time;
	if (!divider_runs(mc146818))
		return;
	if (bits && before >> bits != after >> bits)
		mc146818->cmos[MC146818_C] |= PERIODIC;
	if (before >> SECOND != after >> SECOND && !(mc146818->cmos[MC146818_B] & B_SET))
		update(mc146818, (after >> SECOND) - (before >> SECOND));
}

bool mc146818_interrupts(const struct mc146818 *mc146818)
{
	return mc146818->cmos[MC146818_B] & mc146818->cmos[MC146818_C] & INTERRUPTS;
}

/* When the divider has made so many more steps of 2^bits. */
static uint64_t step(const struct mc146818 *mc146818, unsigned int bits, uint64_t steps)
{
	uint64_t divider = mc146818->seen - mc146818->divider;

	return mc146818->divider + (((divider >> bits) + steps) << bits);
}

static uint64_t next_interrupt(const struct mc146818 *mc146818)
{
	uint8_t enabled = mc146818->cmos[MC146818_B] & INTERRUPTS;
	unsigned int bits = periodic_bits(mc146818);
	uint64_t next = UINT64_MAX;

	if (mc146818_interrupts(mc146818) || !divider_runs(mc146818))
		return UINT64_MAX;
	if (enabled & PERIODIC && bits)
		next = step(mc146818, bits, 1);
	if (mc146818->cmos[MC146818_B] & B_SET)
		return next;
	if (enabled & UPDATE)
		next = min_u64(next, step(mc146818, SECOND, 1));
	if (enabled & ALARM) {
		uint64_t seconds = mc146818_clock_until_alarm(mc146818->cmos);

		if (seconds != MC146818_NO_ALARM)
			next = min_u64(next, step(mc146818, SECOND, seconds));
	}
	return next;
}

static void set_deadline(struct mc146818 *mc146818, const struct rate *rate)
{
	uint64_t next = next_interrupt(mc146818);
	uint64_t tsc = next == UINT64_MAX ? RATE_NEVER : rate_tsc(rate, next);

	mc146818->deadline =
		tsc < UINT64_MAX - mc146818->origin ? mc146818->origin + tsc : UINT64_MAX;
}

bool mc146818_poll(struct mc146818 *mc146818, const struct rate *rate, uint64_t now)
{
	settle(mc146818, time_of(mc146818, rate, now));
	set_deadline(mc146818, rate);
	return mc146818_interrupts(mc146818);
}

static uint8_t read_a(const struct mc146818 *mc146818, uint64_t time)
{
	uint64_t rest = (time - mc146818->divider) & ((1 << SECOND) - 1);
	bool coming = rest >= (1 << SECOND) - UPDATE_COMING && divider_runs(mc146818) &&
		      !(mc146818->cmos[MC146818_B] & B_SET);

	return mc146818->cmos[MC146818_A] | (coming ? A_UIP : 0);
}

/* Apart, so that a read of the time has fewer registers to save. */
static __attribute__((noinline)) uint8_t read_c(struct mc146818 *mc146818, const struct rate *rate,
						uint64_t time)
{
	uint8_t value;

	settle(mc146818, time);
	value = mc146818->cmos[MC146818_C];
	if (!mc146818_interrupts(mc146818)) {
		mc146818->cmos[MC146818_C] = 0;
		return value;
	}
	mc146818->cmos[MC146818_C] = 0;
	set_deadline(mc146818, rate); /* there was none */
	return value | C_IRQF;
}

static bool is_time(uint8_t index)
{
	return index <= MC146818_YEAR || index == MC146818_CENTURY;
}

uint32_t mc146818_read(struct mc146818 *mc146818, const struct rate *rate, uint16_t port,
		       uint64_t now)
{
	uint8_t index = mc146818->index;

	if (port != DATA_PORT)
		return 0xff;
	if (index == MC146818_A)
		return read_a(mc146818, time_of(mc146818, rate, now));
	if (index == MC146818_C)
		return read_c(mc146818, rate, time_of(mc146818, rate, now));
	if (is_time(index))
		settle(mc146818, time_of(mc146818, rate, now));
	return mc146818->cmos[index];
}

static void write_a(struct mc146818 *mc146818, uint8_t value)
{
	bool ran = divider_runs(mc146818);

	mc146818->cmos[MC146818_A] = value & ~A_UIP;
	if (!ran && divider_runs(mc146818))
		mc146818->divider = mc146818->seen - HALF_SECOND;
}

/* What the time, or what makes interrupts, depends on. */
static void write_register(struct mc146818 *mc146818, uint8_t value)
{
	uint8_t index = mc146818->index;

	switch (index) {
	case MC146818_A:
		write_a(mc146818, value);
		break;
	case MC146818_B:
		mc146818->cmos[index] = value & B_SET ? value & ~UPDATE : value;
		break;
	case MC146818_SECONDS:
		mc146818->cmos[index] = value & 0x7f;
		break;
	default:
		mc146818->cmos[index] = value;
	}
}

void mc146818_write(struct mc146818 *mc146818, const struct rate *rate, uint16_t port,
		    uint8_t value, uint64_t now)
{
	uint8_t index = mc146818->index;

	if (port == INDEX_PORT) {
		mc146818->index = value & ~INDEX_NMI_MASK;
		mc146818->nmi_masked = value & INDEX_NMI_MASK;
	} else if (is_time(index) || index == MC146818_A || index == MC146818_B) {
		settle(mc146818, time_of(mc146818, rate, now));
		write_register(mc146818, value);
		set_deadline(mc146818, rate);
	} else if (index != MC146818_C && index != MC146818_D) {
		mc146818->cmos[index] = value;
	}
}
