/*
 * How it can end, or go on, by the hand of a CPU while the others are at work:
 *
 *   baton=N    a baton goes round among all, N times
 *   halt-all   all halt for good, the first one last
 *   halt-ipi   the same, but it sends the others an interrupt before, which they do not take
 *   halt-init  the same, with INIT
 *   triple     the last CPU makes a triple fault
 *   exit       the last CPU ends the VM with status 0
 *   reset      the last CPU resets the machine, once; then all end
 *   work       all work, and none ends it
 */
#include "smp.h"

#define STARTED	      0x1f0000u /* outside of the image: a reset leaves it */
#define RESET_CONTROL 0xcf9
#define RESET	      0x06
#define LOOKS	      200

static volatile unsigned passes;

static void work(unsigned self)
{
	for (;;) {
		passes++;
		if (self % 2)
			inb(COM1 + 7);
		else
			cpuid(0, 0);
	}
}

static void halt_for_good(unsigned self)
{
	(void)self;
	for (;;)
		asm volatile("cli; hlt");
}

/* The others are to have halted by then. */
static void halt_all(uint32_t sent)
{
	for (unsigned cpu = 1; cpu < smp_cpus; cpu++)
		smp_begin(cpu, halt_for_good);
	if (sent) {
		for (unsigned i = 0; i < LOOKS; i++)
			smp_relax();
		apic_send(0, ICR_ALL_BUT_SELF | sent);
	}
	halt_for_good(0);
}

static void triple_fault(unsigned self)
{
	struct descriptor_pointer none = {0, 0};

	(void)self;
	asm volatile("lidt %0; ud2" : : "m"(none));
}

static void leave(unsigned self)
{
	(void)self;
	outb(EXIT_PORT, 0);
}

static void reset(unsigned self)
{
	(void)self;
	outb(RESET_CONTROL, RESET);
}

/* The last CPU does it, when the others are at work. */
static void beside_work(void (*last)(unsigned self))
{
	for (unsigned cpu = 1; cpu < smp_cpus; cpu++)
		smp_begin(cpu, cpu == smp_cpus - 1 ? last : work);
	work(0);
}

static unsigned starts(void)
{
	uintptr_t address = STARTED;

	asm volatile("" : "+r"(address));
	return ++*(volatile unsigned *)address;
}

/* The status to end with, or -1: nothing of this was asked for. */
int smp_end_otherwise(void)
{
	if (option_number("baton", 0)) {
		smp_pass_the_baton((unsigned)option_number("baton", 0));
		return 0;
	}
	if (option("halt-all"))
		halt_all(0);
	if (option("halt-ipi"))
		halt_all(VECTOR_TEST);
	if (option("halt-init"))
		halt_all(ICR_INIT);
	if (option("triple"))
		beside_work(triple_fault);
	if (option("exit"))
		beside_work(leave);
	if (option("work"))
		beside_work(work);
	if (option("reset"))
		beside_work(starts() == 1 ? reset : leave);
	return -1;
}
