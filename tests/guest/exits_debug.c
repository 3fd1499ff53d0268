/*
 * #DB and #AC, which the hypervisor intercepts and gives back: SDM Vol. 3, chapter 18. An
 * instruction that exits is emulated, and must trap all the same when it is single-stepped.
 */
#include "exits.h"

#define DR6_B0	 BIT(0)
#define DR6_B1	 BIT(1)
#define DR6_BD	 BIT(13)
#define DR6_BS	 BIT(14)
#define DR6_INIT 0xffff0ff0ul

static struct {
	unsigned count;
	uintptr_t ip[12];
	uintptr_t dr6[12];
	uintptr_t flags[12];
} seen;

static unsigned steps_wanted;
static bool resume_over;

static bool debug_trap(struct frame *frame)
{
	if (seen.count < ARRAY_SIZE(seen.ip)) {
		seen.ip[seen.count] = frame->ip;
		seen.dr6[seen.count] = read_dr6();
		seen.flags[seen.count] = frame->flags;
	}
	seen.count++;
	write_dr6(DR6_INIT);
	if (seen.count >= steps_wanted)
		frame->flags &= ~(uintptr_t)FLAG_TF;
	if (resume_over)
		frame->flags |= FLAG_RF;
	return true;
}

static void begin(unsigned steps)
{
	memset(&seen, 0, sizeof(seen));
	steps_wanted = steps;
	resume_over = false;
	write_dr6(DR6_INIT);
	trap_handle(VECTOR_DB, debug_trap);
}

static void end(void)
{
	trap_handle(VECTOR_DB, NULL);
	write_dr7(0x400);
}

/* Steps over the instruction: one #DB, behind it, with DR6.BS. */
#define STEP(instruction, ...)                                                                     \
	do {                                                                                       \
		begin(1);                                                                          \
		asm volatile("pushf\n\tpushf\n\torl $0x100, (%%" STACK ")\n\tpopf\n\t" instruction \
			     "\n991:\tnop\n\tmovl $991b, step_wanted\n\tpopf" __VA_ARGS__);        \
		end();                                                                             \
		check_step(instruction);                                                           \
	} while (0)

#ifdef __x86_64__
#define STACK "rsp"
#else
#define STACK "esp"
#endif

uint32_t step_wanted;

static void check_step(const char *what)
{
	expect(seen.count == 1, "%s: %u traps instead of 1", what, seen.count);
	expect(seen.ip[0] == step_wanted, "%s: trap at 0x%lx instead of 0x%lx", what,
	       (unsigned long)seen.ip[0], (unsigned long)step_wanted);
	expect((seen.dr6[0] & 0xe00f) == DR6_BS, "%s: DR6 is 0x%lx", what,
	       (unsigned long)seen.dr6[0]);
}

static void step_plain(void)
{
	STEP("nop", : : : "memory");
	STEP("movl $1, %%eax", : : : "eax", "memory");
}

static void step_over_exits(void)
{
	uint32_t a, b, c, d;

	a = c = 0;
	STEP("cpuid", : "+a"(a), "=b"(b), "+c"(c), "=d"(d) : : "memory");
	STEP("inb $0x80, %%al", : "=a"(a) : : "memory");
	STEP("outb %%al, $0x80", : : "a"(0) : "memory");
	STEP("rdmsr", : "=a"(a), "=d"(d) : "c"(MSR_PAT) : "memory");
	STEP("wrmsr", : : "a"(a), "d"(d), "c"(MSR_PAT) : "memory");
	STEP("wbinvd", : : : "memory");
	STEP("clts", : : : "memory");
	STEP("mov %0, %%cr0", : : "r"(read_cr0()) : "memory");
	STEP("mov %0, %%cr0", : : "r"(read_cr0() ^ CR0_NE) : "memory");
	STEP("mov %0, %%cr4", : : "r"(read_cr4()) : "memory");
	STEP("rdtsc", : "=a"(a), "=d"(d) : : "memory");
	if (fpu_components & FPU_XSAVE) {
		uint64_t all = xgetbv(0);

		STEP("xsetbv", : : "a"((uint32_t)all), "d"(0), "c"(0) : "memory");
	}
}

