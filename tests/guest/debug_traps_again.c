/*
 * Instructions that the hypervisor runs a second time: a code breakpoint on one strikes once, and
 * what it raises itself pushes RF=1 (SDM Vol. 3B 17.3.1.1).
 */
#include "debug_traps.h"

/* A function for a breakpoint: NAME is it, NAME_here the instruction. */
#define AT_BREAKPOINT(name, instruction)                                                           \
	asm(".pushsection .text\n" #name ":\n" #name "_here:\t" instruction                        \
	    "\n\tret\n\t.popsection");                                                             \
	extern char name##_here[];                                                                 \
	void name(void)

#ifdef __x86_64__
AT_BREAKPOINT(set_cr4, "mov %rax, %cr4");
AT_BREAKPOINT(store_sse, "movups %xmm1, (%rax)");
#else
AT_BREAKPOINT(set_cr4, "mov %eax, %cr4");
AT_BREAKPOINT(store_sse, "movups %xmm1, (%eax)");
#endif
AT_BREAKPOINT(do_nop, "nop");
AT_BREAKPOINT(do_fnop, "fnop");
AT_BREAKPOINT(do_fwait, "fwait");
AT_BREAKPOINT(do_emms, "emms");
AT_BREAKPOINT(do_vmcall, "vmcall");

static uintptr_t call(const char *name, uintptr_t a, uintptr_t b, uintptr_t c)
{
	asm volatile("call *%[at]"
		     : "+a"(a), "+b"(b), "+c"(c)
		     : [at] "r"(name), "d"((uintptr_t)0)
		     : "memory");
	return a;
}

static bool expect_one_fault(const char *what, const char *here)
{
	return expect(seen.count == 1, "%s: %u #DBs instead of 1", what, seen.count) &&
	       expect(seen.at[0].ip == (uintptr_t)here, "%s: at 0x%lx instead of 0x%lx", what,
		      (unsigned long)seen.at[0].ip, (unsigned long)(uintptr_t)here) &&
	       expect((seen.at[0].dr6 & DR6_CAUSE) == DR6_B(0), "%s: DR6 is 0x%lx", what,
		      (unsigned long)seen.at[0].dr6);
}

/* The first MOV to CR4 that sets PKE. */
static void protection_keys(void)
{
	uintptr_t cr4 = read_cr4();

	if (cpuid(0, 0).eax < 7 || !(cpuid(7, 0).ecx & 8)) {
		skip("no protection keys");
		return;
	}
	traps_begin_faults((uintptr_t)set_cr4_here);
	call(set_cr4_here, cr4 | CR4_PKE, 0, 0);
	traps_end();
	expect_one_fault("MOV to CR4", set_cr4_here);
	expect(read_cr4() == (cr4 | CR4_PKE), "CR4 is 0x%lx", (unsigned long)read_cr4());
	write_cr4(cr4);
}

static uint8_t buffer[16];

/* Where the state is not in the registers these exit with #NM, and are run again. */
static void fpu_instructions(void)
{
	static const struct {
		const char *name, *here;
	} cases[] = {
		{"FNOP", do_fnop_here},
		{"FWAIT", do_fwait_here},
		{"EMMS", do_emms_here},
		{"MOVUPS", store_sse_here},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		traps_begin_faults((uintptr_t)cases[i].here);
		call(cases[i].here, (uintptr_t)buffer, 0, 0);
		traps_end();
		expect_one_fault(cases[i].name, cases[i].here);
	}
}

/* The #NM that the guest itself wants comes after the breakpoint and pushes RF. */
static void own_nm(void)
{
	write_cr0(read_cr0() | CR0_TS);
	traps_begin(0, 0);
	TRY("fnop", : : : "memory");
	traps_end();
	clts();
	expect(trap.vector == VECTOR_NM && trap.ip == trap.at, "vector %d", trap.vector);
	expect(trap.flags & FLAG_RF, "it pushes EFLAGS 0x%lx", (unsigned long)trap.flags);
}

/* Written in parts of 64 characters, each by the same VMCALL. */
static void console_write(void)
{
	static const char text[] =
		"0123456789012345678901234567890123456789012345678901234567890123"
		"4567890123456789012345678901234567890123456789012345678901234567"
		"89\n";
	uintptr_t result;

	traps_begin_faults((uintptr_t)do_vmcall_here);
	result = call(do_vmcall_here, HYPERCALL_CONSOLE_WRITE, (uintptr_t)text, sizeof(text) - 1);
	traps_end();
	expect(!result, "the hypercall gave %ld", (long)result);
	expect_one_fault("VMCALL", do_vmcall_here);
}

/* The first fetch from a large page of the EPT may exit, and is done again (multihit=split). */
static void first_fetch(void)
{
	enum { NOP = 0x90, RET = 0xc3 };
	volatile uint8_t *code = (volatile uint8_t *)(uintptr_t)0x600000;

	code[0] = NOP;
	code[1] = RET;
	traps_begin_faults((uintptr_t)code);
	call((const char *)(uintptr_t)code, 0, 0, 0);
	traps_end();
	expect_one_fault("the first fetch", (const char *)(uintptr_t)code);
}

/* Slices end, and timers come due, between a #DB's IRET and the instruction that it leads to. */
static void between_two_instructions(void)
{
	enum { TIMES = 3000 };

	traps_begin_faults((uintptr_t)do_nop_here);
	for (unsigned i = 0; i < TIMES; i++) {
		if (have_hypercalls() && i % 16 == 0)
			set_timer(VECTOR_TIMER, 1 + i % 50);
		if (have_hypercalls())
			sti();
		call(do_nop_here, 0, 0, 0);
		cli();
	}
	traps_end();
	expect(seen.count == TIMES, "%u #DBs instead of %u", seen.count, TIMES);
	if (have_hypercalls()) {
		expect(seen.interrupts > 50, "only %u interrupts", seen.interrupts);
		set_timer(VECTOR_TIMER, 0);
	}
}

const struct check again_checks[] = {
	{"again-protection-keys", protection_keys, 0},
	{"again-fpu", fpu_instructions, 0},
	{"again-own-nm", own_nm, 0},
	{"again-first-fetch", first_fetch, 0},
	{"again-console-write", console_write, NEEDS_HYPERCALL},
	{"again-between-two-instructions", between_two_instructions, 0},
};
const size_t again_check_count = ARRAY_SIZE(again_checks);
