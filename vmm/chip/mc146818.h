/*
 * The real-time clock of a PC and its 128 bytes of CMOS memory, at ports 70h and 71h (Motorola
 * MC146818A data sheet; what firmware keeps where in the memory: IBM Personal System/2 and Personal
 * Computer BIOS Interface Technical Reference). The time bytes are vmm/chip/mc146818_clock.h's.
 *
 * It is IRQ 8's line that IRQF drives: a level. Updates come once a second and take no time; UIP is
 * set for the 244 us before one. Only the divider of a 32.768 kHz crystal runs (register A, DV
 * 010); with every other DV it stands still, and 500 ms after it starts is the first update. The
 * square wave output leads nowhere. Port 70h cannot be read: FFh.
 *
 * `now` is the host's TSC, `rate` that of MC146818_HZ; a `now` below an earlier one counts as that.
 * The caller has the lock of the VM's devices, and interrupts off. No hardware in it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/rate.h"

#define MC146818_HZ    32768
#define MC146818_PORT  0x70
#define MC146818_PORTS 2
#define MC146818_BYTES 128

struct mc146818 {
	uint64_t origin;  /* TSC at reset, when time was 0 */
	uint64_t divider; /* time when it was 0 */
	uint64_t seen;	  /* time up to which the registers are right */
	uint64_t deadline;
	uint8_t cmos[MC146818_BYTES];
	uint8_t index;
	bool nmi_masked; /* bit 7 of port 70h: NMIs do not reach the CPU */
};

/*
 * As firmware leaves it: the time in BCD, 24 hours, no interrupts; the memory says that there are
 * `low` bytes of RAM below 4 GiB, from 0, and `high` bytes above; no drives, a coprocessor, and a
 * display of 80 columns in colour.
 */
void mc146818_reset(struct mc146818 *mc146818, uint64_t seconds_since_1970, uint64_t low,
		    uint64_t high, uint64_t now);

/* A byte of port 70h or 71h. After each, the interrupt line and the deadline may be others. */
uint32_t mc146818_read(struct mc146818 *mc146818, const struct rate *rate, uint16_t port,
		       uint64_t now);
void mc146818_write(struct mc146818 *mc146818, const struct rate *rate, uint16_t port,
		    uint8_t value, uint64_t now);

/*
 * When the interrupt line next rises by itself, or UINT64_MAX: also while it is high, until the
 * guest has read register C. No more often than the data sheet's 122 us.
 */
static inline uint64_t mc146818_deadline(const struct mc146818 *mc146818)
{
	return mc146818->deadline;
}

/* The level of the interrupt line: after the last read, write or poll, and now. */
bool mc146818_interrupts(const struct mc146818 *mc146818);
bool mc146818_poll(struct mc146818 *mc146818, const struct rate *rate, uint64_t now);
