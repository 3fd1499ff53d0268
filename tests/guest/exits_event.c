/* Interrupts, NMIs and HLT: windows, shadows, blocking. SDM Vol. 3, 6.7.1, 6.8.3, 26.4.2. */
#include "exits.h"

#define VECTOR_A 0x40
#define VECTOR_B 0xff
#define VECTOR_C 0x20

static volatile unsigned arrived[256];
static volatile uintptr_t arrived_at;
static volatile unsigned nmis, nmi_depth, nmi_nested;
static volatile bool nmi_arms_another;

static bool interrupt(struct frame *frame)
{
	arrived[frame->vector & 0xff]++;
	arrived_at = frame->ip;
	return true;
}

/* Never endless. */
static void spin_until(volatile unsigned *count, unsigned wanted)
{
	uint64_t start = rdtsc();

	while (*count < wanted && rdtsc() - start < 400000000ull)
		asm volatile("pause");
}

static void spin(void)
{
	struct hypercall_stats before, now;
	uint64_t start = rdtsc();

	get_stats(&before, 0);
	/* long enough for any of our timers: some hundred exits, and some time */
	for (unsigned i = 0; i < 300; i++)
		get_stats(&now, 0);
	while (rdtsc() - start < 100000)
		asm volatile("pause");
}

#define LATE 100000000u /* ticks: more than any load on the CPU explains */

static void catch_interrupts(void)
{
	for (unsigned v = 32; v < 256; v++)
		if (v != USER_EXIT_VECTOR)
			trap_handle(v, interrupt);
	for (unsigned v = 0; v < 256; v++)
		arrived[v] = 0;
}

static void hlt_wakes(void)
{
	catch_interrupts();
	for (unsigned i = 1; i <= 5; i++) {
		set_timer(VECTOR_A, 200);
		asm volatile("sti; hlt; cli" : : : "memory");
		if (!expect(arrived[VECTOR_A] == i, "HLT returned, %u interrupts instead of %u",
			    arrived[VECTOR_A], i))
			return;
	}
}

static void right_vector(void)
{
	static const unsigned vectors[] = {VECTOR_A, VECTOR_B, VECTOR_C, 0x81};

	catch_interrupts();
	for (unsigned i = 0; i < ARRAY_SIZE(vectors); i++) {
		set_timer(vectors[i], 50);
		sti();
		spin_until(&arrived[vectors[i]], 1);
		cli();
		for (unsigned v = 32; v < 256; v++)
			expect(arrived[v] == (v == vectors[i]), "vector %u came %u times", v,
			       arrived[v]);
		arrived[vectors[i]] = 0;
	}
}

/*
 * Delays about a short time slice, in steps of a microsecond: some fall due just as this vCPU is
 * chosen to run again. A delivery that is late by far is one that was missed at that edge.
 */
static void at_any_delay(void)
{
	catch_interrupts();
	for (unsigned delay = 1; delay <= 250; delay++) {
		uint64_t start = rdtsc();

		arrived[VECTOR_A] = 0;
		set_timer(VECTOR_A, delay);
		sti();
		while (!arrived[VECTOR_A] && rdtsc() - start < LATE)
			;
		cli();
		if (!expect(arrived[VECTOR_A], "a delay of %u us: not in %u ticks", delay, LATE))
			return;
	}
}

static void if_keeps_it_pending(void)
{
	catch_interrupts();
	set_timer(VECTOR_A, 20);
	spin();
	expect(!arrived[VECTOR_A], "it came with IF=0");
	sti();
	asm volatile("nop; nop");
	cli();
	expect(arrived[VECTOR_A] == 1, "it came %u times after STI", arrived[VECTOR_A]);
}

static void cancelled_never_comes(void)
{
	catch_interrupts();
	set_timer(VECTOR_A, 20000); /* and a turn of another guest may come between */
	set_timer(VECTOR_A, 0);
	sti();
	for (unsigned i = 0; i < 10; i++)
		spin();
	cli();
	expect(!arrived[VECTOR_A], "a cancelled timer came");
}

