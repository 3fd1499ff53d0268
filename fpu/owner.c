#include <stddef.h>

#include "fpu/owner.h"
#include "lib/assert.h"

void fpu_cpu_init(struct fpu_cpu *cpu, uint32_t id, enum fpu_policy policy, uint64_t superset)
{
	*cpu = (struct fpu_cpu){
		.id = id,
		.policy = policy,
		.residue = FPU_RESIDUE_INITIAL,
		.xcr0 = superset,
		.superset = superset,
	};
	fpu_context_init(&cpu->host, FPU_DOMAIN_HOST, superset);
}

void fpu_context_init(struct fpu_context *context, uint32_t domain, uint64_t xcr0)
{
	*context = (struct fpu_context){.domain = domain, .state = FPU_OPEN, .xcr0 = xcr0};
}

static void set_xcr0(struct fpu_cpu *cpu, uint64_t value)
{
	if (cpu->xcr0 == value)
		return;
	fpu_hw_write_xcr0(value);
	cpu->xcr0 = value;
	cpu->counters.xcr0++;
}

static void set_state(struct fpu_cpu *cpu, struct fpu_context *context, enum fpu_state state)
{
	static const enum fpu_event event[] = {FPU_EVENT_OPEN, FPU_EVENT_ARM, FPU_EVENT_GUARD};
	unsigned int writes;

	if (context->state == state)
		return;
	writes = fpu_hw_set_state(context, state);
	context->state = state;
	cpu->counters.ts_writes += writes;
	context->counters.ts_writes += writes;
	fpu_hw_trace(cpu, context, event[state]);
}

static void save(struct fpu_cpu *cpu, struct fpu_context *context)
{
	uint64_t bytes;

	if (!fpu_resident(cpu, context) || !context->dirty)
		return;
	set_xcr0(cpu, cpu->superset);
	bytes = fpu_hw_save(context);
	context->dirty = false;
	cpu->counters.saves++;
	cpu->counters.bytes += bytes;
	context->counters.saves++;
	context->counters.bytes += bytes;
	fpu_hw_trace(cpu, context, FPU_EVENT_SAVE);
}

/* Whatever the registers hold that is nowhere else goes to its image. */
static void save_owner(struct fpu_cpu *cpu)
{
	if (cpu->owner)
		save(cpu, cpu->owner);
}

static void load(struct fpu_cpu *cpu, struct fpu_context *context)
{
	uint64_t bytes;

	assert(!fpu_resident(cpu, context) && !cpu->in_host_section);
	/* migration has flushed it, if it was newer in another CPU's registers */
	assert(!context->dirty);
	save_owner(cpu);
	set_xcr0(cpu, cpu->superset);
	bytes = fpu_hw_load(context);
	cpu->owner = context;
	cpu->residue = context->domain;
	context->home = cpu;
	context->dirty = false;
	cpu->counters.loads++;
	cpu->counters.bytes += bytes;
	context->counters.loads++;
	context->counters.bytes += bytes;
	fpu_hw_trace(cpu, context, FPU_EVENT_LOAD);
}

void fpu_enter(struct fpu_cpu *cpu, struct fpu_context *context)
{
	assert(!cpu->in_host_section);
	cpu->counters.entries++;
	context->counters.entries++;
	if (fpu_resident(cpu, context)) {
		cpu->counters.resident++;
		context->counters.resident++;
	} else if (cpu->policy == FPU_EAGER) {
		load(cpu, context);
		cpu->counters.preloads++;
		context->counters.preloads++;
	}
	if (fpu_resident(cpu, context)) {
		set_state(cpu, context, FPU_OPEN);
		context->dirty = true;
	} else {
		set_state(cpu, context, fpu_hw_guest_ts(context) ? FPU_GUARDED : FPU_ARMED);
		cpu->counters.armed++;
		context->counters.armed++;
	}
	set_xcr0(cpu, context->xcr0);
}

void fpu_trap(struct fpu_cpu *cpu, struct fpu_context *context)
{
	assert(context->state != FPU_OPEN);
	cpu->counters.nm++;
	context->counters.nm++;
	fpu_hw_trace(cpu, context, FPU_EVENT_NM);
	load(cpu, context);
}

void fpu_leave(struct fpu_cpu *cpu, struct fpu_context *context)
{
	if (cpu->policy != FPU_UNLOAD || !fpu_resident(cpu, context))
		return;
	save(cpu, context);
	cpu->owner = NULL;
}

void fpu_host_begin(struct fpu_cpu *cpu)
{
	assert(!cpu->in_host_section);
	save_owner(cpu);
	set_xcr0(cpu, cpu->superset);
	cpu->owner = &cpu->host;
	cpu->host.home = cpu;
	cpu->residue = FPU_DOMAIN_HOST;
	cpu->in_host_section = true;
	cpu->counters.host++;
	fpu_hw_trace(cpu, &cpu->host, FPU_EVENT_HOST);
	fpu_hw_host_section(true);
}

void fpu_host_end(struct fpu_cpu *cpu)
{
	assert(cpu->in_host_section && cpu->owner == &cpu->host);
	fpu_hw_host_section(false);
	cpu->in_host_section = false;
}

void fpu_read(struct fpu_cpu *cpu, struct fpu_context *context)
{
	assert(!context->dirty || fpu_resident(cpu, context));
	save(cpu, context);
}

void fpu_write(struct fpu_cpu *cpu, struct fpu_context *context)
{
	assert(!context->dirty || fpu_resident(cpu, context));
	save(cpu, context);
	if (cpu->owner == context)
		cpu->owner = NULL;
	context->home = NULL;
}

void fpu_release(struct fpu_cpu *cpu, struct fpu_context *context)
{
	if (cpu->owner == context)
		cpu->owner = NULL;
	context->home = NULL;
	context->dirty = false;
	fpu_hw_trace(cpu, context, FPU_EVENT_RELEASE);
}
