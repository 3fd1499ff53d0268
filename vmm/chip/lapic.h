/*
 * A local APIC as present parts have it: xAPIC and x2APIC, a timer with TSC-deadline, seven local
 * vectors, suppression of EOI broadcasts. SDM Vol. 3A chapter 10. No hardware in it. Its registers
 * are in lapic_registers.h, what it sends to others in lapic_send.h.
 *
 * The APIC ID does not change, as on parts that have x2APIC: a message to a physical ID can go
 * straight there. The caller has the APIC to itself (it holds a lock). `now` is the host's TSC and
 * does not go back, `rate` is rate_of(lapic_hz(), ...).
 *
 * After any call that may change it: signals != 0 says that there is something for the caller.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/rate.h"
#include "vmm/chip/apic_message.h"
#include "vmm/chip/lapic_timer.h"
#include "vmm/chip/lapic_vectors.h"

#define LAPIC_PAGE 0xfee00000 /* where its registers are until IA32_APIC_BASE moves them */

/* IA32_APIC_BASE */
#define LAPIC_BASE_BOOTSTRAP 0x100
#define LAPIC_BASE_X2APIC    0x400
#define LAPIC_BASE_ENABLED   0x800

enum lapic_signal {
	LAPIC_NMI = 1,		/* lapic_take_nmi() */
	LAPIC_NMI_AGAIN = 2,	/* and one to follow while that one is served */
	LAPIC_INIT = 4,		/* the caller clears it and calls lapic_init_signal() */
	LAPIC_STARTUP = 8,	/* came after the INIT: startup_vector; the caller clears it */
	LAPIC_EXTINT = 16,	/* a message: the 8259 has a vector; the caller clears it */
	LAPIC_HAS_MESSAGE = 32, /* lapic_next_message() */
	LAPIC_HAS_EOI = 64,	/* lapic_next_eoi() */
};

enum lapic_local_vector {
	LAPIC_TIMER,
	LAPIC_THERMAL,
	LAPIC_PERFORMANCE,
	LAPIC_LINT0,
	LAPIC_LINT1,
	LAPIC_ERROR,
	LAPIC_CMCI,
	LAPIC_LOCAL_VECTORS,
};

/* Of a local vector (10.5.1) */
#define LAPIC_LVT_DELIVERY(lvt) ((lvt) >> 8 & 7)
#define LAPIC_LVT_ACTIVE_LOW	0x2000
#define LAPIC_LVT_REMOTE_IRR	0x4000
#define LAPIC_LVT_LEVEL		0x8000
#define LAPIC_LVT_MASKED	0x10000

/* Of the spurious-interrupt vector register (10.9) */
#define LAPIC_SVR_ENABLED	   0x100
#define LAPIC_SVR_NO_EOI_BROADCAST 0x1000

/* Of the error status register (10.5.3) */
#define LAPIC_SEND_ILLEGAL_VECTOR    0x20
#define LAPIC_RECEIVE_ILLEGAL_VECTOR 0x40
#define LAPIC_ILLEGAL_REGISTER	     0x80

#define LAPIC_FIRST_VECTOR 16 /* those below are illegal */

struct lapic {
	uint32_t signals;
	uint8_t tpr, ppr;
	uint8_t startup_vector, eoi_vector;
	struct lapic_vectors irr;
	struct lapic_service isr;
	uint32_t tmr[LAPIC_VECTOR_WORDS];
	uint64_t base; /* IA32_APIC_BASE */
	uint32_t id;
	uint32_t svr, ldr, dfr;
	uint32_t icr_low, icr_high;
	uint32_t lvt[LAPIC_LOCAL_VECTORS];
	uint8_t errors, esr; /* since ESR was written, and what a read of it gives */
	uint8_t lint;	     /* the levels of its pins */
	struct lapic_timer timer;
	struct apic_message message;
};

/* After power-up, in xAPIC mode, at LAPIC_PAGE. The guest's TSC is the host's. */
void lapic_reset(struct lapic *lapic, uint32_t id, bool bootstrap);

/* After INIT: as after power-up, but for IA32_APIC_BASE, a pending start-up and the TSC offset. */
void lapic_init_signal(struct lapic *lapic);

/* Virtual wire mode, in which the first CPU's firmware leaves it. */
void lapic_as_firmware_leaves_it(struct lapic *lapic);

static inline bool lapic_is_on(const struct lapic *lapic)
{
	return lapic->base & LAPIC_BASE_ENABLED;
}

static inline bool lapic_is_x2apic(const struct lapic *lapic)
{
	return lapic->base & LAPIC_BASE_X2APIC;
}

/*
 * Whether fixed interrupts are accepted: who does not takes no part in lowest-priority delivery.
 * Where the APIC is off SVR is as after power-up.
 */
static inline bool lapic_is_enabled(const struct lapic *lapic)
{
	return lapic->svr & LAPIC_SVR_ENABLED;
}

/* Whether the page of its registers is there; when it is not, what is below is accessed. */
static inline bool lapic_is_at(const struct lapic *lapic, uint64_t physical)
{
	return (lapic->base & ~(uint64_t)LAPIC_BASE_BOOTSTRAP) ==
	       ((physical & ~0xfffull) | LAPIC_BASE_ENABLED);
}

