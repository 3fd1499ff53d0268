#include "fpu/policy.h"
#include "tests/model/mail_invariants.h"
#include "tests/model/invariants.h"
#include "tests/model/operations.h"

void invariants_before_entry(struct model_cpu *cpu, const struct model_context *context)
{
	cpu->was_resident = fpu_resident(&cpu->pcpu.fpu, &context->vcpu.fpu.context);
	cpu->was_open = cpu->was_resident && context->vmcs == FPU_OPEN &&
			cpu->xcr0 == context->vcpu.fpu.context.xcr0;
}

/* Invariant 6. (A write of what is there already is found by the hardware.) */
void invariants_after_entry(const struct model_cpu *cpu)
{
	const struct work *work = &cpu->work;
	unsigned int moved = work->saves + work->loads + work->scrubs;

	require(!cpu->was_open || moved + work->xcr0 + work->states + work->ts_reads == 0,
		"invariant 6: work at an entry that needs none");
	require(!cpu->was_resident || (moved == 0 && work->xcr0 <= 1 && work->ts_reads == 0),
		"invariant 6: more than an XCR0 write at the entry of a resident context");
	require(work->saves <= 1 && work->loads + work->scrubs <= 1 && work->states <= 1,
		"invariant 6: two saves, loads or states at one entry");
}

/* Under these nothing foreign may be in the registers of a CPU that leaks, trap or no trap. */
static bool tolerates_residue(const struct fpu_cpu *cpu)
{
	return cpu->policy == FPU_LAZY || cpu->policy == FPU_UNLOAD || !cpu->leaks;
}

static void check_guest(const struct model_cpu *cpu)
{
	const struct model_context *context = &world.context[cpu->held];

	require(!cpu->ts_clear, "a guest runs inside a host section");
	require(cpu->xcr0 == context->vcpu.fpu.context.xcr0,
		"a guest runs under an XCR0 that is not its own");
	if (context->vmcs == FPU_OPEN)
		require(world_newest(cpu->held, cpu->registers),
			"invariant 1: OPEN without the context's newest value");
	else
		require(context->vmcs == (context->ts ? FPU_GUARDED : FPU_ARMED),
			"invariant 1: neither OPEN nor as the guest's TS asks");
	if (cpu->pcpu.fpu.policy == FPU_EAGER || cpu->pcpu.fpu.policy == FPU_SWAP)
		require(context->vmcs == FPU_OPEN, "a policy that always loads has armed");
	if (tolerates_residue(&cpu->pcpu.fpu))
		return;
	for (unsigned int k = 0; k < COMPONENTS; k++) {
		unsigned int domain = world_domain(cpu->registers[k]);

		require(domain == FPU_RESIDUE_INITIAL || domain == context->domain,
			"invariant 4: another domain's data in the registers of a running guest");
	}
}

/* Between two operations of the CPU its flags say the truth. */
static void check_idle(const struct model_cpu *cpu)
{
	for (unsigned int k = 0; k < COMPONENTS; k++) {
		unsigned int domain = world_domain(cpu->registers[k]);

		require(domain == FPU_RESIDUE_INITIAL || domain == cpu->pcpu.fpu.residue,
			"the residue is not what the registers hold");
	}
	require(cpu->xcr0 == cpu->pcpu.fpu.xcr0, "XCR0 is not what the core believes");
	require(!cpu->ts_clear && !cpu->pcpu.fpu.in_host_section, "a host section without an end");
}

/* The run loop takes the short way just as long as the core keeps its decision. */
static void check_kept(const struct model_cpu *cpu)
{
	const struct model_context *context = &world.context[cpu->held];

	require(context->short_way == fpu_ready(&cpu->pcpu.fpu, &context->vcpu.fpu.context),
		"invariant 7: a decision was dropped and the run loop not told");
}

static void check_context(unsigned int c)
{
	const struct model_context *context = &world.context[c];
	bool somewhere = world_newest(c, context->image);
	unsigned int homes = 0;

	for (unsigned int i = 0; i < configuration->cpus; i++) {
		const struct model_cpu *cpu = &world.cpu[i];
		bool newest = world_newest(c, cpu->registers);

		if (!fpu_resident(&cpu->pcpu.fpu, &context->vcpu.fpu.context))
			continue;
		homes++;
		if (cpu->operation == OPERATION_NONE)
			require(newest, "invariant 2: resident without the newest value");
		somewhere |= newest;
	}
	require(homes <= 1, "invariant 2: resident on two CPUs");
	require(somewhere, "invariant 3: the newest value is nowhere");
	require(context->vmcs == context->vcpu.fpu.context.state || world_is_held(c),
		"the VMCS is not as the core believes");
	require(!context->short_way || world_is_held(c) ||
			(configuration->mail && context->vcpu.pcpu &&
			 fpu_ready(&context->vcpu.pcpu->fpu, &context->vcpu.fpu.context)),
		"invariant 7: the run loop was not told that the context has left");
}

void invariants_check(void)
{
	for (unsigned int i = 0; i < configuration->cpus; i++) {
		const struct model_cpu *cpu = &world.cpu[i];

		if (cpu->operation != OPERATION_NONE)
			continue;
		check_idle(cpu);
		if (cpu->held != NOBODY)
			check_kept(cpu);
		if (cpu->in_guest)
			check_guest(cpu);
	}
	for (unsigned int c = 0; c < configuration->contexts; c++)
		if (world.context[c].life == LIFE_LIVE)
			check_context(c);
	if (configuration->mail)
		mail_invariants_check();
}
