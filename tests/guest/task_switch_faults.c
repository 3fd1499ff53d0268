/* What is wrong with a task: before it begins, in the old one; afterwards, in the new one. */
#include "task_switch.h"

#ifndef __x86_64__
#define ABSENT (1ull << 47)

/* In the outgoing task, at its CALL: nothing has changed. */
static void expect_refused(const char *what, uint16_t selector, int vector, uintptr_t error)
{
	struct {
		uint32_t offset;
		uint16_t selector;
	} __attribute__((packed)) target = {0xf4f4f4f4, selector};
	uint8_t type = type_of(selector);

	main_task.eip = 0x1234;
	TRY("lcall *%0", : : "m"(target) : "memory");
	expect(trap.vector == vector && trap.error == error,
	       "%s: vector %d, error code 0x%lx instead of %d, 0x%lx", what, trap.vector,
	       (unsigned long)trap.error, vector, (unsigned long)error);
	expect(trap.ip == trap.at, "%s: at 0x%lx instead of 0x%lx", what, (unsigned long)trap.ip,
	       (unsigned long)trap.at);
	expect(!seen.count && read_tr() == SEL_MAIN && type_of(SEL_MAIN) == 0x8b &&
		       type_of(selector) == type,
	       "%s: ran %u times, TR 0x%x, types 0x%x and 0x%x", what, seen.count, read_tr(),
	       type_of(SEL_MAIN), type_of(selector));
	expect(main_task.eip == 0x1234, "%s: it was saved", what);
	expect(!(read_cr0() & CR0_TS), "%s: CR0.TS is set", what);
}

static void tss_that_is_none(void)
{
	prepare();
	expect_refused("busy", SEL_MAIN, VECTOR_GP, SEL_MAIN);
	table[SEL_OTHER / 8] &= ~ABSENT;
	expect_refused("absent", SEL_OTHER, VECTOR_NP, SEL_OTHER);
	prepare();
	table[SEL_OTHER / 8] = descriptor((uintptr_t)&other_task, 0x66, 0x89);
	expect_refused("short", SEL_OTHER, VECTOR_TS, SEL_OTHER);
	prepare();
	table[SEL_TASK16 / 8] = descriptor((uintptr_t)&task16, 0x2a, 0x81);
	expect_refused("short 16-bit", SEL_TASK16, VECTOR_TS, SEL_TASK16);
	prepare();
	table[SEL_TASK_GATE / 8] = (uint64_t)SEL_LDT << 16 | 0x85ull << 40;
	expect_refused("gate to an LDT", SEL_TASK_GATE, VECTOR_GP, SEL_LDT);
}

static void tss_that_just_fits(void)
{
	prepare();
	table[SEL_OTHER / 8] = descriptor((uintptr_t)&other_task, 0x67, 0x89);
	call_task(SEL_OTHER);
	expect(seen.count == 1, "it ran %u times", seen.count);
	prepare();
	table[SEL_TASK16 / 8] = descriptor((uintptr_t)&task16, 0x2b, 0x81);
	task16.ip = entry16 - entry16_error;
	call_task(SEL_TASK16);
	expect(seen.count == 1, "it ran %u times", seen.count);
}

/* The outgoing task's own TSS must hold what is saved. */
static void no_room_for_the_old_task(void)
{
	prepare();
	table[SEL_MAIN / 8] = descriptor((uintptr_t)&main_task, 0x5e, 0x89);
	asm volatile("ltr %w0" : : "r"(SEL_MAIN));
	expect_refused("old", SEL_OTHER, VECTOR_TS, SEL_MAIN);
	table[SEL_MAIN / 8] = descriptor((uintptr_t)&main_task, 0x67, 0x89);
	asm volatile("ltr %w0" : : "r"(SEL_MAIN));
}

