/*
 * vmm/pcpu.h for the model: of a physical CPU what vmm/mail.c and vmm/loaded.c know of.
 */
#pragma once

#include <stdint.h>

#include "fpu/owner.h"
#include "lib/lock.h"
#include "vmm/mailbox.h"
#include "vmm/switch.h"

struct vcpu;

struct pcpu {
	struct {
		uint32_t id, lock_rank, apic_id;
		int32_t *volatile ask_at_nmi;
		uint8_t gdt[1], tss; /* their addresses are asked for */
	} cpu;
	struct fpu_cpu fpu;
	struct mailbox mail;
	struct {
		struct vcpu *vcpu;
		struct unswitched registers;
	} loaded;
	struct vcpu *scheduled;
	uint64_t switches, moves_in, tile_moves;
};

/* The one whose fiber runs. */
struct pcpu *this_pcpu(void);

struct pcpu *pcpu_at(uint32_t id);

static inline uint64_t pcpu_bit(const struct pcpu *pcpu)
{
	return 1ull << pcpu->cpu.id;
}

uint64_t pcpus_up(void);
