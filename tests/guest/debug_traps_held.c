/*
 * A #DB that MOV to SS or POP SS holds over the next instruction (SDM Vol. 3A 6.8.3), where that
 * one exits: it comes right behind it, before an interrupt that is pending, and ends HLT.
 */
#include "debug_traps.h"

enum way {
	PLAIN,
	STEPPED,
	INTERRUPTED, /* an interrupt is pending */
	WAYS
};

static uint16_t selector __attribute__((aligned(4))) = SEL_DATA;

static void hold_begin(enum way way)
{
	if (way == INTERRUPTED) {
		uint64_t start = rdtsc();

		set_timer(VECTOR_TIMER, 20);
		while (rdtsc() - start < 2000)
			asm volatile("pause");
	}
	write_dr0((uintptr_t)&selector);
	traps_begin(1, DR7(0, DR7_GLOBAL, DR7_READ, DR7_BYTES2));
}

static void hold_end(const char *what, enum way way)
{
	traps_end();
	expect_one_trap(what, way == STEPPED ? DR6_B(0) | DR6_BS : DR6_B(0));
	expect(seen.interrupts == (way == INTERRUPTED), "%s: %u interrupts", what, seen.interrupts);
	if (way == INTERRUPTED)
		expect(seen.before_interrupt == 1, "%s: the interrupt came first", what);
}

#define AFTER_MOV_SS(instruction) "mov %[selector], %%ss" HERE(instruction)
#define OPERAND			  [selector] "m"(selector)

/* `instruction` has the operands; its inputs begin with OPERAND. */
#define HELD(name, instruction, ...)                                                               \
	static void name(enum way way)                                                             \
	{                                                                                          \
		uintptr_t a = 0, b = 0, c = 0, d = 0;                                              \
                                                                                                   \
		(void)a, (void)b, (void)c, (void)d;                                                \
		hold_begin(way);                                                                   \
		if (way == STEPPED)                                                                \
			asm volatile(SET_TF AFTER_MOV_SS(instruction) OLD_FLAGS __VA_ARGS__);      \
		else if (way == INTERRUPTED)                                                       \
			asm volatile("sti\n\t" AFTER_MOV_SS(instruction) "cli" __VA_ARGS__);       \
		else                                                                               \
			asm volatile(AFTER_MOV_SS(instruction) __VA_ARGS__);                       \
		hold_end(instruction, way);                                                        \
	}

#define ABCD "+a"(a), "+b"(b), "+c"(c), "+d"(d)

HELD(nop, "nop", : : OPERAND : "memory")
HELD(held_cpuid, "cpuid", : ABCD:OPERAND : "memory")
HELD(held_in, "inb $0x80, %%al", : ABCD:OPERAND : "memory")
HELD(held_out, "outb %%al, $0x80", : ABCD:OPERAND : "memory")
HELD(held_wbinvd, "wbinvd", : : OPERAND : "memory")
HELD(held_clts, "clts", : : OPERAND : "memory")
HELD(held_lmsw, "lmsw %w[msw]", : : OPERAND, [msw] "r"(smsw() ^ CR0_TS) : "memory")
HELD(held_cr0, "mov %[cr0], %%cr0", : : OPERAND, [cr0] "r"(read_cr0() ^ CR0_NE) : "memory")
HELD(held_rdmsr, "rdmsr", : "+a"(a), "+d"(d) : OPERAND, "c"(MSR_EFER) : "memory")
HELD(held_fnop, "fnop", : : OPERAND : "memory")
HELD(held_sse, "movups %%xmm1, %%xmm1", : : OPERAND : "memory")
HELD(held_vmcall, "vmcall", : ABCD:OPERAND : "memory")

static void held_wrmsr(enum way way)
{
	uint64_t efer = rdmsr(MSR_EFER);

	hold_begin(way);
	if (way == STEPPED)
		asm volatile(SET_TF AFTER_MOV_SS("wrmsr") OLD_FLAGS
			     :
			     : OPERAND, "a"((uint32_t)efer), "d"(0), "c"(MSR_EFER)
			     : "memory");
	else if (way == INTERRUPTED)
		asm volatile("sti\n\t" AFTER_MOV_SS("wrmsr") "cli"
			     :
			     : OPERAND, "a"((uint32_t)efer), "d"(0), "c"(MSR_EFER)
			     : "memory");
	else
		asm volatile(AFTER_MOV_SS("wrmsr")
			     :
			     : OPERAND, "a"((uint32_t)efer), "d"(0), "c"(MSR_EFER)
			     : "memory");
	hold_end("wrmsr", way);
}

