#include <stddef.h>

#include "fpu/owner.h"
#include "fpu/policy.h"
#include "lib/assert.h"

void fpu_cpu_init(struct fpu_cpu *cpu, uint32_t id, enum fpu_policy policy, bool leaks,
		  uint64_t superset)
{
	*cpu = (struct fpu_cpu){
		.id = id,
		.policy = policy,
		.leaks = leaks,
		.residue = FPU_RESIDUE_INITIAL,
		.xcr0 = superset,
		.superset = superset,
	};
	fpu_context_init(&cpu->host, id, FPU_DOMAIN_HOST, superset);
}

void fpu_context_init(struct fpu_context *context, uint32_t id, uint32_t domain, uint64_t xcr0)
{
	*context =
		(struct fpu_context){.id = id, .domain = domain, .state = FPU_OPEN, .xcr0 = xcr0};
}

/* Something changes that the last fpu_enter() looked at or did. */
static void drop_decision(struct fpu_cpu *cpu)
{
	struct fpu_context *context = cpu->ready;

	if (!context)
		return;
	cpu->ready = NULL;
	fpu_hw_stale(context);
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

/* What the registers hold that is nowhere else goes to its owner's image. */
static void save(struct fpu_cpu *cpu)
{
	struct fpu_context *owner = cpu->owner;
	uint64_t bytes;

	if (!cpu->dirty)
		return;
	assert(fpu_resident(cpu, owner));
	set_xcr0(cpu, cpu->superset);
	bytes = fpu_hw_save(owner);
	cpu->counters.saves++;
	cpu->counters.bytes += bytes;
	owner->counters.saves++;
	owner->counters.bytes += bytes;
	fpu_hw_trace(cpu, owner, FPU_EVENT_SAVE);
	compiler_barrier();
	cpu->dirty = false; /* last: another CPU may enter the owner from here on */
}

/* Of a context that is resident or has nothing to lose here. The residue stays. */
static void disown(struct fpu_cpu *cpu, struct fpu_context *context)
{
	if (cpu->owner != context)
		return;
	fpu_hw_trace(cpu, context, FPU_EVENT_DROP);
	cpu->owner = NULL;
}

static void load(struct fpu_cpu *cpu, struct fpu_context *context)
{
	uint64_t bytes;

	assert(!fpu_resident(cpu, context) && !cpu->in_host_section);
	assert(!fpu_must_flush(cpu, context));
	save(cpu);
	set_xcr0(cpu, cpu->superset);
	bytes = fpu_hw_load(context);
	fpu_hw_trace(cpu, context, FPU_EVENT_LOAD);
	cpu->owner = context;
	cpu->residue = context->domain;
	context->home = cpu;
	cpu->counters.loads++;
	cpu->counters.bytes += bytes;
	context->counters.loads++;
	context->counters.bytes += bytes;
}

static void scrub(struct fpu_cpu *cpu, struct fpu_context *context)
{
	uint64_t bytes;

	save(cpu);
	set_xcr0(cpu, cpu->superset);
	bytes = fpu_hw_scrub();
	fpu_hw_trace(cpu, context, FPU_EVENT_SCRUB);
	cpu->owner = NULL;
	cpu->residue = FPU_RESIDUE_INITIAL;
	cpu->counters.scrubs++;
	cpu->counters.bytes += bytes;
	context->counters.scrubs++;
	context->counters.bytes += bytes;
}

/* Not resident, and about to be entered. */
static void prepare(struct fpu_cpu *cpu, struct fpu_context *context)
{
	switch (fpu_policy_choose(cpu, context)) {
	case FPU_CHOOSE_LOAD:
		load(cpu, context);
		cpu->counters.preloads++;
		context->counters.preloads++;
		break;
	case FPU_CHOOSE_SCRUB:
		scrub(cpu, context);
		break;
	case FPU_CHOOSE_ARM:
		break;
	}
}

void fpu_enter(struct fpu_cpu *cpu, struct fpu_context *context)
{
	assert(!cpu->in_host_section);
	cpu->ready = NULL;
	if (!fpu_resident(cpu, context))
		prepare(cpu, context);
	if (fpu_resident(cpu, context)) {
		set_state(cpu, context, FPU_OPEN);
		compiler_barrier(); /* fpu_must_flush() reads dirty, then owner */
		cpu->dirty = true;
	} else {
		set_state(cpu, context, fpu_hw_guest_ts(context) ? FPU_GUARDED : FPU_ARMED);
	}
	set_xcr0(cpu, context->xcr0);
	cpu->ready = context;
}

void fpu_entered(struct fpu_cpu *cpu, struct fpu_context *context, uint64_t entries)
{
	cpu->counters.entries += entries;
	context->counters.entries += entries;
	if (context->state == FPU_OPEN)
		return;
	cpu->counters.armed += entries;
	context->counters.armed += entries;
}

void fpu_trap(struct fpu_cpu *cpu, struct fpu_context *context)
{
	assert(context->state != FPU_OPEN);
	drop_decision(cpu);
	cpu->counters.nm++;
	context->counters.nm++;
	fpu_hw_trace(cpu, context, FPU_EVENT_NM);
	fpu_policy_saw_use(context);
	load(cpu, context);
}

void fpu_guest_ts_changed(struct fpu_cpu *cpu, struct fpu_context *context, bool ts)
{
	struct fpu_context *ready = cpu->ready;

	if (context->state == FPU_OPEN)
		return;
	cpu->ready = NULL; /* not while its state is another one than its TS asks for */
	set_state(cpu, context, ts ? FPU_GUARDED : FPU_ARMED);
	cpu->ready = ready;
}

void fpu_set_xcr0(struct fpu_cpu *cpu, struct fpu_context *context, uint64_t value)
{
	context->xcr0 = value;
	if (fpu_ready(cpu, context))
		set_xcr0(cpu, value);
}

void fpu_leave(struct fpu_cpu *cpu, struct fpu_context *context)
{
	drop_decision(cpu);
	fpu_policy_saw_leave(context);
	if (!fpu_policy_unloads(cpu->policy) || !fpu_resident(cpu, context))
		return;
	save(cpu);
	disown(cpu, context);
}

void fpu_flush(struct fpu_cpu *cpu)
{
	if (!cpu->dirty)
		return;
	drop_decision(cpu);
	cpu->counters.flushes++;
	cpu->owner->counters.flushes++;
	fpu_hw_trace(cpu, cpu->owner, FPU_EVENT_FLUSH);
	save(cpu);
}

void fpu_offline(struct fpu_cpu *cpu)
{
	assert(!cpu->in_host_section);
	drop_decision(cpu);
	fpu_flush(cpu);
	if (cpu->owner)
		disown(cpu, cpu->owner);
}

void fpu_set_policy(struct fpu_cpu *cpu, enum fpu_policy policy)
{
	drop_decision(cpu);
	cpu->policy = policy;
	fpu_hw_trace(cpu, &cpu->host, FPU_EVENT_POLICY);
}

void fpu_host_begin(struct fpu_cpu *cpu)
{
	assert(!cpu->in_host_section);
	drop_decision(cpu);
	save(cpu);
	set_xcr0(cpu, cpu->superset);
	fpu_hw_trace(cpu, &cpu->host, FPU_EVENT_HOST);
	cpu->owner = &cpu->host;
	cpu->host.home = cpu;
	cpu->residue = FPU_DOMAIN_HOST;
	cpu->in_host_section = true;
	cpu->counters.host++;
	fpu_hw_host_section(true);
}

void fpu_host_end(struct fpu_cpu *cpu)
{
	assert(cpu->in_host_section && cpu->owner == &cpu->host);
	fpu_hw_host_section(false);
	cpu->in_host_section = false;
	fpu_hw_trace(cpu, &cpu->host, FPU_EVENT_HOST_END);
}

void fpu_read(struct fpu_cpu *cpu, struct fpu_context *context)
{
	assert(!fpu_must_flush(cpu, context));
	if (!fpu_resident(cpu, context))
		return;
	drop_decision(cpu);
	save(cpu);
}

void fpu_write(struct fpu_cpu *cpu, struct fpu_context *context)
{
	fpu_read(cpu, context);
	disown(cpu, context);
	context->home = NULL;
}

void fpu_reset(struct fpu_cpu *cpu, struct fpu_context *context, uint64_t xcr0)
{
	drop_decision(cpu);
	context->state = FPU_OPEN;
	context->xcr0 = xcr0;
	fpu_write(cpu, context);
}

void fpu_release(struct fpu_cpu *cpu, struct fpu_context *context)
{
	drop_decision(cpu);
	if (cpu->owner == context) {
		disown(cpu, context);
		cpu->dirty = false;
	}
	if (context->home == cpu) /* else the CPU that it names may have to save it yet */
		context->home = NULL;
	fpu_hw_trace(cpu, context, FPU_EVENT_RELEASE);
}
