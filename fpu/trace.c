#include "fpu/trace.h"

#include "boot/cpu.h"
#include "boot/layout.h"
#include "boot/memory.h"
#include "fpu/owner.h"
#include "lib/array.h"
#include "lib/console.h"
#include "lib/x86.h"

#define ENTRIES_MIN  16u
#define MEMORY_SHARE 8 /* of what is free, a ring takes no more than this part */

/* Written at boot. */
static bool on;

/* Each is written by its own CPU only. */
static struct trace_ring rings[MAX_CPUS];

void fpu_trace_start(uint32_t cpu, uint32_t entries)
{
	uint64_t limit = memory_free_bytes() / MEMORY_SHARE, address = 0;
	uint32_t size = entries;

	while (size > ENTRIES_MIN && size * sizeof(struct trace_entry) > limit)
		size /= 2;
	while (size >= ENTRIES_MIN && !address) {
		address = memory_alloc(size * sizeof(struct trace_entry), PAGE_SIZE);
		if (!address)
			size /= 2;
	}
	if (!address) {
		log_warning("trace=on: no memory for the ring of CPU %u: its events are not "
			    "recorded",
			    cpu);
		return;
	}
	if (size < entries)
		log_warning("trace=on: memory is short: the ring of CPU %u has %u entries, not %u",
			    cpu, size, entries);
	rings[cpu] = (struct trace_ring){.entries = (struct trace_entry *)address, .size = size};
	on = true;
}

static uint32_t id_of(const struct fpu_cpu *cpu, const struct fpu_context *context)
{
	if (!context)
		return TRACE_NONE;
	if (context == &cpu->host)
		return TRACE_HOST;
	return context->id;
}

static __attribute__((noinline, cold)) void
put(const struct fpu_cpu *cpu, const struct fpu_context *context, unsigned int event)
{
	struct trace_ring *ring = &rings[cpu->id];

	if (!ring->entries)
		return;
	*trace_ring_next(ring) = (struct trace_entry){
		.tsc = rdtsc(),
		.who = id_of(cpu, context),
		.owner = id_of(cpu, cpu->owner),
		.residue = cpu->residue,
		.event = (uint8_t)event,
		.policy = (uint8_t)cpu->policy,
	};
}

void fpu_trace(const struct fpu_cpu *cpu, const struct fpu_context *context, unsigned int event)
{
	if (__builtin_expect(on, 0))
		put(cpu, context, event);
}

void fpu_hw_trace(const struct fpu_cpu *cpu, const struct fpu_context *context,
		  enum fpu_event event)
{
	if (__builtin_expect(on, 0))
		put(cpu, context, event);
}

const struct trace_ring *fpu_trace_ring(uint32_t cpu)
{
	return rings[cpu].entries ? &rings[cpu] : NULL;
}

const char *fpu_trace_event_name(unsigned int event)
{
	static const char *const name[] = {
		[FPU_EVENT_NM] = "nm",
		[FPU_EVENT_SAVE] = "save",
		[FPU_EVENT_LOAD] = "load",
		[FPU_EVENT_SCRUB] = "scrub",
		[FPU_EVENT_FLUSH] = "flush",
		[FPU_EVENT_DROP] = "drop",
		[FPU_EVENT_ARM] = "arm",
		[FPU_EVENT_GUARD] = "guard",
		[FPU_EVENT_OPEN] = "open",
		[FPU_EVENT_HOST] = "host",
		[FPU_EVENT_HOST_END] = "host-end",
		[FPU_EVENT_RELEASE] = "release",
		[FPU_EVENT_POLICY] = "policy",
		[FPU_TRACE_RUN] = "run",
		[FPU_TRACE_IDLE] = "idle",
	};

	_Static_assert(ARRAY_SIZE(name) == FPU_TRACE_EVENTS, "a name each");
	return name[event];
}
