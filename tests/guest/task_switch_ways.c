/* CALL, JMP and IRET, directly and by a task gate, between tasks of every kind. */
#include "task_switch.h"

#ifndef __x86_64__
/* What the main task had in its registers when it came back. */
static volatile uint32_t back[8];
extern char called_from[];

/* With known values in the registers. */
static __attribute__((noinline, noclone)) void call_with_registers(void)
{
	asm volatile("pushal\n\t"
		     "movl $0x11111111, %%eax\n\t"
		     "movl $0x22222222, %%ecx\n\t"
		     "movl $0x33333333, %%edx\n\t"
		     "movl $0x44444444, %%ebx\n\t"
		     "movl $0x55555555, %%ebp\n\t"
		     "movl $0x66666666, %%esi\n\t"
		     "movl $0x77777777, %%edi\n\t"
		     "std; stc\n\t"
		     "lcall $0x68, $0xf4f4f4f4\n" /* SEL_OTHER */
		     "called_from:\n\t"
		     "cld\n\t"
		     "movl %%eax, %0; movl %%ecx, 4+%0; movl %%edx, 8+%0; movl %%ebx, 12+%0\n\t"
		     "movl %%ebp, 20+%0; movl %%esi, 24+%0; movl %%edi, 28+%0\n\t"
		     "popal"
		     : "=m"(back)
		     :
		     : "memory", "cc");
}

static void expect_registers(const char *what, const uint32_t *registers)
{
	static const uint32_t wanted[] = {0x11111111, 0x22222222, 0x33333333, 0x44444444,
					  0,	      0x55555555, 0x66666666, 0x77777777};

	for (unsigned i = 0; i < 8; i++)
		expect(i == 4 || registers[i] == wanted[i], "%s: register %u is 0x%x", what, i,
		       registers[i]);
}

/* The task was entered so often, by nesting, and has left again by IRET. */
static void expect_call(unsigned count, uint16_t selector)
{
	bool is16 = selector == SEL_TASK16;
	uint8_t idle = is16 ? 0x81 : 0x89;

	expect(seen.count == count, "it ran %u times instead of %u", seen.count, count);
	expect(seen.tr == selector, "TR is 0x%x", seen.tr);
	expect(seen.link == SEL_MAIN, "the link is 0x%x", seen.link);
	expect(seen.flags & FLAG_NT, "NT is clear: 0x%x", seen.flags);
	expect(seen.cr0 & CR0_TS, "CR0.TS is clear in the task");
	expect(seen.type == (idle | BUSY) && seen.main_type == 0x8b, "types are 0x%x and 0x%x",
	       seen.type, seen.main_type);
	expect(read_cr0() & CR0_TS, "CR0.TS is clear afterwards");
	expect(read_tr() == SEL_MAIN, "TR is 0x%x afterwards", read_tr());
	expect(type_of(selector) == idle && type_of(SEL_MAIN) == 0x8b,
	       "types are 0x%x and 0x%x afterwards", type_of(selector), type_of(SEL_MAIN));
	expect(!(read_flags() & FLAG_NT), "NT is set afterwards");
	expect(task_trap.vector == NO_TRAP, "vector %d in the task", task_trap.vector);
}

static void call_saves_and_loads(void)
{
	uint32_t saved[8];

	prepare();
	other_task.eax = 0xa0a0a0a0;
	other_task.ecx = 0xa1a1a1a1;
	other_task.edx = 0xa2a2a2a2;
	other_task.ebx = 0xa3a3a3a3;
	other_task.ebp = 0xa5a5a5a5;
	other_task.esi = 0xa6a6a6a6;
	other_task.edi = 0xa7a7a7a7;
	other_task.eflags = 0x8d7; /* OF SF ZF AF PF CF */
	other_task.fs = SEL_USER_DATA;
	other_task.gs = 0;
	main_task.es = 0xabcd0000;
	call_with_registers();
	expect_call(1, SEL_OTHER);
	for (unsigned i = 0; i < 8; i++)
		expect(i == 3 || seen.registers[i] == 0xa7a7a7a7 - 0x01010101 * i,
		       "register %u of the task is 0x%x", 7 - i, seen.registers[i]);
	expect(seen.registers[3] == other_task.esp, "ESP of the task is 0x%x", seen.registers[3]);
	expect(seen.es == SEL_DATA && seen.cs == SEL_CODE && seen.ss == SEL_DATA &&
		       seen.ds == SEL_DATA && seen.fs == SEL_USER_DATA && !seen.gs && !seen.ldt,
	       "segments of the task: 0x%x 0x%x 0x%x 0x%x 0x%x 0x%x 0x%x", seen.es, seen.cs,
	       seen.ss, seen.ds, seen.fs, seen.gs, seen.ldt);
	memcpy(saved, &main_task.eax, sizeof(saved));
	expect_registers("saved", saved);
	expect_registers("after", (const uint32_t *)back);
	expect(main_task.eip == (uintptr_t)called_from, "saved EIP is 0x%x", main_task.eip);
	expect((main_task.eflags & 0x4401) == 0x401, "saved EFLAGS is 0x%x", main_task.eflags);
	expect(main_task.es == (0xabcd0000 | SEL_DATA), "saved ES is 0x%x", main_task.es);
	expect(main_task.cs == SEL_CODE && main_task.ss == SEL_DATA, "saved CS 0x%x, SS 0x%x",
	       main_task.cs, main_task.ss);
	expect(!main_task.link && !main_task.ldt, "link 0x%x, LDT 0x%x of the main task",
	       main_task.link, main_task.ldt);
	expect(!(other_task.eflags & FLAG_NT), "IRET saved NT: 0x%x", other_task.eflags);
	expect(other_task.eip > (uintptr_t)task_entry &&
		       other_task.eip < (uintptr_t)task_entry + 40,
	       "IRET saved EIP 0x%x", other_task.eip);
}

