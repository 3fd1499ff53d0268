/*
 * Several CPUs: who is who, what each is to do, and what has arrived where.
 *
 * The first CPU runs the checks. The others wait with interrupts on for something to do.
 */
#pragma once

#include "smp_start.h"
#include "support/apic.h"
#include "support/guest.h"
#include "support/trap.h"

extern const struct check smp_start_checks[], smp_ipi_checks[], smp_order_checks[],
	smp_device_checks[], smp_fpu_checks[], smp_x2apic_checks[];
extern const size_t smp_start_check_count, smp_ipi_check_count, smp_order_check_count,
	smp_device_check_count, smp_fpu_check_count, smp_x2apic_check_count;

/* The other words of the command line. */
void smp_pass_the_baton(unsigned times);
int smp_end_otherwise(void);

extern unsigned smp_cpus; /* of the command line, as many as there are to be */

/* The number of the CPU that this runs on, which is its APIC ID. */
unsigned smp_self(void);

/* What a CPU found at its start, the last one. */
struct smp_cpu {
	volatile unsigned starts;
	volatile uint32_t edx, cr0;
	void (*volatile work)(unsigned self); /* NULL: it waits */
	volatile unsigned arrived[256];	      /* interrupts */
};

extern struct smp_cpu smp_cpu[SMP_CPUS_MAX];

/* Starts all others; false: some have not come. */
bool smp_start_all(void);

/* Has another CPU do something; and all, this one included, waiting for all of them. */
void smp_begin(unsigned cpu, void (*work)(unsigned self));
bool smp_finish(unsigned cpu);
bool smp_run(void (*work)(unsigned self));

/* A while of doing nothing: another CPU may have to have a turn first. */
void smp_relax(void);

/* Until a value is as wanted, but not endlessly. */
bool smp_await(const volatile unsigned *value, unsigned wanted);

/* A lock that all spin on. */
struct smp_lock {
	volatile unsigned next, served;
};

void smp_take(struct smp_lock *lock);
void smp_give(struct smp_lock *lock);

/* Vectors of its own */
#define VECTOR_TEST 0x41
#define VECTOR_SPUR 0xff

/* By whichever mode it is in. */
uint32_t apic_read(unsigned offset);
void apic_write(unsigned offset, uint32_t value);
void apic_send(uint32_t destination, uint32_t command);
void apic_switch_to_x2apic(unsigned self);