/* The same, and it is the register at that offset. */
static inline bool lapic_is_register_at(const struct lapic *lapic, uint32_t offset,
					uint64_t physical)
{
	return (lapic->base & ~(uint64_t)LAPIC_BASE_BOOTSTRAP) ==
	       physical + (LAPIC_BASE_ENABLED - offset);
}

/* IA32_APIC_BASE; physical_bits < 64. -EINVAL: #GP, and nothing has changed. */
int lapic_write_base(struct lapic *lapic, uint64_t value, unsigned int physical_bits,
		     bool x2apic_offered);

/* IA32_TSC_DEADLINE, of the guest's TSC, which is the host's plus the offset. */
uint64_t lapic_read_tsc_deadline(const struct lapic *lapic, uint64_t now);
void lapic_write_tsc_deadline(struct lapic *lapic, const struct rate *rate, uint64_t value,
			      uint64_t now);
void lapic_set_tsc_offset(struct lapic *lapic, int64_t offset, uint64_t now);

/* The timer expires in here, and where the guest looks at what that changes. */
void lapic_poll(struct lapic *lapic, const struct rate *rate, uint64_t now);

static inline uint64_t lapic_deadline(const struct lapic *lapic)
{
	return lapic->lvt[LAPIC_TIMER] & LAPIC_LVT_MASKED ? RATE_NEVER : lapic->timer.deadline;
}

/* A halt can be ended by the timer. */
static inline bool lapic_can_interrupt_by_timer(const struct lapic *lapic)
{
	return lapic_deadline(lapic) != RATE_NEVER;
}

/* Of a message without a shorthand. */
bool lapic_is_destination(const struct lapic *lapic, const struct apic_message *message);
void lapic_accept(struct lapic *lapic, const struct apic_message *message);

/*
 * The pins LINT0, where a PC has the 8259's INTR, and LINT1, where it has NMI. LINT0 is told, too,
 * for a guest that makes another interrupt of it than ExtINT.
 */
void lapic_set_lint(struct lapic *lapic, unsigned int pin, bool high);

/* The 8259's INTR reaches the core. */
static inline bool lapic_takes_extint(const struct lapic *lapic)
{
	return (LAPIC_LVT_DELIVERY(lapic->lvt[LAPIC_LINT0]) == APIC_EXTINT &&
		!(lapic->lvt[LAPIC_LINT0] & LAPIC_LVT_MASKED)) ||
	       !lapic_is_on(lapic);
}

/* It reaches the core, or the local APIC makes another interrupt of it. */
static inline bool lapic_hears_lint0(const struct lapic *lapic)
{
	return !(lapic->lvt[LAPIC_LINT0] & LAPIC_LVT_MASKED) || !lapic_is_on(lapic);
}

/* The vector for the core to serve now, or -1. */
static inline int lapic_highest(const struct lapic *lapic)
{
	return lapic->irr.highest >> 4 > lapic->ppr >> 4 ? lapic->irr.highest : -1;
}

/* The same, and the core serves it from now on. */
int lapic_take(struct lapic *lapic);

/* The core has the NMI. */
static inline void lapic_take_nmi(struct lapic *lapic)
{
	lapic->signals &= lapic->signals & LAPIC_NMI_AGAIN ? ~LAPIC_NMI_AGAIN : ~LAPIC_NMI;
}

/* The core still serves one: it keeps one more, not two. To be said before it goes on. */
static inline void lapic_hold_nmi(struct lapic *lapic)
{
	lapic->signals &= ~LAPIC_NMI_AGAIN;
}

/* End of interrupt. With LAPIC_HAS_EOI the I/O APICs are to hear of that vector before the next. */
void lapic_eoi(struct lapic *lapic);
bool lapic_next_eoi(struct lapic *lapic, uint8_t *vector);

/* Task and processor priority. CR8 is bits 7:4 of the first, also where the APIC is off. */
void lapic_set_tpr(struct lapic *lapic, uint8_t tpr);

static inline uint8_t lapic_tpr(const struct lapic *lapic)
{
	return lapic->tpr;
}

static inline uint8_t lapic_ppr(const struct lapic *lapic)
{
	return lapic->ppr;
}

/* After a change of TPR, or of what is in service. */
static inline void lapic_update_ppr(struct lapic *lapic)
{
	uint8_t in_service = lapic_served(&lapic->isr) & 0xf0;

	lapic->ppr = (lapic->tpr & 0xf0) >= in_service ? lapic->tpr : in_service;
}

/*
 * The rest is for lapic_registers.c and lapic_send.c.
 */

/* An edge-triggered interrupt has arrived. */
void lapic_request_edge(struct lapic *lapic, uint8_t vector);
void lapic_error(struct lapic *lapic, uint8_t error);

/* The local vector of a pin was written. */
void lapic_look_at_lint(struct lapic *lapic, unsigned int pin);

static inline uint32_t lapic_logical_id(const struct lapic *lapic)
{
	if (lapic_is_x2apic(lapic))
		return lapic->id >> 4 << 16 | 1u << lapic->id % 16;
	return lapic->ldr >> 24;
}