static void step_over_hypercall(void)
{
	uintptr_t a = HYPERCALL_GET_VERSION;

	STEP("vmcall", : "+a"(a) : "b"(0), "c"(0), "d"(0) : "memory");
	expect(a == HYPERCALL_VERSION, "the hypercall gave %ld", (long)a);
	a = HYPERCALL_YIELD;
	STEP("vmcall", : "+a"(a) : "b"(0), "c"(0), "d"(0) : "memory");
}

#define VECTOR_TIMER 0x40

static volatile unsigned interrupts;

static bool interrupt(struct frame *frame)
{
	(void)frame;
	interrupts++;
	return true;
}

/*
 * Some of the delays end while the CPUID is emulated. The trap after it has priority over the
 * interrupt (SDM Vol. 3A table 6-2): it is neither lost nor taken where the interrupt returns to.
 */
static void step_before_interrupt(void)
{
	uint32_t a = 0, b, c = 0, d;
	bool right = true;

	trap_handle(VECTOR_TIMER, interrupt);
	for (unsigned delay = 1; right && delay < 100; delay++) {
		interrupts = 0;
		set_timer(VECTOR_TIMER, delay);
		sti();
		while (right && !interrupts) {
			STEP("cpuid", : "+a"(a), "=b"(b), "+c"(c), "=d"(d) : : "memory");
			right = expect(seen.count == 1 && seen.ip[0] == step_wanted,
				       "with a delay of %u us", delay);
		}
		cli();
	}
	set_timer(VECTOR_TIMER, 0);
	trap_handle(VECTOR_TIMER, NULL);
}

/* The trap ends the HLT, at once: with a timer that would, and with nothing else that could. */
static void step_over_hlt(void)
{
	trap_handle(VECTOR_TIMER, interrupt);
	interrupts = 0;
	set_timer(VECTOR_TIMER, 1000000);
	sti();
	STEP("hlt", : : : "memory");
	cli();
	set_timer(VECTOR_TIMER, 0);
	trap_handle(VECTOR_TIMER, NULL);
	if (!expect(!interrupts, "it slept until the interrupt"))
		return;
	STEP("hlt", : : : "memory");
}

/* A fault instead of the trap: the instruction did not complete, so there is no #DB for it. */
static void step_into_fault(void)
{
	begin(1);
	TRY("pushf; orl $0x100, (%%" STACK "); popf; .byte 0x0f, 0x0b", : : : "memory");
	end();
	expect(trap.vector == VECTOR_UD, "vector %d", trap.vector);
	expect(!seen.count, "%u #DBs, the first at 0x%lx", seen.count, (unsigned long)seen.ip[0]);
}

/* A CPUID at a known address. */
extern char breakpoint_here[];
void cpuid_at_breakpoint(void);
asm(".pushsection .text\n"
    "cpuid_at_breakpoint:\n\t"
    "xorl %eax, %eax\n\t"
    "xorl %ecx, %ecx\n"
    "breakpoint_here:\n\t"
    "cpuid\n\t"
    "ret\n\t"
    ".popsection");

/* An execution breakpoint on an instruction that exits: a fault before it, then it runs. */
static void breakpoint_on_exit(void)
{
	begin(1);
	resume_over = true;
	write_dr0((uintptr_t)breakpoint_here);
	write_dr7(0x402);
	asm volatile("call cpuid_at_breakpoint" : : : "eax", "ebx", "ecx", "edx", "memory");
	end();
	expect(seen.count == 1, "%u #DBs instead of 1", seen.count);
	expect(seen.ip[0] == (uintptr_t)breakpoint_here, "#DB at 0x%lx instead of 0x%lx",
	       (unsigned long)seen.ip[0], (unsigned long)(uintptr_t)breakpoint_here);
	expect((seen.dr6[0] & 0xe00f) == DR6_B0, "DR6 is 0x%lx", (unsigned long)seen.dr6[0]);
}