/* A pending interrupt is taken after the instruction that follows STI, not before. */
static void sti_shadow(void)
{
	uintptr_t wanted, eax = 0;

	catch_interrupts();
	set_timer(VECTOR_A, 20);
	spin();
	asm volatile("mov $1f, %k0\n\t"
		     "sti\n\t"
		     "xorl %k1, %k1\n"
		     "1:\tnop\n\t"
		     "nop\n\t"
		     "cli"
		     : "=&r"(wanted), "+r"(eax)
		     :
		     : "memory");
	expect(arrived[VECTOR_A] == 1, "it came %u times", arrived[VECTOR_A]);
	expect(arrived_at == wanted, "it came at 0x%lx instead of 0x%lx", (unsigned long)arrived_at,
	       (unsigned long)wanted);

	/* and with an exit in the shadow: CPUID after STI */
	arrived[VECTOR_A] = 0;
	set_timer(VECTOR_A, 20);
	spin();
	asm volatile("mov $1f, %k0\n\t"
		     "xorl %%eax, %%eax\n\t"
		     "sti\n\t"
		     "cpuid\n"
		     "1:\tnop\n\t"
		     "nop\n\t"
		     "cli"
		     : "=&S"(wanted)
		     :
		     : "eax", "ebx", "ecx", "edx", "memory");
	expect(arrived[VECTOR_A] == 1, "CPUID in the shadow: it came %u times", arrived[VECTOR_A]);
	expect(arrived_at == wanted, "CPUID in the shadow: at 0x%lx instead of 0x%lx",
	       (unsigned long)arrived_at, (unsigned long)wanted);

	/* STI; CLI lets nothing through */
	arrived[VECTOR_A] = 0;
	set_timer(VECTOR_A, 20);
	spin();
	asm volatile("sti; cli" : : : "memory");
	expect(!arrived[VECTOR_A], "it came between STI and CLI");
	asm volatile("sti; nop; cli" : : : "memory");
	expect(arrived[VECTOR_A] == 1, "it was lost after STI; CLI");
}

/* MOV to SS holds off an interrupt for one instruction, also if that one exits. */
static void mov_ss_shadow(void)
{
	uintptr_t wanted;

	catch_interrupts();
	set_timer(VECTOR_A, 20);
	spin();
	asm volatile("mov $1f, %k0\n\t"
		     "mov %%ss, %%ecx\n\t"
		     "xorl %%eax, %%eax\n\t"
		     "sti\n\t"
		     "mov %%ecx, %%ss\n\t" /* in STI's shadow */
		     "cpuid\n"		   /* in MOV SS's */
		     "1:\tnop\n\t"
		     "cli"
		     : "=&S"(wanted)
		     :
		     : "eax", "ebx", "ecx", "edx", "memory");
	expect(arrived[VECTOR_A] == 1, "it came %u times", arrived[VECTOR_A]);
	/* SDM: whether the two shadows add up is the model's choice */
	expect(arrived_at <= wanted, "it came at 0x%lx, expected 0x%lx", (unsigned long)arrived_at,
	       (unsigned long)wanted);
}

static bool nmi_handler(struct frame *frame)
{
	(void)frame;
	nmis++;
	if (nmi_depth++)
		nmi_nested++;
	if (nmi_arms_another) {
		nmi_arms_another = false;
		set_timer(VECTOR_NMI, 20);
		spin();
		cpuid(0, 0);
	}
	nmi_depth--;
	return true;
}

static void nmi_arrives(void)
{
	trap_handle(VECTOR_NMI, nmi_handler);
	nmis = nmi_nested = 0;
	set_timer(VECTOR_NMI, 20); /* IF=0: an NMI does not care */
	spin_until(&nmis, 1);
	expect(nmis == 1, "%u NMIs instead of 1", nmis);
	/* and it ends a HLT with IF=0 */
	set_timer(VECTOR_NMI, 500);
	if (nmis == 1)
		asm volatile("hlt" : : : "memory");
	expect(nmis == 2, "%u NMIs instead of 2 after HLT", nmis);
	trap_handle(VECTOR_NMI, NULL);
}