static void called_again_it_goes_on(void)
{
	prepare();
	call_task(SEL_OTHER);
	expect_call(1, SEL_OTHER);
	clts();
	call_task(SEL_OTHER); /* behind its IRET */
	expect_call(2, SEL_OTHER);
}

static void by_a_gate(void)
{
	prepare();
	call_task(SEL_TASK_GATE);
	expect_call(1, SEL_OTHER);
	prepare();
	work = WORK_JUMP;
	jump_to_task(SEL_TASK_GATE);
	expect(seen.count == 1 && !(seen.flags & FLAG_NT), "ran %u times, EFLAGS 0x%x", seen.count,
	       seen.flags);
}

static void jump_there_and_back(void)
{
	prepare();
	work = WORK_JUMP;
	other_task.link = 0x1234;
	other_task.eflags |= FLAG_NT; /* its own */
	jump_to_task(SEL_OTHER);
	expect(seen.count == 1 && seen.tr == SEL_OTHER, "ran %u times, TR 0x%x", seen.count,
	       seen.tr);
	expect(seen.flags & FLAG_NT, "NT of the TSS is lost");
	expect(seen.link == 0x1234, "the link is 0x%x", seen.link);
	expect(seen.type == 0x8b && seen.main_type == 0x89, "types are 0x%x and 0x%x", seen.type,
	       seen.main_type);
	expect(type_of(SEL_OTHER) == 0x89 && type_of(SEL_MAIN) == 0x8b,
	       "types are 0x%x and 0x%x afterwards", type_of(SEL_OTHER), type_of(SEL_MAIN));
	expect(other_task.eflags & FLAG_NT, "JMP saved EFLAGS 0x%x", other_task.eflags);
	expect(!(read_flags() & FLAG_NT), "NT is set afterwards");
	expect(read_cr0() & CR0_TS, "CR0.TS is clear");
}

static void nested_tasks(void)
{
	prepare();
	work = WORK_CALL_THIRD;
	call_task(SEL_OTHER);
	expect_call(1, SEL_OTHER);
	expect(seen_third.count == 1 && seen_third.tr == SEL_THIRD, "the third ran %u times",
	       seen_third.count);
	expect(seen_third.link == SEL_OTHER, "its link is 0x%x", seen_third.link);
	expect(seen_third.type == 0x8b && seen_third.main_type == 0x8b, "types 0x%x and 0x%x",
	       seen_third.type, seen_third.main_type);
	expect(type_of(SEL_THIRD) == 0x89, "its type is 0x%x afterwards", type_of(SEL_THIRD));
}

static void to_a_16bit_task_and_back(void)
{
	prepare();
	task16.ip = entry16 - entry16_error;
	task16.ax = 0xa0a0;
	task16.di = 0xa7a7;
	task16.flags = 0x8d7;
	call_task(SEL_TASK16);
	expect_call(1, SEL_TASK16);
	expect((uint16_t)seen.registers[7] == 0xa0a0 && (uint16_t)seen.registers[0] == 0xa7a7,
	       "AX 0x%x, DI 0x%x", seen.registers[7], seen.registers[0]);
	expect(!seen.fs && !seen.gs && !seen.ldt, "FS 0x%x, GS 0x%x, LDT 0x%x", seen.fs, seen.gs,
	       seen.ldt);
	expect(!(task16.flags & FLAG_NT), "IRET saved NT: 0x%x", task16.flags);
}