#define ELEMENTS 10

/* A REP OUTSB at a known address, which the second way leads to with TF set. */
extern char rep_outs_here[], rep_outs_end[];
asm(".pushsection .text\n"
    "rep_outs_stepped:\n\t"
    "pushf\n\t"
    "orl $0x100, (%" STACK ")\n\t"
    "popf\n"
    "rep_outs:\n"
    "rep_outs_here:\n\t"
    "rep outsb\n"
    "rep_outs_end:\n\t"
    "nop\n\t"
    "ret\n\t"
    ".popsection");

static void expect_all_sent(uintptr_t count, const uint8_t *from, const uint8_t *bytes)
{
	expect(!count && from == bytes + ELEMENTS, "%u elements left, source at %d",
	       (unsigned)count, (int)(from - bytes));
}

/* RF holds until the whole of the instruction is done, not one element. */
static void rep_under_breakpoint(void)
{
	static const uint8_t bytes[ELEMENTS];
	const uint8_t *from = bytes;
	uintptr_t count = ELEMENTS;

	begin(1);
	resume_over = true;
	write_dr0((uintptr_t)rep_outs_here);
	write_dr7(0x402);
	asm volatile("cld; call rep_outs" : "+S"(from), "+c"(count) : "d"(0x80) : "memory");
	end();
	expect(seen.count == 1, "%u #DBs instead of 1", seen.count);
	expect(seen.ip[0] == (uintptr_t)rep_outs_here, "#DB at 0x%lx instead of 0x%lx",
	       (unsigned long)seen.ip[0], (unsigned long)(uintptr_t)rep_outs_here);
	expect_all_sent(count, from, bytes);
}

/* A trap an element, at the instruction but for the last one: SDM Vol. 3B 17.3.1.1 and 17.3.1.4. */
static void rep_steps(void)
{
	static const uint8_t bytes[ELEMENTS];
	const uint8_t *from = bytes;
	uintptr_t count = ELEMENTS;

	begin(ELEMENTS);
	asm volatile("cld\n\t"
		     "call rep_outs_stepped"
		     : "+S"(from), "+c"(count)
		     : "d"(0x80)
		     : "memory");
	end();
	expect(seen.count == ELEMENTS, "%u traps instead of %u", seen.count, ELEMENTS);
	for (unsigned i = 0; i < ELEMENTS; i++) {
		bool last = i == ELEMENTS - 1;
		uintptr_t wanted = (uintptr_t)(last ? rep_outs_end : rep_outs_here);

		expect(seen.ip[i] == wanted && (seen.dr6[i] & 0xe00f) == DR6_BS,
		       "trap %u at 0x%lx instead of 0x%lx, DR6 0x%lx", i, (unsigned long)seen.ip[i],
		       (unsigned long)wanted, (unsigned long)seen.dr6[i]);
		/* one emulator pushes RF=0 */
		if (have_hypercalls())
			expect(!!(seen.flags[i] & FLAG_RF) == !last, "trap %u pushes EFLAGS 0x%lx",
			       i, (unsigned long)seen.flags[i]);
	}
	expect_all_sent(count, from, bytes);
}

#define DEBUGCTL_BTF 2

/* Stepping from branch to branch ends with each #DB: SDM Vol. 3B 17.4.3. */
static void clears_btf(void)
{
	uint64_t value = 0;

	if (try_wrmsr(MSR_DEBUGCTL, DEBUGCTL_BTF) != NO_TRAP ||
	    try_rdmsr(MSR_DEBUGCTL, &value) != NO_TRAP || value != DEBUGCTL_BTF) {
		skip("no DEBUGCTL.BTF here");
		return;
	}
	STEP("jmp 990f; 990:", : : : "memory");
	value = rdmsr(MSR_DEBUGCTL);
	expect(!value, "DEBUGCTL is 0x%llx after a #DB", (unsigned long long)value);
	wrmsr(MSR_DEBUGCTL, 0);
}

