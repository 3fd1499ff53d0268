#include <stddef.h>
#include <string.h>

#include "fpu/policy.h"
#include "tests/model/access.h"
#include "tests/model/fiber.h"
#include "tests/model/hypervisor.h"
#include "tests/model/invariants.h"
#include "tests/model/operations.h"
#include "tests/model/run_loop.h"

static void send_nmi(const struct fpu_cpu *to)
{
	if (!to) {
		violation("must_flush of a context without a home");
		return;
	}
	if (world.cpu[to->id].kick == KICK_NONE)
		world.cpu[to->id].kick =
			configuration->operations & 1u << OPERATION_NMI ? KICK_SENT : KICK_SEEN;
}

/* The other CPU was asked to save; this one tries again later. */
static bool must_wait(const struct model_cpu *cpu, const struct model_context *context)
{
	if (!fpu_must_flush(&cpu->pcpu.fpu, &context->vcpu.fpu.context))
		return false;
	send_nmi(context->vcpu.fpu.context.home);
	return true;
}

/* Who is ready is entered without a call. */
static void enter(struct model_cpu *cpu, struct model_context *context)
{
	if (!fpu_ready(&cpu->pcpu.fpu, &context->vcpu.fpu.context)) {
		if (must_wait(cpu, context))
			return;
		invariants_before_entry(cpu, context);
		fpu_enter(&cpu->pcpu.fpu, &context->vcpu.fpu.context);
		invariants_after_entry(cpu);
		context->short_way = true;
	}
	fpu_entered(&cpu->pcpu.fpu, &context->vcpu.fpu.context, 1);
	cpu->in_guest = true;
}

static void put(struct model_cpu *cpu, struct model_context *context)
{
	fpu_leave(&cpu->pcpu.fpu, &context->vcpu.fpu.context);
	cpu->held = NOBODY;
}

static void read_image(struct model_cpu *cpu, struct model_context *context)
{
	if (must_wait(cpu, context))
		return;
	fpu_read(&cpu->pcpu.fpu, &context->vcpu.fpu.context);
	require(world_newest(cpu->held, context->image), "fpu_read: the image is not the newest");
}

static void new_image(struct model_cpu *cpu, struct model_context *context, bool initial)
{
	for (unsigned int k = 0; k < COMPONENTS; k++) {
		access_hook("write the image", GRAIN_SHARED);
		world_new_value(cpu->held, k, initial);
		context->image[k] = context->newest[k];
	}
}

static void write_image(struct model_cpu *cpu, struct model_context *context)
{
	if (must_wait(cpu, context))
		return;
	fpu_write(&cpu->pcpu.fpu, &context->vcpu.fpu.context);
	require(world_newest(cpu->held, context->image), "fpu_write: the image is not the newest");
	new_image(cpu, context, false);
}

static void reset(struct model_cpu *cpu, struct model_context *context)
{
	if (must_wait(cpu, context))
		return;
	context->vmcs = FPU_OPEN;
	fpu_reset(&cpu->pcpu.fpu, &context->vcpu.fpu.context, SUPERSET);
	new_image(cpu, context, true);
}

static void use(struct model_cpu *cpu, struct model_context *context)
{
	if (context->vmcs != FPU_OPEN) {
		cpu->in_guest = false;
		fpu_trap(&cpu->pcpu.fpu, &context->vcpu.fpu.context);
		require(world_newest(cpu->held, cpu->registers), "fpu_trap: not the newest value");
		return;
	}
	for (unsigned int k = 0; k < COMPONENTS; k++) {
		if (!(cpu->xcr0 & 1u << k))
			continue;
		require(cpu->registers[k] == context->newest[k],
			"invariant 4: a guest sees a value that is not its newest");
		world_new_value(cpu->held, k, false);
		cpu->registers[k] = context->newest[k];
	}
}

/* It exits where TS is forced. */
static void change_ts(struct model_cpu *cpu, struct model_context *context)
{
	context->ts = !context->ts;
	if (context->vmcs == FPU_OPEN)
		return;
	cpu->in_guest = false;
	fpu_guest_ts_changed(&cpu->pcpu.fpu, &context->vcpu.fpu.context, context->ts);
}