static void from_a_16bit_task_to_a_32bit_one(void)
{
	prepare();
	task16.ip = entry16 - entry16_error;
	task16.cx = 0xc1c1;
	nested16 = 1;
	call_task(SEL_TASK16);
	expect_call(1, SEL_TASK16);
	expect(seen_third.count == 1 && seen_third.link == SEL_TASK16, "ran %u times, link 0x%x",
	       seen_third.count, seen_third.link);
	expect((uint16_t)seen.registers[6] == 0xc1c1, "CX is 0x%x", seen.registers[6]);
	expect(task16.cs == SEL_CODE, "saved CS is 0x%x", task16.cs);
}

static void to_user_mode(void)
{
	prepare();
	other_task.cs = SEL_USER_CODE;
	other_task.ss = other_task.ds = other_task.es = SEL_USER_DATA;
	other_task.fs = other_task.gs = 0;
	call_task(SEL_OTHER);
	expect_call(1, SEL_OTHER);
	expect(seen.cs == SEL_USER_CODE && seen.ss == SEL_USER_DATA, "CS 0x%x, SS 0x%x", seen.cs,
	       seen.ss);
	/* from there to a third, that lets user mode call it */
	prepare();
	table[SEL_THIRD / 8] |= 3ull << 45;
	work = WORK_CALL_THIRD;
	other_task.cs = SEL_USER_CODE;
	other_task.ss = other_task.ds = other_task.es = SEL_USER_DATA;
	other_task.fs = other_task.gs = 0;
	call_task(SEL_OTHER);
	expect(seen_third.count == 1 && seen_third.cs == SEL_CODE, "ran %u times, CS 0x%x",
	       seen_third.count, seen_third.cs);
	expect(seen.count == 1, "ran %u times", seen.count);
}

static void conforming_code(void)
{
	prepare();
	other_task.cs = SEL_CONFORMING | 3;
	other_task.ss = other_task.ds = other_task.es = SEL_USER_DATA;
	other_task.fs = other_task.gs = SEL_CONFORMING;
	call_task(SEL_OTHER);
	expect_call(1, SEL_OTHER);
	expect(seen.cs == (SEL_CONFORMING | 3), "CS 0x%x", seen.cs);
}

static void an_ldt_of_its_own(void)
{
	static uint32_t word;

	prepare();
	word = 0x12345678;
	ldt[1] = descriptor(0, 0xfffff, 0xc092); /* not accessed */
	ldt[2] = descriptor((uintptr_t)&word, 3, 0x4092);
	other_task.ldt = SEL_LDT;
	other_task.es = 0x08 | IN_LDT;
	other_task.fs = 0x10 | IN_LDT;
	table[SEL_ANY / 8] &= ~(1ull << 40);
	other_task.gs = SEL_ANY;
	call_task(SEL_OTHER);
	expect_call(1, SEL_OTHER);
	expect(seen.ldt == SEL_LDT && seen.es == 0xc && seen.fs == 0x14, "LDT 0x%x, ES 0x%x",
	       seen.ldt, seen.es);
	expect((ldt[1] >> 40 & 1) && (ldt[2] >> 40 & 1) && (type_of(SEL_ANY) & 1),
	       "a segment is not marked accessed");
}

/* What a debugger has in one task is not in the next; what is global stays. */
static void local_breakpoints_end(void)
{
	prepare();
	write_dr7(0x400 | 0x355); /* LE, GE, L0 to L3: writes of 1 byte */
	write_dr7(read_dr7() | 0x2 | 0x11110000);
	write_dr0((uintptr_t)&seen_third);
	write_dr1((uintptr_t)&seen_third);
	write_dr2((uintptr_t)&seen_third);
	write_dr3((uintptr_t)&seen_third);
	call_task(SEL_OTHER);
	expect((seen.dr7 & 0x3ff) == 0x202, "DR7 is 0x%x", seen.dr7);
	expect((read_dr7() & 0x3ff) == 0x202, "DR7 is 0x%x afterwards", (unsigned)read_dr7());
	write_dr7(0x400);
}