static void return_to_what_is_not_busy(void)
{
	static const struct {
		const char *what;
		uint16_t link;
		int vector;
	} cases[] = {
		{"not busy", SEL_OTHER, VECTOR_TS},
		{"null", 0, VECTOR_TS},
		{"in the LDT", SEL_OTHER | IN_LDT, VECTOR_TS},
		{"an LDT", SEL_LDT, VECTOR_TS},
		{"beyond the table", 0x1000, VECTOR_TS},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		prepare();
		main_task.link = cases[i].link;
		TRY_AFTER("pushfl; orl $0x4000, (%%esp); popfl", "iretl", : : : "memory", "cc");
		asm volatile("pushfl; andl $~0x4000, (%%esp); popfl" : : : "memory", "cc");
		expect(trap.vector == cases[i].vector && trap.error == (cases[i].link & ~3u),
		       "%s: vector %d, error code 0x%lx", cases[i].what, trap.vector,
		       (unsigned long)trap.error);
		expect(trap.ip == trap.at, "%s: at 0x%lx", cases[i].what, (unsigned long)trap.ip);
		expect(read_tr() == SEL_MAIN && type_of(SEL_MAIN) == 0x8b, "%s: TR 0x%x, type 0x%x",
		       cases[i].what, read_tr(), type_of(SEL_MAIN));
	}
}

/* In the incoming task, before its first instruction, with its registers. */
static void expect_task_trap(const char *what, int vector, uintptr_t error)
{
	expect(task_trap.vector == vector && task_trap.error == error,
	       "%s: vector %d, error code 0x%lx instead of %d, 0x%lx", what, task_trap.vector,
	       (unsigned long)task_trap.error, vector, (unsigned long)error);
	expect(task_trap.tr == SEL_OTHER, "%s: TR 0x%x", what, task_trap.tr);
	expect(!seen.count, "%s: it ran %u times", what, seen.count);
	expect(read_cr0() & CR0_TS, "%s: CR0.TS is clear", what);
}

enum in_task {
	IN_LDTR,
	IN_CS,
	IN_SS,
	IN_DS,
	IN_ES,
	IN_FS,
	IN_GS,
};

static uint32_t *field(enum in_task where)
{
	switch (where) {
	case IN_LDTR:
		return &other_task.ldt;
	case IN_CS:
		return &other_task.cs;
	case IN_SS:
		return &other_task.ss;
	case IN_DS:
		return &other_task.ds;
	case IN_ES:
		return &other_task.es;
	case IN_FS:
		return &other_task.fs;
	default:
		return &other_task.gs;
	}
}