#ifdef __x86_64__
HELD(held_cr8, "mov %[cr8], %%cr8", : : OPERAND, [cr8] "r"(1ul) : "memory")
#endif

static void each_way(void (*held)(enum way way))
{
	for (enum way way = PLAIN; way < WAYS; way++)
		if (way != INTERRUPTED || have_hypercalls())
			held(way);
}

static void instructions(void)
{
	static void (*const held[])(enum way way) = {
		nop,	   held_cpuid, held_in,	   held_out,   held_wbinvd,
		held_clts, held_cr0,   held_rdmsr, held_wrmsr,
	};

	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		each_way(held[i]);
#ifdef __x86_64__
	each_way(held_cr8);
	write_cr8(0);
#endif
}

static void msw(void)
{
	each_way(held_lmsw);
	clts();
}

/* These exit with #NM where the state is not in the registers. */
static void fpu_instructions(void)
{
	if (option("exceptions-forget")) {
		skip("an exit by an exception forgets here what MOV to SS holds");
		return;
	}
	each_way(held_fnop);
	each_way(held_sse);
}

static void vmcall(void)
{
	each_way(held_vmcall);
}

/* Nothing else could end the first HLT; the interrupt that could end the second is far away. */
static void hlt(void)
{
	for (unsigned timer = 0; timer < 2; timer++) {
		hold_begin(PLAIN);
		if (timer)
			set_timer(VECTOR_TIMER, 1000000);
		asm volatile(AFTER_MOV_SS("hlt") : : OPERAND : "memory");
		hold_end("hlt", PLAIN);
		set_timer(VECTOR_TIMER, 0);
	}
	hold_begin(PLAIN);
	set_timer(VECTOR_TIMER, 1000000);
	asm volatile("sti\n\t" AFTER_MOV_SS("hlt") "cli" : : OPERAND : "memory");
	hold_end("sti; hlt", PLAIN);
	set_timer(VECTOR_TIMER, 0);
}

/* With TF: the step over POP SS waits for the next instruction, and is one with its own. */
static void pop_ss(void)
{
#ifdef __x86_64__
	skip("no POP SS in 64-bit mode");
#else
	uint32_t a = 0, b, c = 0, d;

	traps_begin(1, 0);
	asm volatile("pushf\n\tpush %%ss\n\tpushf\n\torl $0x100, (%%esp)\n\tpopf\n\tpop %%ss" HERE(
			     "cpuid") OLD_FLAGS
		     : "+a"(a), "=b"(b), "+c"(c), "=d"(d)
		     :
		     : "memory");
	traps_end();
	expect_one_trap("cpuid", DR6_BS);
#endif
}

/* As at each of these delays: some end while the CPUID is emulated. */
static void before_nmi(void)
{
	for (unsigned delay = 1; delay < 60; delay++) {
		unsigned tries = 0;
		bool right = true;

		traps_begin(1, 0);
		set_timer(VECTOR_NMI, delay);
		while (right && !seen.interrupts && ++tries < 1000) {
			uint32_t a = 0, b, c = 0, d;

			seen.count = 0;
			write_dr0((uintptr_t)&selector);
			write_dr7(DR7_INIT | DR7(0, DR7_GLOBAL, DR7_READ, DR7_BYTES2));
			asm volatile(AFTER_MOV_SS("cpuid")
				     : "+a"(a), "=b"(b), "+c"(c), "=d"(d)
				     : OPERAND
				     : "memory");
			write_dr7(DR7_INIT);
			right = seen.count == 1 && seen.at[0].ip == trap_next;
		}
		traps_end();
		if (!expect(right && seen.interrupts, "with a delay of %u us: %u #DBs", delay,
			    seen.count))
			break;
	}
	set_timer(VECTOR_NMI, 0);
}

const struct check held_checks[] = {
	{"held-instructions", instructions, 0},
	{"held-lmsw", msw, 0},
	{"held-fpu", fpu_instructions, 0},
	{"held-vmcall", vmcall, NEEDS_HYPERCALL},
	{"held-hlt", hlt, NEEDS_HYPERCALL},
	{"held-pop-ss", pop_ss, 0},
	{"held-before-nmi", before_nmi, NEEDS_HYPERCALL},
};
const size_t held_check_count = ARRAY_SIZE(held_checks);