/* As with every fault but a breakpoint's own: SDM Vol. 3B 17.3.1.1. */
static void faults_push_rf(void)
{
	uint64_t value;

	try_rdmsr(0x40000fff, &value);
	expect_fault("RDMSR of an unknown one", VECTOR_GP);
	expect(trap.flags & FLAG_RF, "RDMSR: EFLAGS 0x%lx", (unsigned long)trap.flags);
	TRY("mov %0, %%cr4", : : "r"(read_cr4() | 1ul << 15) : "memory");
	expect_fault("a reserved bit of CR4", VECTOR_GP);
	expect(trap.flags & FLAG_RF, "MOV to CR4: EFLAGS 0x%lx", (unsigned long)trap.flags);
	TRY("vmxoff", : : : "memory");
	expect_fault("VMXOFF", VECTOR_UD);
	expect(trap.flags & FLAG_RF, "VMXOFF: EFLAGS 0x%lx", (unsigned long)trap.flags);
	TRY("ud2", : : : "memory");
	expect(trap.flags & FLAG_RF, "UD2: EFLAGS 0x%lx", (unsigned long)trap.flags);
}

#ifdef __x86_64__
#define READ_MISALIGNED "movl 1(%rsp), %eax"
#else
#define READ_MISALIGNED "movl 1(%esp), %eax"
#endif

USER_CODE(user_misaligned, READ_MISALIGNED)
USER_CODE(user_cpuid_misaligned, "xorl %eax, %eax; cpuid; " READ_MISALIGNED)

static void alignment(void)
{
	uintptr_t cr0 = read_cr0();

	write_cr0(cr0 | CR0_AM);
	user_call(user_misaligned, FLAG_AC);
	expect(trap.vector == VECTOR_AC, "a misaligned read at CPL 3 raises %d", trap.vector);
	expect(trap.ip == (uintptr_t)user_misaligned && !trap.error, "#AC at 0x%lx, error 0x%lx",
	       (unsigned long)trap.ip, (unsigned long)trap.error);
	user_call(user_cpuid_misaligned, FLAG_AC);
	expect(trap.vector == VECTOR_AC, "after CPUID: vector %d", trap.vector);
	user_call(user_misaligned, 0);
	expect(trap.vector == USER_EXIT_VECTOR, "with EFLAGS.AC=0 it raises %d", trap.vector);
	write_cr0(cr0 & ~CR0_AM);
	user_call(user_misaligned, FLAG_AC);
	expect(trap.vector == USER_EXIT_VECTOR, "with CR0.AM=0 it raises %d", trap.vector);
	write_cr0(cr0);
}

static void data_breakpoint(void)
{
	static volatile uint32_t watched;
	uint32_t after;

	begin(1);
	write_dr6(DR6_INIT | DR6_B1); /* of an exception before */
	write_dr0((uintptr_t)&watched);
	write_dr7(0x400 | 2 | 0xd << 16); /* G0, four bytes, writes */
	asm volatile("movl $1, %1\n"
		     "1:\tnop\n\t"
		     "movl $1b, %0"
		     : "=r"(after), "=m"(watched)
		     :
		     : "memory");
	end();
	expect(seen.count == 1, "%u traps instead of 1", seen.count);
	expect(seen.ip[0] == after, "trap at 0x%lx instead of 0x%lx", (unsigned long)seen.ip[0],
	       (unsigned long)after);
	expect((seen.dr6[0] & 0xe00f) == DR6_B0, "DR6 is 0x%lx", (unsigned long)seen.dr6[0]);
}

static void icebp(void)
{
	write_dr6(DR6_INIT);
	TRY(".byte 0xf1", : : : "memory");
	expect(trap.vector == VECTOR_DB && trap.ip == trap.at + 1, "vector %d, %d bytes on",
	       trap.vector, (int)(trap.ip - trap.at));
	expect(!(read_dr6() & 0xe00f), "DR6 is 0x%lx", (unsigned long)read_dr6());
}