/* rights 0: the selector is what is wrong. */
static const struct {
	const char *what;
	enum in_task where;
	uint16_t selector, rights;
	int vector;
} bad_segments[] = {
	{"LDT in the LDT", IN_LDTR, SEL_LDT | IN_LDT, 0, VECTOR_TS},
	{"LDT that is a TSS", IN_LDTR, SEL_THIRD, 0, VECTOR_TS},
	{"LDT that is data", IN_LDTR, SEL_DATA, 0, VECTOR_TS},
	{"LDT beyond the table", IN_LDTR, 0x1008, 0, VECTOR_TS},
	{"LDT that is absent", IN_LDTR, SEL_ANY, 0x02, VECTOR_TS},
	{"CS null", IN_CS, 0, 0, VECTOR_TS},
	{"CS null, RPL 3", IN_CS, 3, 0, VECTOR_TS},
	{"CS beyond the table", IN_CS, 0x1008, 0, VECTOR_TS},
	{"CS in no LDT", IN_CS, 0x0c, 0, VECTOR_TS},
	{"CS that is data", IN_CS, SEL_DATA, 0, VECTOR_TS},
	{"CS that is a TSS", IN_CS, SEL_THIRD, 0, VECTOR_TS},
	{"CS that is absent", IN_CS, SEL_ANY, 0xc01b, VECTOR_NP},
	{"CS of a lower DPL", IN_CS, SEL_ANY | 3, 0xc09b, VECTOR_TS},
	{"CS of a higher DPL", IN_CS, SEL_ANY, 0xc0fb, VECTOR_TS},
	{"CS conforming, of a higher DPL", IN_CS, SEL_ANY, 0xc0ff, VECTOR_TS},
	{"SS null", IN_SS, 0, 0, VECTOR_TS},
	{"SS beyond the table", IN_SS, 0x1010, 0, VECTOR_TS},
	{"SS in no LDT", IN_SS, 0x0c, 0, VECTOR_TS},
	{"SS read-only", IN_SS, SEL_ANY, 0xc091, VECTOR_TS},
	{"SS that is code", IN_SS, SEL_CODE, 0, VECTOR_TS},
	{"SS that is absent", IN_SS, SEL_ANY, 0xc013, VECTOR_SS},
	{"SS of a higher DPL", IN_SS, SEL_ANY, 0xc0f3, VECTOR_TS},
	{"SS of another RPL", IN_SS, SEL_ANY | 3, 0xc093, VECTOR_TS},
	{"DS beyond the table", IN_DS, 0x1010, 0, VECTOR_TS},
	{"DS in no LDT", IN_DS, 0x0c, 0, VECTOR_TS},
	{"DS that cannot be read", IN_DS, SEL_ANY, 0xc099, VECTOR_TS},
	{"DS that is a TSS", IN_DS, SEL_THIRD, 0, VECTOR_TS},
	{"DS that is absent", IN_DS, SEL_ANY, 0xc013, VECTOR_NP},
	{"DS of too high an RPL", IN_DS, SEL_ANY | 3, 0xc093, VECTOR_TS},
	{"ES that is absent", IN_ES, SEL_ANY, 0xc013, VECTOR_NP},
	{"ES that cannot be read", IN_ES, SEL_ANY, 0xc099, VECTOR_TS},
	{"FS that is absent", IN_FS, SEL_ANY, 0xc013, VECTOR_NP},
	{"FS of too high an RPL", IN_FS, SEL_ANY | 2, 0xc0b3, VECTOR_TS},
	{"GS that is absent", IN_GS, SEL_ANY, 0xc013, VECTOR_NP},
	{"GS that is an LDT", IN_GS, SEL_LDT, 0, VECTOR_TS},
};

static void bend(unsigned i)
{
	prepare();
	*field(bad_segments[i].where) = bad_segments[i].selector;
	if (bad_segments[i].rights)
		table[SEL_ANY / 8] = descriptor(0, 0xfffff, bad_segments[i].rights);
	other_task.eflags = 0x8d7;
	if (other_task.cs & 3) { /* nothing else is wrong */
		other_task.ss = SEL_USER_DATA;
		other_task.ds = other_task.es = other_task.fs = other_task.gs = 0;
	}
}

static void segments_that_are_wrong(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(bad_segments); i++) {
		const char *what = bad_segments[i].what;
		bool before_ss = bad_segments[i].where == IN_LDTR || bad_segments[i].where == IN_SS;

		if (before_ss && option(DEFECT_CPL))
			continue;
		bend(i);
		call_task(SEL_OTHER);
		expect_task_trap(what, bad_segments[i].vector, bad_segments[i].selector & ~3u);
		expect(task_trap.ip == (uintptr_t)task_entry, "%s: at 0x%lx", what,
		       (unsigned long)task_trap.ip);
		expect(task_trap.cs == other_task.cs || bad_segments[i].where == IN_CS,
		       "%s: CS 0x%lx", what, (unsigned long)task_trap.cs);
		expect((task_trap.flags & 0x4cd5) == 0x48d5, "%s: EFLAGS 0x%lx", what,
		       (unsigned long)task_trap.flags);
		expect(task_trap.main_type == 0x8b, "%s: type 0x%x", what, task_trap.main_type);
		expect(other_task.link == SEL_MAIN, "%s: link 0x%x", what, other_task.link);
	}
}

