/*
 * What a debugger has something to do with: functions that it stops in, variables that it watches,
 * patterns in all FPU registers that it reads and changes, instructions that it steps through, and
 * the guest's own breakpoint, debug registers and timer, which it must not take away. rounds=N (3)
 * is how often the patterns are in the registers in stop_here(). Words:
 *   changed  a debugger changes registers there: what is in them afterwards is printed, not judged
 *   spin     it spins until `released` is not 0
 *   reset    it resets itself once
 *   die      it dies by a triple fault
 *   aged     the page that stop_here() is in looks as if nobody had used it when that is called
 *   status=N ends with that status
 */
#include "support/fpu.h"
#include "support/guest.h"
#include "support/trap.h"

const char guest_name[] = "debuggee";

#define LIFE	     ((volatile uint32_t *)0x90000) /* no image lies there */
#define LIFE_MAGIC   0x51feu
#define TIMER_VECTOR 0x40

#define ACCESSED 0x20u
#define LARGE	 0x80u

struct fpu_registers pattern, held;
volatile uint32_t watched, released, ticks, own_breakpoints, own_steps;

__attribute__((noinline)) void stop_here(unsigned round)
{
	asm volatile("" : : "r"(round) : "memory");
}

__attribute__((noinline)) uintptr_t add(uintptr_t a, uintptr_t b)
{
	asm volatile("" : "+r"(a));
	return a + b;
}

__attribute__((noinline)) void write_watched(uint32_t value)
{
	watched = value;
	asm volatile("nop");
}

/* One instruction after another that the hypervisor completes, with interrupts that wait. */
void step_here(void);
asm(".pushsection .text\n"
    "	.globl step_here\n"
    "	.type step_here, @function\n"
    "step_here:\n"
    "	nop\n"
    "	xor %eax, %eax\n"
    "	xor %ecx, %ecx\n"
    "	cpuid\n"
    "	mov $0x1234, %eax\n"
    "	in $0x80, %al\n"
    "	mov $0x80, %eax\n"
    "	ret\n"
    "	.popsection");

/* It steps itself: a #DB after each instruction from the first nop to the last popf. */
#define OWN_STEPS 5
void step_itself_here(void);
asm(".pushsection .text\n"
    "	.globl step_itself_here\n"
    "	.type step_itself_here, @function\n"
    "step_itself_here:\n"
    "	sti\n"
    "	pushf\n"
#ifdef __x86_64__
    "	orl $0x100, (%rsp)\n"
#else
    "	orl $0x100, (%esp)\n"
#endif
    "	popf\n"
    "	nop\n"
    "	nop\n"
    "	pushf\n"
#ifdef __x86_64__
    "	andl $~0x100, (%rsp)\n"
#else
    "	andl $~0x100, (%esp)\n"
#endif
    "	popf\n"
    "	cli\n"
    "	ret\n"
    "	.popsection");

static bool own_step(struct frame *frame)
{
	(void)frame;
	own_steps++;
	return true;
}

static bool tick(struct frame *frame)
{
	(void)frame;
	ticks++;
	return true;
}

static bool own_breakpoint(struct frame *frame)
{
	(void)frame;
	own_breakpoints++;
	return true;
}

/* As an operating system does that looks for pages to spare: the CPU is not told. */
static void age(const void *page)
{
#ifdef __x86_64__
	uintptr_t address = (uintptr_t)page;
	uint64_t *table, *entry;

	asm volatile("mov %%cr3, %0" : "=r"(table));
	for (unsigned level = 3;; level--) {
		entry = &table[address >> (12 + 9 * level) & 511];
		if (!level || (*entry & LARGE))
			break;
		table = (uint64_t *)(*entry & 0xffffffffff000);
	}
	*entry &= ~(uint64_t)ACCESSED;
#else
	(void)page;
#endif
}

static void keep_patterns(void)
{
	uint64_t rounds = option_number("rounds", 3);
	char why[128];

	for (uint64_t round = 0; round < rounds; round++) {
		fpu_pattern(&pattern, option_number("seed", 1), round, FPU_FULL);
		fpu_load(&pattern);
		if (option("aged"))
			age((const void *)(uintptr_t)stop_here);
		stop_here((unsigned)round);
		fpu_store(&held);
		if (fpu_equal(&pattern, &held, why, sizeof(why)))
			continue;
		if (option("changed"))
			print("changed: %s, mxcsr 0x%x, xmm3 %02x%02x, tag 0x%x\n", why,
			      held.fx.mxcsr, held.vector[3][0], held.vector[3][15], held.fx.ftw);
		else
			report_fail("fpu", "round %llu: %s", (unsigned long long)round, why);
	}
	if (!option("changed"))
		report_pass("fpu");
}

static void step_with_a_timer(void)
{
	bool comes = have_hypercalls();

	if (comes)
		set_timer(TIMER_VECTOR, 100);
	asm volatile("sti");
	step_here();
	while (comes && !ticks)
		asm volatile("pause");
	asm volatile("cli");
}

/* A debugger uses the debug registers itself while it runs this. */
static void own_debug_registers(void)
{
	uintptr_t dr0 = 0x1234, dr7 = 0x402, read0, read7;

	asm volatile("mov %0, %%dr0\n\tmov %1, %%dr7" : : "r"(dr0), "r"(dr7));
	asm volatile("mov %%dr0, %0\n\tmov %%dr7, %1" : "=r"(read0), "=r"(read7));
	if (read0 == dr0 && read7 == dr7)
		report_pass("debug-registers");
	else
		report_fail("debug-registers", "DR0 0x%llx, DR7 0x%llx", (unsigned long long)read0,
			    (unsigned long long)read7);
	asm volatile("mov %0, %%dr7" : : "r"((uintptr_t)0x400));
}

static void raise_own_breakpoint(void)
{
	asm volatile("int3");
	if (own_breakpoints == 1)
		report_pass("own-breakpoint");
	else
		report_fail("own-breakpoint", "met %u times", own_breakpoints);
}

static void step_itself(void)
{
	step_itself_here();
	if (own_steps == OWN_STEPS)
		report_pass("own-steps");
	else
		report_fail("own-steps", "%u instead of %u", own_steps, OWN_STEPS);
}

__attribute__((noinline)) void spin_here(void)
{
	while (!released)
		asm volatile("pause");
}

static void reset_once(void)
{
	if (LIFE[0] == LIFE_MAGIC)
		return;
	LIFE[0] = LIFE_MAGIC;
	outb(0xcf9, 6);
}

int guest_main(void)
{
	trap_handle(TIMER_VECTOR, tick);
	trap_handle(1, own_step);
	trap_handle(3, own_breakpoint);
	if (option("reset"))
		reset_once();
	fpu_enable();
	fpu_calibrate_quietly(1);
	keep_patterns();
	if (add(20, 22) != 42)
		report_fail("add", "20 + 22 is not 42");
	for (uint32_t i = 1; i <= 3; i++)
		write_watched(i);
	step_with_a_timer();
	own_debug_registers();
	step_itself();
	raise_own_breakpoint();
	if (option("spin"))
		spin_here();
	if (option("die")) {
		static const struct descriptor_pointer none;

		asm volatile("lidt %0\n\tud2" : : "m"(none));
	}
	report_end();
	return (int)option_number("status", 0) + (report_failures() ? 1 : 0);
}