static void host_section(struct model_cpu *cpu)
{
	fpu_host_begin(&cpu->pcpu.fpu);
	require(cpu->ts_clear && cpu->xcr0 == SUPERSET, "the host may not use the registers");
	for (unsigned int k = 0; k < COMPONENTS; k++)
		cpu->registers[k] = VALUE_HOST;
	access_hook("in the host section", GRAIN_SHARED);
	fpu_host_end(&cpu->pcpu.fpu);
	require(!cpu->ts_clear, "root mode goes on with CR0.TS=0");
}

/* What it had in its registers is gone; the memory of the core is set up as at boot. */
static void offline(struct model_cpu *cpu)
{
	fpu_offline(&cpu->pcpu.fpu);
	require(!cpu->pcpu.fpu.owner && !cpu->pcpu.fpu.dirty, "fpu_offline: there is an owner");
	access_hook("reset", GRAIN_SHARED);
	memset(cpu->registers, VALUE_INITIAL, sizeof(cpu->registers));
	cpu->xcr0 = SUPERSET;
	fpu_cpu_init(&cpu->pcpu.fpu, (uint32_t)(cpu - world.cpu), cpu->pcpu.fpu.policy, true,
		     SUPERSET);
}

static void end(struct model_cpu *cpu, struct model_context *context)
{
	context->life = LIFE_ENDING;
	context->unreleased = (uint8_t)((1u << configuration->cpus) - 1);
	if (cpu->held == cpu->argument)
		cpu->held = NOBODY;
}

static void release(struct model_cpu *cpu, struct model_context *context)
{
	fpu_release(&cpu->pcpu.fpu, &context->vcpu.fpu.context);
	require(cpu->pcpu.fpu.owner != &context->vcpu.fpu.context, "fpu_release: still the owner");
	context->unreleased &= (uint8_t) ~(1u << (cpu - world.cpu));
	if (!context->unreleased)
		world_free((unsigned int)(context - world.context));
}

void hypervisor_reuse(struct model_cpu *cpu, struct model_context *context, unsigned int domain)
{
	cpu->held = (uint8_t)(context - world.context);
	context->life = LIFE_LIVE;
	context->domain = (uint8_t)domain;
	world_new_vcpu(cpu->held);
	cpu->held = NOBODY;
}

static void of_held(struct model_cpu *cpu, struct model_context *context)
{
	switch (cpu->operation) {
	case OPERATION_ENTER:
		enter(cpu, context);
		break;
	case OPERATION_PUT:
		put(cpu, context);
		break;
	case OPERATION_READ:
		read_image(cpu, context);
		break;
	case OPERATION_WRITE:
		write_image(cpu, context);
		break;
	case OPERATION_RESET:
		reset(cpu, context);
		break;
	case OPERATION_USE:
		use(cpu, context);
		break;
	case OPERATION_TS:
		change_ts(cpu, context);
		break;
	case OPERATION_XCR0:
		cpu->in_guest = false;
		fpu_set_xcr0(&cpu->pcpu.fpu, &context->vcpu.fpu.context, cpu->argument);
		break;
	case OPERATION_EXIT:
		cpu->in_guest = false;
		break;
	default:
		break;
	}
}

static void of_cpu(struct model_cpu *cpu)
{
	switch (cpu->operation) {
	case OPERATION_PICK:
		cpu->held = cpu->argument;
		break;
	case OPERATION_FLUSH:
		cpu->kick = KICK_NONE;
		fpu_flush(&cpu->pcpu.fpu);
		break;
	case OPERATION_HOST:
		host_section(cpu);
		break;
	case OPERATION_POLICY:
		fpu_set_policy(&cpu->pcpu.fpu, (enum fpu_policy)cpu->argument);
		break;
	case OPERATION_OFFLINE:
		offline(cpu);
		break;
	case OPERATION_END:
		end(cpu, &world.context[cpu->argument]);
		break;
	case OPERATION_RELEASE:
		release(cpu, &world.context[cpu->argument]);
		break;
	case OPERATION_REUSE:
		hypervisor_reuse(cpu, &world.context[cpu->argument % 4], cpu->argument / 4);
		break;
	default:
		of_held(cpu, &world.context[cpu->held]);
		break;
	}
}

void hypervisor_operation(void)
{
	struct model_cpu *cpu = &world.cpu[fiber_current()];

	if (!configuration->mail || !run_loop_operation(cpu))
		of_cpu(cpu);
	cpu->operation = OPERATION_NONE;
	cpu->argument = 0;
	cpu->answers = 0;
	cpu->was_resident = false;
	cpu->was_open = false;
	cpu->work = (struct work){};
}
