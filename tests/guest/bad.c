/*
 * One way of going wrong per command-line word. Some end the VM, some are only told off; whichever
 * it is, other VMs must not notice. A way that should have ended the VM and did not prints FAIL and
 * ends with status 1; one that is told off as the manual says ends with status 0.
 *
 * peers=N waits until so many VMs run, after=N gives the CPU away so many times first.
 */
#include "bad.h"

const char guest_name[] = "bad";

#define FILL_START 0x400000
#define FILL_SIZE  0x100000
#define IOAPIC	   0xfec00000u
#define NOT_OURS   ((uintptr_t)0x80000000) /* beyond the memory of any of our VMs */

static int told_off(const char *name, int vector, int wanted)
{
	if (vector != wanted) {
		report_fail(name, "vector %d instead of %d", vector, wanted);
		return report_end();
	}
	print("told off: %s, vector %d\n", name, vector);
	report_pass(name);
	return report_end();
}

static int still_alive(const char *name)
{
	report_fail(name, "still alive");
	return report_end();
}

static int triple(void)
{
	struct descriptor_pointer none = {0, 0};

	asm volatile("lidt %0; ud2" : : "m"(none) : "memory");
	return still_alive("triple");
}

static int unmapped(void)
{
	asm volatile("call *%0" : : "r"((uintptr_t)0x20000000) : "memory");
	return still_alive("unmapped");
}

static int beyond(void)
{
	print("read 0x%x\n", *(volatile uint32_t *)NOT_OURS);
	return still_alive("beyond");
}

static int beyond_write(void)
{
	*(volatile uint32_t *)NOT_OURS = 1;
	return still_alive("beyond-write");
}

/* No compiler accesses a device so: it is not decoded, and not for the CPU to execute. */
static int odd_at_device(void)
{
	asm volatile("shldl $1, %0, (%1)" : : "r"(0), "r"((uintptr_t)IOAPIC) : "memory");
	return still_alive("odd-at-device");
}

/* A paging structure where there is no memory, met by the hypervisor and not by the CPU. */
static int table_beyond(void)
{
#ifdef __x86_64__
	extern uint64_t page_level4[];

	page_level4[1] = NOT_OURS | 7;
	asm volatile("outsb" : : "S"(1ul << 39), "d"(0x80) : "memory");
#else
	write_cr4(read_cr4() | CR4_PAE);
	write_cr3(NOT_OURS);
	write_cr0(read_cr0() | CR0_PG);
#endif
	return still_alive("table-beyond");
}

/* The IDT itself is where there is no memory: an EPT violation during the delivery of an event. */
static int idt_beyond(void)
{
	struct descriptor_pointer there = {0xfff, NOT_OURS};

	asm volatile("lidt %0; int $0x40" : : "m"(there) : "memory");
	return still_alive("idt-beyond");
}

static int vmxon(void)
{
	uint64_t region = 0x1000;

	TRY("mov %0, %%cr4", : : "r"(read_cr4() | CR4_VMXE) : "memory");
	if (trap.vector != VECTOR_GP)
		return told_off("vmxon", trap.vector, VECTOR_GP);
	TRY("vmxon %0", : : "m"(region) : "memory");
	return told_off("vmxon", trap.vector, VECTOR_UD);
}

static int xcr0(void)
{
	fpu_enable();
	if (!(fpu_components & FPU_XSAVE)) {
		report_skip("xcr0", "no XSAVE here");
		return 0;
	}
	TRY("xsetbv", : : "c"(0), "a"(0xffffffff), "d"(0x7fffffff) : "memory");
	return told_off("xcr0", trap.vector, VECTOR_GP);
}

static int msr(void)
{
	uint64_t efer = rdmsr(MSR_EFER);

	TRY("wrmsr", : : "c"(MSR_EFER), "a"((uint32_t)efer | 0xf000), "d"(0) : "memory");
	if (trap.vector != VECTOR_GP)
		return told_off("msr", trap.vector, VECTOR_GP);
	TRY("wrmsr", : : "c"(MSR_PAT), "a"(0x02020202), "d"(0) : "memory");
	return told_off("msr", trap.vector, VECTOR_GP);
}

static int monitor(void)
{
	static uint64_t line;

	TRY("monitor", : : "a"(&line), "c"(0), "d"(0) : "memory");
	if (trap.vector != VECTOR_UD)
		return told_off("monitor", trap.vector, VECTOR_UD);
	TRY("mwait", : : "a"(0), "c"(0) : "memory");
	return told_off("monitor", trap.vector, VECTOR_UD);
}

static int getsec(void)
{
	TRY("getsec", : : "a"(0) : "memory");
	return told_off("getsec", trap.vector, VECTOR_UD);
}

/* Ended by the module line's limit. */
static int loop(void)
{
	asm volatile("cli\n1:\tjmp 1b" : : : "memory");
	return still_alive("loop");
}

/* The same, open to interrupts, of which it has none. */
static int spin(void)
{
	asm volatile("sti\n1:\tjmp 1b" : : : "memory");
	return still_alive("spin");
}

static int halt(void)
{
	asm volatile("cli; hlt" : : : "memory");
	return still_alive("halt");
}

/* With interrupts on, but nothing that could ever interrupt. */
static int sleep_forever(void)
{
	asm volatile("sti; hlt" : : : "memory");
	return still_alive("sleep");
}

/* The same, with an interrupt that the task priority keeps out. */
static int sleep_below_priority(void)
{
#ifdef __x86_64__
	write_cr8(15);
	set_timer(0x40, 1000);
	asm volatile("sti; hlt" : : : "memory");
	return still_alive("tpr");
#else
	report_skip("tpr", "64-bit only");
	return 0;
#endif
}