static void registers_hold(void)
{
	write_dr0(0x111000);
	write_dr1(0x222000);
	write_dr2(0x333000);
	write_dr3(0x444000);
	cpuid(0, 0);
	expect(read_dr0() == 0x111000 && read_dr1() == 0x222000 && read_dr2() == 0x333000 &&
		       read_dr3() == 0x444000,
	       "DR0-3 are 0x%lx 0x%lx 0x%lx 0x%lx", (unsigned long)read_dr0(),
	       (unsigned long)read_dr1(), (unsigned long)read_dr2(), (unsigned long)read_dr3());
	write_dr6(DR6_INIT | 0x400f);
	expect((read_dr6() & 0xffff) == 0x4fff, "DR6 is 0x%lx", (unsigned long)read_dr6());
	write_dr6(DR6_INIT);
	expect((read_dr7() & 0xffff) == 0x400, "DR7 is 0x%lx", (unsigned long)read_dr7());
#ifdef __x86_64__
	TRY("mov %0, %%dr7", : : "r"(0x400ull | 1ull << 32) : "memory");
	expect_fault("an upper bit of DR7", VECTOR_GP);
	TRY("mov %0, %%dr6", : : "r"(1ull << 40) : "memory");
	expect_fault("an upper bit of DR6", VECTOR_GP);
#endif
}

static void general_detect(void)
{
	uintptr_t value = 0;

	write_dr6(DR6_INIT);
	write_dr7(0x2400); /* GD: the next access to a debug register raises #DB, which clears it */
	TRY("mov %%dr0, %0", : "+r"(value) : : "memory");
	expect(trap.vector == VECTOR_DB && trap.ip == trap.at, "vector %d at 0x%lx", trap.vector,
	       (unsigned long)trap.ip);
	expect(read_dr6() & DR6_BD, "DR6 is 0x%lx", (unsigned long)read_dr6());
	write_dr6(DR6_INIT);
	write_dr7(0x400);
}

static void aliases_need_no_de(void)
{
	uintptr_t cr4 = read_cr4(), value = 0;

	write_cr4(cr4 | CR4_DE);
	TRY("mov %%db4, %0", : "+r"(value) : : "memory");
	expect_fault("DR4 with CR4.DE", VECTOR_UD);
	write_cr4(cr4 & ~CR4_DE);
	TRY("mov %%db4, %0", : "+r"(value) : : "memory");
	expect_fault("DR4 without CR4.DE", NO_TRAP);
	write_cr4(cr4);
}

const struct check debug_checks[] = {
	{"debug-step-plain", step_plain, 0},
	{"debug-step-over-exits", step_over_exits, 0},
	{"debug-step-over-hypercall", step_over_hypercall, NEEDS_HYPERCALL},
	{"debug-step-before-interrupt", step_before_interrupt, NEEDS_HYPERCALL},
	{"debug-step-over-hlt", step_over_hlt, NEEDS_HYPERCALL},
	{"debug-step-into-fault", step_into_fault, 0},
	{"debug-breakpoint-on-exit", breakpoint_on_exit, 0},
	{"debug-rep-under-breakpoint", rep_under_breakpoint, 0},
	{"debug-rep-steps-each-element", rep_steps, 0},
	{"debug-clears-btf", clears_btf, 0},
	{"debug-faults-push-rf", faults_push_rf, 0},
	{"debug-data-breakpoint", data_breakpoint, 0},
	{"debug-icebp", icebp, 0},
	{"debug-registers-hold", registers_hold, 0},
	{"debug-general-detect", general_detect, 0},
	{"debug-aliases-need-no-de", aliases_need_no_de, 0},
	{"debug-alignment", alignment, 0},
};
const size_t debug_check_count = ARRAY_SIZE(debug_checks);