static void nmi_blocked_until_iret(void)
{
	trap_handle(VECTOR_NMI, nmi_handler);
	nmis = nmi_nested = 0;
	nmi_arms_another = true;
	set_timer(VECTOR_NMI, 20);
	spin_until(&nmis, 2);
	expect(nmis == 2, "%u NMIs instead of 2", nmis);
	expect(!nmi_nested, "an NMI came inside the NMI handler");
	trap_handle(VECTOR_NMI, NULL);
}

static void software_interrupts(void)
{
	catch_interrupts();
	asm volatile("int $0x40" : : : "memory");
	expect(arrived[0x40] == 1, "INT 40h came %u times", arrived[0x40]);
	TRY("int3", : : : "memory");
	expect(trap.vector == VECTOR_BP && trap.ip == trap.at + 1, "INT3: vector %d, %d bytes on",
	       trap.vector, (int)(trap.ip - trap.at));
	TRY(".byte 0xcd, 3", : : : "memory");
	expect(trap.vector == VECTOR_BP && trap.ip == trap.at + 2, "INT 3: vector %d, %d bytes on",
	       trap.vector, (int)(trap.ip - trap.at));
	TRY("ud2", : : : "memory");
	expect_fault("UD2", VECTOR_UD);
	TRY("divl %0", : : "r"(0), "a"(1), "d"(0) : "memory");
	expect_fault("division by zero", VECTOR_DE);
}

/* An interrupt gate that is not there: #NP with the vector in its error code, EXT clear. */
static void missing_gate(void)
{
	struct gate before = idt[0x90];

	idt[0x90].type &= 0x7f;
	TRY("int $0x90", : : : "memory");
	idt[0x90] = before;
	expect(trap.vector == VECTOR_NP, "INT through an absent gate: vector %d", trap.vector);
	expect(trap.error == (0x90 << 3 | 2), "INT through an absent gate: error code 0x%lx",
	       (unsigned long)trap.error);

	/* from outside EXT is set; the interrupt is not lost but turned into #NP */
	trap_begin();
	trap_handle(0x90, NULL);
	idt[0x90].type &= 0x7f;
	set_timer(0x90, 20);
	spin();
	TRY("sti; nop; nop; cli", : : : "memory");
	cli();
	idt[0x90] = before;
	expect(trap.vector == VECTOR_NP, "timer through an absent gate: vector %d", trap.vector);
	expect(trap.error == (0x90 << 3 | 3), "timer through an absent gate: error code 0x%lx",
	       (unsigned long)trap.error);
}

const struct check event_checks[] = {
	{"event-hlt-wakes", hlt_wakes, NEEDS_HYPERCALL},
	{"event-right-vector", right_vector, NEEDS_HYPERCALL},
	{"event-at-any-delay", at_any_delay, NEEDS_HYPERCALL},
	{"event-if-keeps-it-pending", if_keeps_it_pending, NEEDS_HYPERCALL},
	{"event-cancelled-never-comes", cancelled_never_comes, NEEDS_HYPERCALL},
	{"event-sti-shadow", sti_shadow, NEEDS_HYPERCALL},
	{"event-mov-ss-shadow", mov_ss_shadow, NEEDS_HYPERCALL},
	{"event-nmi-arrives", nmi_arrives, NEEDS_HYPERCALL},
	{"event-nmi-blocked-until-iret", nmi_blocked_until_iret, NEEDS_HYPERCALL},
	{"event-software-interrupts", software_interrupts, 0},
	{"event-missing-gate", missing_gate, NEEDS_HYPERCALL},
};
const size_t event_check_count = ARRAY_SIZE(event_checks);
