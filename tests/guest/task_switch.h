/* What the tables of task switches share. 32-bit only. */
#pragma once

#include "support/fpu.h"
#include "support/guest.h"
#include "support/trap.h"

#ifndef __x86_64__
struct task32 {
	uint32_t link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags;
	uint32_t eax, ecx, edx, ebx, esp, ebp, esi, edi;
	uint32_t es, cs, ss, ds, fs, gs, ldt;
	uint16_t trap, io_map;
};

struct task16 {
	uint16_t link, sp0, ss0, sp1, ss1, sp2, ss2, ip, flags;
	uint16_t ax, cx, dx, bx, sp, bp, si, di;
	uint16_t es, cs, ss, ds, ldt;
};

/* Beside the entries of support/segments.h */
#define SEL_MAIN       0x60
#define SEL_OTHER      0x68
#define SEL_THIRD      0x70
#define SEL_TASK16     0x78
#define SEL_TASK_GATE  0x80
#define SEL_LDT	       0x88
#define SEL_ANY	       0x90 /* what a check makes of it */
#define SEL_CODE_BASED 0x98 /* 32-bit code that begins at entry16 */
#define SEL_CONFORMING 0xa0
#define TABLE_ENTRIES  24

#define BUSY	    0x02u /* in a TSS's type */
#define IN_LDT	    0x04u
#define FLAG_NT	    0x4000u
#define FLAG_VM	    0x20000u
#define STACK16	    0x7000u /* free in low memory */
#define DR6_BT	    0x8000u
#define GATE_VECTOR 0x70
#define WINDOW	    0x40000000u /* what memory checks map otherwise */

/* Words on the command line: defects of the machine below (tools/defects.py) that spoil something.
 */
#define DEFECT_CPL  "entry-cpl-of-cs" /* what faults before SS can be used */
#define DEFECT_HELD "task-exit-mov-ss"

extern uint64_t table[TABLE_ENTRIES];
extern uint64_t ldt[4];
extern struct task32 main_task, other_task, third_task;
extern struct task16 task16;

uint64_t descriptor(uint32_t base, uint32_t limit, uint16_t rights);

/* The type of a descriptor, with S, DPL and P. */
uint8_t type_of(uint16_t selector);

/* All as it is at first: tables, tasks that return by IRET, and nothing seen. */
void prepare(void);

/* Has a vector lead to a task. */
void gate_to(unsigned vector, uint16_t selector);

void call_task(uint16_t selector);
void jump_to_task(uint16_t selector);

/* What a task does when it is entered, before it goes back. */
enum task_work {
	WORK_RETURN,	 /* by IRET */
	WORK_JUMP,	 /* to the main task */
	WORK_CALL_THIRD, /* and then IRET */
	WORK_MEND,	 /* what faulted has 2 bytes, and is left out; IRET */
	WORK_READ_WINDOW,
	WORK_WAIT_NMI, /* NMIs come, and have to wait */
};

/* What the task saw that was entered last. */
struct seen {
	unsigned count;
	uint32_t registers[8]; /* as PUSHA has them: EDI first */
	uint32_t flags, error, cr0, cr3, dr7;
	uint16_t es, cs, ss, ds, fs, gs, tr, ldt;
	uint16_t link;
	uint8_t type, main_type;
	uint32_t value;
	uintptr_t main_eip, main_flags;
};

extern volatile struct seen seen, seen_third;
extern volatile enum task_work work;
extern volatile uint32_t task_error, nested16;
extern char task_entry[], task_entry_error[], entry16[], entry16_error[];

/* An exception that came in another task than the main one, which was then gone back to. */
struct task_trap {
	int vector;
	uintptr_t error, ip, cs, flags, ax;
	uint32_t dr6;
	uint16_t tr;
	uint8_t main_type;
};

extern volatile struct task_trap task_trap;

static inline uint16_t read_tr(void)
{
	uint16_t selector;

	asm volatile("str %0" : "=r"(selector));
	return selector;
}

extern const struct check switch_checks[], event_checks[], fault_checks[], memory_checks[];
extern const size_t switch_check_count, event_check_count, fault_check_count, memory_check_count;
#endif
