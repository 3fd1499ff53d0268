/* Task gates in the IDT: exceptions, software interrupts, NMIs and interrupts. Debug traps. */
#include "task_switch.h"

#ifndef __x86_64__
static void expect_entered(const char *what, uint32_t error)
{
	expect(seen.count == 1, "%s: it ran %u times", what, seen.count);
	expect(seen.tr == SEL_OTHER && seen.link == SEL_MAIN, "%s: TR 0x%x, link 0x%x", what,
	       seen.tr, seen.link);
	expect(seen.flags & FLAG_NT, "%s: NT is clear", what);
	expect(seen.error == error, "%s: error code 0x%x instead of 0x%x", what, seen.error, error);
	expect(task_trap.vector == NO_TRAP, "%s: vector %d in the task", what, task_trap.vector);
	expect(type_of(SEL_OTHER) == 0x89 && type_of(SEL_MAIN) == 0x8b,
	       "%s: types are 0x%x and 0x%x", what, type_of(SEL_OTHER), type_of(SEL_MAIN));
}

/* The main task goes on behind the instruction, which is `size` bytes long. */
#define SOFTWARE(instruction, vector, size)                                                        \
	do {                                                                                       \
		prepare();                                                                         \
		gate_to(vector, SEL_OTHER);                                                        \
		TRY(instruction, : : : "memory", "cc");                                            \
		expect_entered(instruction, 0);                                                    \
		expect(seen.main_eip == trap.at + (size),                                          \
		       "%s: saved EIP is 0x%lx, it is at 0x%lx", instruction,                      \
		       (unsigned long)seen.main_eip, (unsigned long)trap.at);                      \
		expect(!(seen.main_flags & FLAG_RF), "%s: RF is saved", instruction);              \
	} while (0)

static void software_interrupts(void)
{
	SOFTWARE("int $0x70", 0x70, 2);
	SOFTWARE("int $2", 2, 2);
	SOFTWARE("int $13", VECTOR_GP, 2); /* no error code */
	SOFTWARE("int3", VECTOR_BP, 1);
}

static void overflow(void)
{
	prepare();
	gate_to(4, SEL_OTHER);
	TRY_AFTER("pushfl; orl $0x800, (%%esp); popfl", "into", : : : "memory", "cc");
	expect_entered("into", 0);
	expect(seen.main_eip == trap.at + 1, "saved EIP is 0x%lx", (unsigned long)seen.main_eip);
}

static void int1(void)
{
	prepare();
	gate_to(VECTOR_DB, SEL_OTHER);
	TRY(".byte 0xf1", : : : "memory");
	expect_entered("int1", 0);
	expect(seen.main_eip == trap.at + 1, "saved EIP is 0x%lx", (unsigned long)seen.main_eip);
}

static void expect_faulted(const char *what, uint32_t error)
{
	expect_entered(what, error);
	expect(seen.main_eip == trap.at, "%s: saved EIP is 0x%lx, it is at 0x%lx", what,
	       (unsigned long)seen.main_eip, (unsigned long)trap.at);
	expect(seen.main_flags & FLAG_RF, "%s: RF is not saved", what);
}

static void faults(void)
{
	prepare();
	gate_to(VECTOR_UD, SEL_OTHER);
	work = WORK_MEND;
	TRY("ud2", : : : "memory");
	expect_faulted("#UD", 0);
	expect(seen.registers[3] == other_task.esp, "#UD: ESP is 0x%x", seen.registers[3]);

	prepare();
	gate_to(VECTOR_GP, SEL_OTHER);
	other_task.eip = (uintptr_t)task_entry_error;
	work = WORK_MEND;
	TRY("movl %%eax, %%es", : : "a"(0x7770) : "memory");
	expect_faulted("#GP", 0x7770);
	expect(seen.registers[3] == other_task.esp, "#GP: ESP is 0x%x", seen.registers[3]);
}

/* The error code is as wide as the TSS. */
static void fault_to_a_16bit_task(void)
{
	prepare();
	gate_to(VECTOR_GP, SEL_TASK16);
	((uint16_t *)STACK16)[-1] = ((uint16_t *)STACK16)[-2] = 0xeeee;
	work = WORK_MEND;
	TRY("movl %%eax, %%es", : : "a"(0x7770) : "memory");
	expect(seen.count == 1 && seen.tr == SEL_TASK16, "ran %u times, TR 0x%x", seen.count,
	       seen.tr);
	expect(seen.error == 0x7770, "error code 0x%x", seen.error);
	expect(seen.registers[3] == STACK16, "SP 0x%x", seen.registers[3]);
}

