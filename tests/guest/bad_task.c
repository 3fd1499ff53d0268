/* Hardware task switches, by a far jump and by a task gate: 32-bit only. SDM Vol. 3, 8.3. */
#include "bad.h"

#ifdef __x86_64__
int task_switch(void)
{
	static const struct {
		uint32_t offset;
		uint16_t selector;
	} __attribute__((packed)) target = {0, SEL_TSS};

	/* 64-bit mode has none: #GP with the selector */
	TRY("ljmpl *%0", : : "m"(target) : "memory");
	if (trap.vector != VECTOR_GP) {
		report_fail("task", "vector %d instead of 13", trap.vector);
		return report_end();
	}
	print("told off: task, vector 13\n");
	report_pass("task");
	return report_end();
}

int task_gate(void)
{
	report_skip("task-gate", "32-bit only");
	return 0;
}
#else
struct task_state {
	uint32_t link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags;
	uint32_t eax, ecx, edx, ebx, esp, ebp, esi, edi;
	uint32_t es, cs, ss, ds, fs, gs, ldt;
	uint16_t trap, io_map;
} __attribute__((packed));

static struct task_state other __attribute__((aligned(128)));
static uint8_t other_stack[4096] __attribute__((aligned(16)));
static const char *name;

static void in_the_new_task(void)
{
	uint16_t selector;

	asm volatile("str %0" : "=r"(selector));
	if (selector != SEL_SPARE)
		report_fail(name, "TR is 0x%x", selector);
	if (!(read_cr0() & CR0_TS))
		report_fail(name, "CR0.TS is clear after a task switch");
	if (!report_failures())
		report_pass(name);
	print("bad: in the new task\n");
	guest_exit(report_end());
}

static void prepare(void)
{
	uint64_t base = (uintptr_t)&other;

	other.eip = (uintptr_t)in_the_new_task;
	other.eflags = 2;
	other.esp = (uintptr_t)other_stack + sizeof(other_stack) - 16;
	other.cs = SEL_CODE;
	other.es = other.ss = other.ds = other.fs = other.gs = SEL_DATA;
	other.cr3 = read_cr3();
	other.io_map = sizeof(other);
	gdt[SEL_SPARE / 8] =
		(sizeof(other) - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24) << 56;
}

int task_switch(void)
{
	name = "task";
	prepare();
	asm volatile("ljmp %0, $0" : : "i"(SEL_SPARE) : "memory");
	report_fail("task", "the jump came back");
	return report_end();
}

int task_gate(void)
{
	name = "task-gate";
	prepare();
	idt[0x70] = (struct gate){.selector = SEL_SPARE, .type = 0x85};
	asm volatile("int $0x70" : : : "memory");
	report_fail("task-gate", "the interrupt came back");
	return report_end();
}
#endif
