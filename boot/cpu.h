/*
 * What the lower floors keep per physical CPU. GS points to it in root mode (IA32_GS_BASE, and
 * VMCS HOST_GS_BASE carries it across VM exits). vmm/pcpu.h has it as its first member.
 * SDM Vol. 3A 3.5 (GDT), 7.2.3 and 7.7 (TSS), 6.14.5 (IST).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "boot/layout.h"
#include "boot/leftovers.h"
#include "boot/machine_check_severity.h"

#define MAX_CPUS 64 /* a set of CPUs is a word of 64 bits */

/* Stacks that the CPU changes to, by number of the interrupt stack table. */
enum ist {
	IST_NMI = 1,
	IST_DOUBLE_FAULT,
	IST_MACHINE_CHECK,
	IST_FAULT, /* every other exception: the stack itself may be what failed */
	IST_END
};

/* Below each stack is a page that the page tables leave out. */
struct cpu_stacks {
	uint8_t guard[PAGE_SIZE], stack[CPU_STACK_SIZE];
	struct {
		uint8_t guard[PAGE_SIZE], stack[IST_STACK_SIZE];
	} ist[IST_END - 1];
} __attribute__((aligned(PAGE_SIZE)));

/* The first CPU's, which boot/start.S begins on. */
extern struct cpu_stacks first_stacks;

struct tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3;
	uint16_t io_map_base;
} __attribute__((packed));

/* Its local APIC, by boot/apic.c. */
struct cpu_apic {
	bool present, x2apic;
	uint64_t base;
	uint64_t found; /* IA32_APIC_BASE as firmware left it */
};

/* A machine check that was not the hardware's, until it was handled (`crash=`). */
struct injected_check {
	bool active;
	uint64_t mcg_status;
	struct machine_check_bank bank;
};

struct cpu {
	struct cpu *self; /* at GS:0 */
	uint32_t id;
	uint32_t lock_rank; /* that it took last, or LOCK_NONE; lib/lock.h knows where these two are
			     */
	uint32_t apic_id;
	volatile uint32_t stage; /* enum cpu_stage: boot/smp.h */
	struct cpu_stacks *stacks;
	uint64_t gdt[5];
	struct tss tss;
	struct cpu_apic apic;
	struct leftovers leftovers;
	uint64_t mcg_cap; /* IA32_MCG_CAP, or 0: a handler cannot try whether it is there */
	struct injected_check injected;
	volatile bool in_nmi; /* in the NMI handler, where nothing may use the FPU */
	/* in the handler of a machine check that struck root mode, perhaps under a lock */
	volatile bool in_check;
	/*
	 * Where an NMI asks the run loop to look (its handler sets the sign bit), or NULL: see
	 * vmx/entry.h.
	 */
	int32_t *volatile ask_at_nmi;
	/* Counted by handlers, read by the run loop. */
	volatile uint64_t nmi_count;	       /* NMIs that arrived, in root mode or by VM exit */
	volatile uint64_t interrupt_count;     /* external interrupts */
	volatile uint64_t pit_interrupt_count; /* of these, the 8254's */
	/* that clock_interrupt_at() has set the APIC timer for, or 0 since it interrupted */
	volatile uint64_t timer_deadline;
};

static inline struct cpu *this_cpu(void)
{
	struct cpu *cpu;

	__asm__("mov %%gs:0, %0" : "=r"(cpu));
	return cpu;
}

/* All that are up, by number from 0; the first CPU adds each. */
void cpu_add(struct cpu *cpu);
extern struct cpu *cpus[MAX_CPUS];
extern volatile uint32_t cpu_count;

static inline struct cpu *cpu_at(uint32_t id)
{
	return cpus[id];
}

static inline uint32_t cpus_count(void)
{
	return cpu_count;
}

/*
 * On the CPU that it is for, all zeros but for its number and its stacks: makes GS point to it, and
 * loads its GDT and TSS.
 */
void cpu_enter(struct cpu *cpu);

/* The end of that of this CPU's stacks which an address is in, guard pages left out; 0: none. */
uint64_t cpu_stack_end(uint64_t address);

/*
 * Stacks for another CPU, whose guard pages are to be left out from now on; NULL: no memory, or
 * there are MAX_CPUS. Below 4 GiB, where a CPU begins. First CPU.
 */
struct cpu_stacks *cpu_make_stacks(void);

/* Whether a page of [start, end) is below one of any CPU's stacks. */
bool cpu_has_guard(uint64_t start, uint64_t end);

/* Calls unmap() for every page that is below one of these stacks. */
void cpu_for_each_guard(const struct cpu_stacks *stacks, void (*unmap)(uint64_t page));
