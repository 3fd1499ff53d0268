/*
 * The trace (`trace=on`): what the ownership core decides and what runs, in a ring per CPU. Nothing
 * is formatted while guests run; vmm/trace_records.c prints the rings when all have ended.
 *
 * Off, no memory is taken, and each decision costs a call that tests one flag. Entering a vCPU that
 * is resident and OPEN is no decision: on or off, the core calls nothing then.
 */
#pragma once

#include "fpu/context.h"
#include "fpu/trace_ring.h"

/* What is recorded besides the events of the ownership core. */
enum fpu_trace_event {
	FPU_TRACE_RUN = FPU_EVENTS, /* the CPU enters this vCPU next: another than before */
	FPU_TRACE_IDLE,		    /* the CPU halts until something can run */
	FPU_TRACE_EVENTS
};

/* What names a vCPU in an entry: the VM's place in the table of VMs, and the vCPU's own number. */
static inline uint32_t fpu_trace_id(uint32_t vm, uint32_t vcpu)
{
	return vm << 16 | vcpu;
}

static inline uint32_t fpu_trace_vm(uint32_t id)
{
	return id >> 16;
}

static inline uint32_t fpu_trace_vcpu(uint32_t id)
{
	return id & 0xffff;
}

/*
 * Starts the trace on a CPU, with a ring of so many entries, or fewer if memory is short, which is
 * warned of. At boot, after memory_init(), before fpu_cpu_init() of that CPU.
 */
void fpu_trace_start(uint32_t cpu, uint32_t entries);

/* Records an event of enum fpu_trace_event; fpu_hw_trace() does it for those of the core. */
void fpu_trace(const struct fpu_cpu *cpu, const struct fpu_context *context, unsigned int event);

/* A CPU's ring, or NULL if it has none. */
const struct trace_ring *fpu_trace_ring(uint32_t cpu);

/* The name of either kind of event in a @trace record. */
const char *fpu_trace_event_name(unsigned int event);
