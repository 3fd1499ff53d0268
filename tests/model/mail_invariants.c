#include "tests/model/mail_invariants.h"
#include "tests/model/world.h"

/* It is told, or whoever has set a word is about to tell it. */
static void check_told(const struct model_cpu *cpu)
{
	const struct mailbox *mail = &cpu->pcpu.mail;
	bool told = cpu->kick == KICK_SENT || cpu->unsent;

	require(!cpu->in_guest || !mail->from || told,
		"invariant 10: a guest runs on, with mail waiting and no NMI under way");
	require(!cpu->halted || !(mail->from || mail->kicked || cpu->wanted) || told,
		"invariant 10: a CPU sleeps, with mail or work waiting and no NMI under way");
}

static void check_cpu(const struct model_cpu *cpu)
{
	const struct pcpu *pcpu = &cpu->pcpu;

	require(!pcpu->loaded.vcpu || pcpu->loaded.vcpu->pcpu == pcpu,
		"invariant 8: a vCPU is loaded on a CPU that does not have it");
	require(!pcpu->scheduled || pcpu->scheduled->pcpu == pcpu,
		"invariant 8: a vCPU is scheduled on a CPU that does not have it");
	check_told(cpu);
}

static void check_vcpu(unsigned int c)
{
	const struct model_context *context = &world.context[c];
	bool newest = context->vcpu.unswitched.msr[UNSWITCHED_MSR] == UNSWITCHED_OF(c);
	bool tiles = !context->vcpu.tiles.used || context->vcpu.tiles.value == TILES_OF(c);

	for (unsigned int i = 0; i < configuration->cpus; i++) {
		const struct model_cpu *cpu = &world.cpu[i];
		bool has = context->vcpu.pcpu == &cpu->pcpu;

		require(has || !(cpu->vmcs_active & 1u << c) ||
				(cpu->operation && cpu->held == c && !context->vcpu.pcpu),
			"invariant 8: a VMCS is active on a CPU that does not have the vCPU");
		newest |= cpu->unswitched == UNSWITCHED_OF(c) && has &&
			  cpu->pcpu.loaded.vcpu == &context->vcpu;
		tiles |= cpu->tiles == TILES_OF(c) && has;
	}
	require(newest, "invariant 9: the newest unswitched registers are nowhere");
	require(tiles, "invariant 9: the newest tiles are nowhere");
	require(context->vcpu.launched == context->vmcs_launched || world_is_held(c),
		"invariant 8: whether a VMCS is launched is not as vmm/loaded.c believes");
}

void mail_invariants_check(void)
{
	for (unsigned int i = 0; i < configuration->cpus; i++)
		check_cpu(&world.cpu[i]);
	for (unsigned int c = 0; c < configuration->contexts; c++)
		if (world.context[c].life == LIFE_LIVE)
			check_vcpu(c);
}