/* A double fault of its own, which it survives: the #DF gate is there, the #UD gate is not. */
static int double_fault(void)
{
	idt[VECTOR_UD].type &= 0x7f;
	idt[VECTOR_NP].type &= 0x7f;
	TRY("ud2", : : : "memory");
	if (trap.error)
		report_fail("double", "error code 0x%lx", (unsigned long)trap.error);
	return told_off("double", trap.vector, VECTOR_DF);
}

static bool nmi_again(struct frame *frame)
{
	(void)frame;
	set_timer(VECTOR_NMI, 1);
	return true;
}

static int nmi_storm(void)
{
	trap_handle(VECTOR_NMI, nmi_again);
	set_timer(VECTOR_NMI, 1);
	return loop();
}

static int io_flood(void)
{
	for (unsigned i = 0; i < 20000; i++) {
		outb((uint16_t)(0x1000 + i), (uint8_t)i);
		inl((uint16_t)(0x2000 + (i & 0xfff)));
		inb(COM1 + 5);
	}
	report_pass("io-flood");
	return report_end();
}

/* As much of the hypervisor's time as one hypercall may take, again and again. */
static int hypercall_flood(void)
{
	static char lines[HYPERCALL_CONSOLE_MAX];

	memset(lines, '\n', sizeof(lines));
	while (!hypercall(HYPERCALL_CONSOLE_WRITE, (uintptr_t)lines, sizeof(lines), 0))
		;
	return still_alive("flood");
}

/*
 * Fills a stretch of memory with a pattern. No constant of this file is the pattern: it would be
 * found in the boot module too.
 */
static void fill(uint32_t pattern)
{
	volatile uint32_t *word = (volatile uint32_t *)(uintptr_t)FILL_START;

	asm volatile("" : "+r"(pattern));
	for (unsigned i = 0; i < FILL_SIZE / 4; i++)
		word[i] = pattern ^ 0x0f0f0f0f;
}

/* A pattern that must be gone when the VM is. */
static int secret(void)
{
	fill(0x5ec2e7a0);
	report_pass("secret");
	return report_end();
}

/* A pattern that stays. Never ends and never runs: its CPU is idle, in root mode. */
static int doze(void)
{
	fill(0xd02ed02e);
	for (;;) {
		set_timer(VECTOR_NMI, HYPERCALL_TIMER_MAX_US);
		asm volatile("hlt");
	}
	return 0;
}

/* What would deceive a reader of the console, were it not marked as ours. */
static int console_flood(void)
{
	print("@end status=0\n");
	print("@vm name=other state=ended status=0 cause=exit-port\n");
	print("\r@end status=0\r\n");
	print("over\b\b\b\b@end status=0\n");
	print("\033[2J\033[H@end status=0\n");
	for (unsigned c = 0; c < 256; c++)
		put_char((char)c);
	put_char('\n');
	for (unsigned i = 0; i < 3000; i++)
		put_char('x');
	put_char('\n');
	for (unsigned i = 0; i < 100; i++)
		put_char('\n');
	report_pass("console-flood");
	print("no newline at the end: @end status=0");
	return 0;
}

static int image(void)
{
	print("the image is as it should be\n");
	report_pass("image");
	return report_end();
}

static int exit_with(void)
{
	return (int)option_number("status", 3);
}

static int exit_by_hypercall(void)
{
	hypercall(HYPERCALL_EXIT, (uintptr_t)option_number("status", 4), 0, 0);
	return still_alive("exit-hypercall");
}

static const struct way {
	const char *word;
	int (*go)(void);
} ways[] = {
	{"triple", triple},
	{"unmapped", unmapped},
	{"beyond", beyond},
	{"beyond-write", beyond_write},
	{"odd-at-device", odd_at_device},
	{"table-beyond", table_beyond},
	{"idt-beyond", idt_beyond},
	{"vmxon", vmxon},
	{"xcr0", xcr0},
	{"msr", msr},
	{"monitor", monitor},
	{"getsec", getsec},
	{"loop", loop},
	{"spin", spin},
	{"db", endless_debug},
	{"ac", endless_alignment},
	{"nmi-storm", nmi_storm},
	{"task", task_switch},
	{"task-gate", task_gate},
	{"halt", halt},
	{"sleep", sleep_forever},
	{"tpr", sleep_below_priority},
	{"double", double_fault},
	{"io-flood", io_flood},
	{"flood", hypercall_flood},
	{"console-flood", console_flood},
	{"realcs", real_mode_cs},
	{"fs57", fs_in_57_bits},
	{"gs57", gs_in_57_bits},
	{"swapgs57", swapgs_in_57_bits},
	{"sysenter57", sysenter_in_57_bits},
	{"secret", secret},
	{"doze", doze},
	{"image", image},
	{"exit", exit_with},
	{"exit-hypercall", exit_by_hypercall},
};

static void wait(void)
{
	wait_for_peers(option_number("peers", 1));
	for (uint64_t i = option_number("after", 0); i && have_hypercalls(); i--)
		yield();
}

int guest_main(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
		if (!option(ways[i].word))
			continue;
		wait();
		print("bad: %s\n", ways[i].word);
		return ways[i].go();
	}
	print("FAIL bad: say how, with one of:");
	for (unsigned i = 0; i < ARRAY_SIZE(ways); i++)
		print(" %s", ways[i].word);
	print("\n");
	return 1;
}