/* The same by other ways: EXT is of exceptions only, and two make a double fault. */
static void segments_that_are_wrong_behind_a_gate(void)
{
	prepare();
	gate_to(GATE_VECTOR, SEL_OTHER);
	other_task.ds = SEL_ANY;
	table[SEL_ANY / 8] &= ~ABSENT;
	asm volatile("int $0x70" : : : "memory");
	expect_task_trap("INT", VECTOR_NP, SEL_ANY);

	prepare();
	gate_to(VECTOR_UD, SEL_OTHER);
	other_task.ds = SEL_ANY;
	table[SEL_ANY / 8] &= ~ABSENT;
	work = WORK_MEND;
	TRY("ud2", : : : "memory");
	expect_task_trap("#UD", VECTOR_NP, SEL_ANY | 1);
}

static void twice_wrong_is_a_double_fault(void)
{
	prepare();
	gate_to(VECTOR_GP, SEL_OTHER);
	other_task.ds = SEL_ANY;
	table[SEL_ANY / 8] &= ~ABSENT;
	work = WORK_MEND;
	TRY("movl %%eax, %%es", : : "a"(0x7770) : "memory");
	expect_task_trap("#GP", VECTOR_DF, 0);
}

static void an_eip_beyond_the_segment(void)
{
	prepare();
	table[SEL_ANY / 8] = descriptor(0, 0xfff, 0x409b);
	other_task.cs = SEL_ANY;
	other_task.eip = 0x1000;
	call_task(SEL_OTHER);
	expect_task_trap("EIP", VECTOR_GP, 0);
	expect(task_trap.ip == 0x1000 && task_trap.cs == SEL_ANY, "at 0x%lx:0x%lx",
	       (unsigned long)task_trap.cs, (unsigned long)task_trap.ip);
	/* still a part of the delivery */
	prepare();
	gate_to(VECTOR_NP, SEL_OTHER);
	table[SEL_ANY / 8] = descriptor(0, 0xfff, 0x409b);
	table[SEL_CONFORMING / 8] &= ~ABSENT;
	other_task.cs = SEL_ANY;
	other_task.eip = 0x1000;
	work = WORK_MEND;
	TRY("movl %%eax, %%es", : : "a"(SEL_CONFORMING) : "memory");
	expect_task_trap("EIP behind a gate", VECTOR_DF, 0);
}

/* The handler needs a stack too: the outgoing one's is of no use, so its CPL is 3 here. */
static void no_room_for_the_error_code(void)
{
	prepare();
	gate_to(VECTOR_GP, SEL_OTHER);
	table[SEL_ANY / 8] = descriptor(0, 1, 0x40f3);
	other_task.eip = (uintptr_t)task_entry_error;
	other_task.cs = SEL_USER_CODE;
	other_task.ss = SEL_ANY | 3;
	other_task.ds = other_task.es = other_task.fs = other_task.gs = SEL_USER_DATA;
	work = WORK_MEND;
	TRY("movl %%eax, %%es", : : "a"(0x7770) : "memory");
	/* a second contributory exception */
	expect_task_trap("stack", VECTOR_DF, 0);
}

const struct check fault_checks[] = {
	{"tss-that-is-none", tss_that_is_none, 0},
	{"tss-that-just-fits", tss_that_just_fits, 0},
	{"no-room-for-the-old-task", no_room_for_the_old_task, 0},
	{"return-to-what-is-not-busy", return_to_what_is_not_busy, 0},
	{"segments-that-are-wrong", segments_that_are_wrong, 0},
	{"segments-that-are-wrong-behind-a-gate", segments_that_are_wrong_behind_a_gate, 0},
	{"twice-wrong-is-a-double-fault", twice_wrong_is_a_double_fault, 0},
	{"an-eip-beyond-the-segment", an_eip_beyond_the_segment, 0},
	{"no-room-for-the-error-code", no_room_for_the_error_code, 0},
};
const size_t fault_check_count = ARRAY_SIZE(fault_checks);
#endif
