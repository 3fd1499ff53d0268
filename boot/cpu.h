/*
 * What the lower floors keep per physical CPU. GS points to it in root mode (IA32_GS_BASE, and
 * VMCS HOST_GS_BASE carries it across VM exits). vmm/pcpu.h has it as its first member.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define MAX_CPUS 64

struct tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3;
	uint16_t io_map_base;
} __attribute__((packed));

struct cpu {
	struct cpu *self; /* at GS:0 */
	uint32_t id;
	uint32_t apic_id;
	uint64_t gdt[5];
	struct tss tss;
	volatile bool in_nmi; /* in the NMI handler, where nothing may use the FPU */
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

/* Makes GS point to a CPU's structure. */
void cpu_set_this(struct cpu *cpu);
