#include <stddef.h>
#include <string.h>

#include "fpu/policy.h"
#include "tests/model/access.h"
#include "tests/model/fiber.h"
#include "tests/model/hypervisor.h"
#include "tests/model/invariants.h"
#include "tests/model/operations.h"

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
	if (!fpu_must_flush(&cpu->core, &context->core))
		return false;
	send_nmi(context->core.home);
	return true;
}

/* Who is ready is entered without a call. */
static void enter(struct model_cpu *cpu, struct model_context *context)
{
	if (!fpu_ready(&cpu->core, &context->core)) {
		if (must_wait(cpu, context))
			return;
		invariants_before_entry(cpu, context);
		fpu_enter(&cpu->core, &context->core);
		invariants_after_entry(cpu);
		context->short_way = true;
	}
	fpu_entered(&cpu->core, &context->core, 1);
	cpu->in_guest = true;
}

static void put(struct model_cpu *cpu, struct model_context *context)
{
	fpu_leave(&cpu->core, &context->core);
	cpu->held = NOBODY;
}

static void read_image(struct model_cpu *cpu, struct model_context *context)
{
	if (must_wait(cpu, context))
		return;
	fpu_read(&cpu->core, &context->core);
	require(world_newest(cpu->held, context->image), "fpu_read: the image is not the newest");
}

static void new_image(struct model_cpu *cpu, struct model_context *context, bool initial)
{
	for (unsigned int k = 0; k < COMPONENTS; k++) {
		access_hook("write the image", true);
		world_new_value(cpu->held, k, initial);
		context->image[k] = context->newest[k];
	}
}

static void write_image(struct model_cpu *cpu, struct model_context *context)
{
	if (must_wait(cpu, context))
		return;
	fpu_write(&cpu->core, &context->core);
	require(world_newest(cpu->held, context->image), "fpu_write: the image is not the newest");
	new_image(cpu, context, false);
}

static void reset(struct model_cpu *cpu, struct model_context *context)
{
	if (must_wait(cpu, context))
		return;
	context->vmcs = FPU_OPEN;
	fpu_reset(&cpu->core, &context->core, SUPERSET);
	new_image(cpu, context, true);
}

static void use(struct model_cpu *cpu, struct model_context *context)
{
	if (context->vmcs != FPU_OPEN) {
		cpu->in_guest = false;
		fpu_trap(&cpu->core, &context->core);
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
	fpu_guest_ts_changed(&cpu->core, &context->core, context->ts);
}

static void host_section(struct model_cpu *cpu)
{
	fpu_host_begin(&cpu->core);
	require(cpu->ts_clear && cpu->xcr0 == SUPERSET, "the host may not use the registers");
	for (unsigned int k = 0; k < COMPONENTS; k++)
		cpu->registers[k] = VALUE_HOST;
	access_hook("in the host section", true);
	fpu_host_end(&cpu->core);
	require(!cpu->ts_clear, "root mode goes on with CR0.TS=0");
}

/* What it had in its registers is gone; the memory of the core is set up as at boot. */
static void offline(struct model_cpu *cpu)
{
	fpu_offline(&cpu->core);
	require(!cpu->core.owner && !cpu->core.dirty, "fpu_offline: there is an owner");
	access_hook("reset", true);
	memset(cpu->registers, VALUE_INITIAL, sizeof(cpu->registers));
	cpu->xcr0 = SUPERSET;
	fpu_cpu_init(&cpu->core, (uint32_t)(cpu - world.cpu), cpu->core.policy, true, SUPERSET);
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
	fpu_release(&cpu->core, &context->core);
	require(cpu->core.owner != &context->core, "fpu_release: still the owner");
	context->unreleased &= (uint8_t) ~(1u << (cpu - world.cpu));
	if (context->unreleased)
		return;
	require(!context->core.home, "fpu_release: still at home somewhere");
	world_forget((unsigned int)(context - world.context));
	memset(&context->core, 0xee, sizeof(context->core));
	context->domain = 0;
	context->ts = false;
	context->short_way = false;
	context->life = LIFE_FREE;
}

/* Whoever makes a context holds it meanwhile. */
static void reuse(struct model_cpu *cpu, struct model_context *context, unsigned int domain)
{
	cpu->held = (uint8_t)(context - world.context);
	context->life = LIFE_LIVE;
	context->domain = (uint8_t)domain;
	context->vmcs = FPU_OPEN;
	fpu_context_init(&context->core, cpu->held, domain, SUPERSET);
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
		fpu_set_xcr0(&cpu->core, &context->core, cpu->argument);
		break;
	case OPERATION_EXIT:
		cpu->in_guest = false;
		break;
	default:
		break;
	}
}

void hypervisor_operation(void)
{
	struct model_cpu *cpu = &world.cpu[fiber_current()];

	switch (cpu->operation) {
	case OPERATION_PICK:
		cpu->held = cpu->argument;
		break;
	case OPERATION_FLUSH:
		cpu->kick = KICK_NONE;
		fpu_flush(&cpu->core);
		break;
	case OPERATION_HOST:
		host_section(cpu);
		break;
	case OPERATION_POLICY:
		fpu_set_policy(&cpu->core, (enum fpu_policy)cpu->argument);
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
		reuse(cpu, &world.context[cpu->argument % 4], cpu->argument / 4);
		break;
	default:
		of_held(cpu, &world.context[cpu->held]);
		break;
	}
	cpu->operation = OPERATION_NONE;
	cpu->argument = 0;
	cpu->answers = 0;
	cpu->was_resident = false;
	cpu->was_open = false;
	cpu->work = (struct work){};
}
