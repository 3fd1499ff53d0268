/*
 * Exceptions and interrupts of the guest itself.
 *
 * TRY(instruction, operands) runs one instruction and records what it raised in `trap`; execution
 * goes on behind it. Operands are as in extended asm, at least one colon: TRY("fnop", :). An
 * output that is not written when it faults must be "+". The instruction must leave the stack
 * pointer alone.
 *
 * DEFECT_EXCEPTION on the command line: an exception that the guest takes without an exit is spoilt
 * by the emulator (tools/defects.py), and is best left out.
 */
#pragma once

#include "guest.h"
#include "segments.h"

#define DEFECT_EXCEPTION "smp-exception-exit"

/* The same: an interrupt can come between STI and HLT, and then wakes nobody. */
#define DEFECT_STI "smp-sti-window"

struct frame {
#ifdef __x86_64__
	uint64_t ax, bx, cx, dx, si, di, bp, r8, r9, r10, r11, r12, r13, r14, r15;
#else
	uint32_t ax, bx, cx, dx, si, di, bp;
#endif
	uintptr_t vector, error, ip, cs, flags, sp, ss; /* 32-bit CPL 0: sp and ss are not there */
};

#define NO_TRAP (-1)

struct trap {
	int vector; /* NO_TRAP if there was none */
	uintptr_t error;
	uintptr_t ip;
	uintptr_t at; /* address of the instruction that was tried */
	uintptr_t cs;
	uintptr_t flags;
	uintptr_t ax;
};

extern struct trap trap;

/* Used by TRY only. */
extern uint32_t trap_at, trap_resume;
void trap_begin(void);
void trap_end(void);

#define TRY(instruction, ...) TRY_AFTER("", instruction, __VA_ARGS__)

/* The same with instructions before it that must not raise anything, such as a segment's load. */
#define TRY_AFTER(before, instruction, ...)                                                        \
	do {                                                                                       \
		trap_begin();                                                                      \
		asm volatile("movl $991f, trap_at\n\tmovl $992f, trap_resume\n\t" before "\n"      \
			     "991:\t" instruction "\n992:\tmovl $0, trap_resume" __VA_ARGS__);     \
		trap_end();                                                                        \
	} while (0)

/* Handles a vector before TRY sees it; true if it is dealt with. NULL removes it. */
typedef bool trap_handler(struct frame *frame);
void trap_handle(unsigned vector, trap_handler *handler);

/* Runs code at CPL 3 until its first exception, recorded in `trap`. USER_EXIT ends it quietly. */
void user_call(void (*code)(void), uintptr_t flags);
#define USER_EXIT_VECTOR 0x80
#define USER_EXIT()	 asm volatile("int $0x80" : : : "memory")

/* A function for user_call(), in assembly; it ends quietly if it gets to its end. */
#define USER_CODE(name, code)                                                                      \
	asm(".pushsection .text\n" #name ":\t" code "\n\tint $0x80\n\t.popsection");               \
	extern void name(void);

/* 64-bit: the n-th interrupt stack of the TSS, from 1. */
void trap_set_ist(unsigned n, uintptr_t top);

void trap_init(void);
void load_gdt_and_idt(void); /* again, after a test loaded others */

/* Interrupt gates, and the task state segment, for tests that bend them. */
struct gate {
	uint16_t offset_low, selector;
	uint8_t ist, type;
	uint16_t offset_middle;
#ifdef __x86_64__
	uint32_t offset_high, reserved;
#endif
} __attribute__((packed));

extern struct gate idt[256];
extern uint64_t gdt[];

struct descriptor_pointer {
	uint16_t limit;
	uintptr_t base;
} __attribute__((packed));

extern struct descriptor_pointer gdt_pointer;
extern char stack_top[];