static void debug_trap_of_a_task(void)
{
	prepare();
	other_task.trap = 1;
	call_task(SEL_OTHER);
	expect(task_trap.vector == VECTOR_DB, "vector %d", task_trap.vector);
	expect(task_trap.ip == (uintptr_t)task_entry && task_trap.tr == SEL_OTHER,
	       "at 0x%lx, TR 0x%x", (unsigned long)task_trap.ip, task_trap.tr);
	expect((task_trap.dr6 & 0xe00f) == DR6_BT, "DR6 0x%x", task_trap.dr6);
	expect(!(task_trap.flags & FLAG_RF), "RF is set");
	expect(!seen.count, "it ran %u times", seen.count);
}

/* TF of the incoming task traps after its first instruction; of the outgoing one, not at all. */
static void single_step(void)
{
	prepare();
	other_task.eflags |= FLAG_TF;
	call_task(SEL_OTHER);
	expect(task_trap.vector == VECTOR_DB, "vector %d", task_trap.vector);
	expect(task_trap.ip == (uintptr_t)task_entry + 1, "at 0x%lx", (unsigned long)task_trap.ip);
	expect((task_trap.dr6 & 0xe00f) == 0x4000, "DR6 0x%x", task_trap.dr6);

	prepare();
	TRY("pushfl; orl $0x100, (%%esp); popfl; lcall $0x68, $0; nop; nop", : : : "memory", "cc");
	expect(seen.count == 1 && !(seen.flags & FLAG_TF), "ran %u times, EFLAGS 0x%x", seen.count,
	       seen.flags);
	expect(task_trap.vector == NO_TRAP, "vector %d in the task", task_trap.vector);
	expect(trap.vector == VECTOR_DB, "vector %d afterwards", trap.vector);
}

/* A breakpoint that MOV to SS meets comes when the instruction after it has completed. */
static void held_by_mov_ss(void)
{
	static const uint16_t selector = SEL_DATA;

	if (option(DEFECT_HELD)) {
		skip("lost by the machine");
		return;
	}
	prepare();
	write_dr0((uintptr_t)&selector);
	write_dr7(0x400 | 0x2 | 0x70000); /* G0: reads and writes of 2 bytes */
	asm volatile("mov %0, %%ss; lcall $0x68, $0" : : "m"(selector) : "memory", "cc");
	write_dr7(0x400);
	expect(task_trap.vector == VECTOR_DB, "vector %d", task_trap.vector);
	expect(task_trap.ip == (uintptr_t)task_entry && task_trap.tr == SEL_OTHER,
	       "at 0x%lx, TR 0x%x", (unsigned long)task_trap.ip, task_trap.tr);
	expect((task_trap.dr6 & 0xe00f) == 1, "DR6 0x%x", task_trap.dr6);
}

/* In the task no other is taken before its IRET. */
static void nmi(void)
{
	prepare();
	gate_to(VECTOR_NMI, SEL_OTHER);
	work = WORK_WAIT_NMI;
	set_timer(VECTOR_NMI, 20);
	for (unsigned i = 0; i < 300 && !seen.count; i++)
		cpuid(0, 0);
	for (unsigned i = 0; i < 300 && seen.count < 2; i++)
		cpuid(0, 0);
	expect(seen.value == 1, "%u NMIs before IRET", seen.value);
	expect(seen.count == 2, "%u NMIs", seen.count);
	expect(type_of(SEL_OTHER) == 0x89, "type 0x%x", type_of(SEL_OTHER));
}

static void interrupt(void)
{
	prepare();
	gate_to(0x40, SEL_OTHER);
	set_timer(0x40, 20);
	for (unsigned i = 0; i < 300; i++)
		cpuid(0, 0);
	expect(!seen.count, "it came with IF=0");
	asm volatile("sti; nop; nop; cli" : : : "memory");
	expect_entered("interrupt", 0);
	expect(seen.main_flags & FLAG_IF, "IF is not saved");
	/* and HLT ends */
	prepare();
	gate_to(0x40, SEL_OTHER);
	set_timer(0x40, 200);
	asm volatile("sti; hlt; cli" : : : "memory");
	expect_entered("HLT", 0);
}

const struct check event_checks[] = {
	{"software-interrupts", software_interrupts, 0},
	{"overflow", overflow, 0},
	{"int1", int1, 0},
	{"faults", faults, 0},
	{"fault-to-a-16bit-task", fault_to_a_16bit_task, 0},
	{"debug-trap-of-a-task", debug_trap_of_a_task, 0},
	{"single-step", single_step, 0},
	{"held-by-mov-ss", held_by_mov_ss, 0},
	{"nmi", nmi, NEEDS_HYPERCALL},
	{"interrupt", interrupt, NEEDS_HYPERCALL},
};
const size_t event_check_count = ARRAY_SIZE(event_checks);
#endif
