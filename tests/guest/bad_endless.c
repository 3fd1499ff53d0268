/*
 * Exceptions whose delivery raises them again, so that no instruction of the guest ever completes.
 * On a real CPU no interrupt is taken in between: CVE-2015-8104 (#DB) and CVE-2015-5307 (#AC).
 */
#include "bad.h"

extern char endless_handler[];
asm(".pushsection .text\n"
    "endless_handler:\n\t"
    "nop\n\t"
    "jmp endless_handler\n\t"
    ".popsection");

static uint8_t stack[0x10000] __attribute__((aligned(0x1000)));

static void set_gate(unsigned vector, uint16_t selector, uint8_t ist, uint8_t type)
{
	uintptr_t at = (uintptr_t)endless_handler;

	idt[vector].offset_low = (uint16_t)at;
	idt[vector].offset_middle = (uint16_t)(at >> 16);
	idt[vector].selector = selector;
	idt[vector].ist = ist;
	idt[vector].type = type;
}

#ifdef __x86_64__
/* On a stack of its own, always the same: a breakpoint on the frame, and one on the handler. */
int endless_debug(void)
{
	uintptr_t top = (uintptr_t)stack + sizeof(stack);

	trap_set_ist(1, top);
	set_gate(VECTOR_DB, SEL_CODE, 1, 0x8e);
	write_dr0(top - 8);
	write_dr1((uintptr_t)endless_handler);
	write_dr7(0x400 | 0x2 | 0xbul << 16 | 0x8); /* 8 bytes read or written; execution */
	asm volatile("movq (%0), %%rax" : : "r"(top - 8) : "rax", "memory");
	asm volatile("int $1" : : : "memory");
	report_fail("db", "still alive");
	return report_end();
}
#else
/*
 * A breakpoint on the handler's first instruction. Each delivery goes further down the stack, which
 * is therefore one of 16 bits that wraps around.
 */
int endless_debug(void)
{
	uint64_t base = (uintptr_t)stack;

	gdt[SEL_SPARE / 8] = 0x000093000000ffff | (base & 0xffffff) << 16 | (base >> 24) << 56;
	set_gate(VECTOR_DB, SEL_CODE, 0, 0x8e);
	write_dr1((uintptr_t)endless_handler);
	write_dr7(0x400 | 0x8);
	asm volatile("movl %0, %%ss; movl $0xfff0, %%esp; jmp endless_handler"
		     :
		     : "r"(SEL_SPARE)
		     : "memory");
	__builtin_unreachable();
}
#endif

#ifdef __x86_64__
/* The 64-bit CPU aligns the stack, so that delivery is safe: endless, but with progress. */
USER_CODE(user_misaligned, "movl 1(%rsp), %eax")
#else
/* The handler runs at CPL 3 on the misaligned stack it is called with. */
USER_CODE(user_misaligned, "subl $2, %esp; movl (%esp), %eax")
#endif

static bool return_to_it(struct frame *frame)
{
	(void)frame;
	return true;
}

int endless_alignment(void)
{
	if (GUEST_BITS == 32)
		set_gate(VECTOR_AC, SEL_USER_CODE32, 0, 0xee);
	else
		trap_handle(VECTOR_AC, return_to_it);
	write_cr0(read_cr0() | CR0_AM);
	user_call(user_misaligned, FLAG_AC);
	report_fail("ac", "still alive: vector %d", trap.vector);
	return report_end();
}