static void virtual_8086_mode(void)
{
	uint8_t *code = (uint8_t *)0x6000;

	prepare();
	code[0] = 0x8c; /* MOV AX, DS */
	code[1] = 0xd8;
	code[2] = 0xf4; /* HLT: #GP */
	other_task.eflags = FLAG_VM | 2;
	other_task.eip = 0;
	other_task.cs = 0x600;
	other_task.ss = 0x500;
	other_task.esp = 0xfff0;
	other_task.ds = 0x1234;
	other_task.es = 0x2345;
	other_task.fs = 0x0003;
	other_task.gs = 0xffff;
	call_task(SEL_OTHER);
	expect(task_trap.vector == VECTOR_GP && !task_trap.error, "vector %d, error code 0x%lx",
	       task_trap.vector, (unsigned long)task_trap.error);
	expect(task_trap.ip == 2 && task_trap.cs == 0x600, "at 0x%lx:0x%lx",
	       (unsigned long)task_trap.cs, (unsigned long)task_trap.ip);
	expect(task_trap.flags & FLAG_VM, "EFLAGS 0x%lx", (unsigned long)task_trap.flags);
	expect(task_trap.flags & FLAG_NT, "EFLAGS 0x%lx", (unsigned long)task_trap.flags);
	expect((uint16_t)task_trap.ax == 0x1234, "DS was 0x%lx", (unsigned long)task_trap.ax);
	expect(read_tr() == SEL_MAIN, "TR is 0x%x", read_tr());
}

/* As kvm-unit-tests' taskswitch2 does: IRET into it, and a task gate out of it. */
static void virtual_8086_mode_by_iret(void)
{
	uint8_t *code = (uint8_t *)0x6000;

	prepare();
	code[0] = 0x0f; /* UD2 */
	code[1] = 0x0b;
	other_task.eflags = FLAG_VM | 2;
	other_task.eip = 0;
	other_task.cs = 0x600;
	other_task.ss = 0x500;
	other_task.esp = 0xfff0;
	other_task.ds = 0x1234;
	other_task.es = 0x2345;
	other_task.fs = other_task.gs = 0;
	table[SEL_OTHER / 8] |= (uint64_t)BUSY << 40;
	main_task.link = SEL_OTHER;
	gate_to(VECTOR_UD, SEL_MAIN);
	asm volatile("pushfl; orl $0x4000, (%%esp); popfl; iretl" : : : "memory", "cc");
	/* nested in what it came from, which is busy */
	expect(read_flags() & FLAG_NT, "NT is clear afterwards");
	asm volatile("pushfl; andl $~0x4000, (%%esp); popfl" : : : "memory", "cc");
	expect(main_task.link == SEL_OTHER, "the link is 0x%x", main_task.link);
	expect(!(main_task.eflags & FLAG_NT), "IRET saved NT");
	expect(other_task.eip == 0 && other_task.cs == 0x600 && other_task.ds == 0x1234,
	       "it was at 0x%x:0x%x, DS 0x%x", other_task.cs, other_task.eip, other_task.ds);
	expect(other_task.eflags & FLAG_VM, "its EFLAGS are 0x%x", other_task.eflags);
	expect(type_of(SEL_OTHER) == 0x8b && type_of(SEL_MAIN) == 0x8b, "types 0x%x, 0x%x",
	       type_of(SEL_OTHER), type_of(SEL_MAIN));
}

/* The FPU's state is still the other task's: the next instruction that wants it says so. */
static void fpu_is_switched_later(void)
{
	prepare();
	fpu_enable();
	TRY("fnop", : : : "memory");
	expect(trap.vector == NO_TRAP, "vector %d before", trap.vector);
	call_task(SEL_OTHER);
	TRY("fnop", : : : "memory");
	expect(trap.vector == VECTOR_NM, "vector %d", trap.vector);
	clts();
	TRY("fnop", : : : "memory");
	expect(trap.vector == NO_TRAP, "vector %d after CLTS", trap.vector);
}

const struct check switch_checks[] = {
	{"call-saves-and-loads", call_saves_and_loads, 0},
	{"called-again-it-goes-on", called_again_it_goes_on, 0},
	{"by-a-gate", by_a_gate, 0},
	{"jump-there-and-back", jump_there_and_back, 0},
	{"nested-tasks", nested_tasks, 0},
	{"to-a-16bit-task-and-back", to_a_16bit_task_and_back, 0},
	{"from-a-16bit-task-to-a-32bit-one", from_a_16bit_task_to_a_32bit_one, 0},
	{"to-user-mode", to_user_mode, 0},
	{"conforming-code", conforming_code, 0},
	{"an-ldt-of-its-own", an_ldt_of_its_own, 0},
	{"local-breakpoints-end", local_breakpoints_end, 0},
	{"virtual-8086-mode", virtual_8086_mode, 0},
	{"virtual-8086-mode-by-iret", virtual_8086_mode_by_iret, 0},
	{"fpu-is-switched-later", fpu_is_switched_later, 0},
};
const size_t switch_check_count = ARRAY_SIZE(switch_checks);
#endif
