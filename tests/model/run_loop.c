#include <stddef.h>
#include <string.h>

#include "tests/model/access.h"
#include "tests/model/hypervisor.h"
#include "tests/model/invariants.h"
#include "tests/model/operations.h"
#include "tests/model/run_loop.h"
#include "tests/model/vmx.h"
#include "vmm/loaded.h"
#include "vmm/mail.h"
#include "vmm/vm.h"
#include "vmx/entry.h"

/* vmm/sched/slice.c */
static void deschedule(struct pcpu *pcpu)
{
	if (pcpu->scheduled)
		fpu_leave(&pcpu->fpu, &pcpu->scheduled->fpu.context);
	pcpu->scheduled = NULL;
}

/* A turn begins: the vCPU has been taken from a queue, whose lock is the last that was held. */
static void begin_turn(struct pcpu *pcpu, struct vcpu *vcpu)
{
	if (pcpu->scheduled != vcpu)
		deschedule(pcpu);
	loaded_take(pcpu, vcpu);
	pcpu->scheduled = vcpu;
}

/* vmm/sched/enter.c; what follows the last look at entries_left is one window (vmx/entry.S). */
static void enter(struct model_cpu *cpu, struct model_context *context)
{
	struct pcpu *pcpu = &cpu->pcpu;
	struct vcpu *vcpu = &context->vcpu;

	vcpu->guest.entries_left = 1;
	if (pcpu->mail.from)
		vmx_ask_to_return(&vcpu->guest.entries_left);
	if (!fpu_ready(&pcpu->fpu, &vcpu->fpu.context)) {
		invariants_before_entry(cpu, context);
		fpu_enter(&pcpu->fpu, &vcpu->fpu.context);
		invariants_after_entry(cpu);
		context->short_way = true;
		context->may_be_newer |= context->vmcs == FPU_OPEN;
	}
	if (vcpu->guest.entries_left < 0)
		return;
	vmx_guest_runs(cpu, cpu->held, vcpu->launched);
	vcpu->launched = true;
	fpu_entered(&pcpu->fpu, &vcpu->fpu.context, 1);
	cpu->in_guest = true;
}

/* boot/halt.S */
static void halt_unless(struct model_cpu *cpu, const struct mailbox *mail)
{
	cpu->nmi_window = true;
	if (!(mail->from | mail->kicked)) {
		access_hook("HLT", GRAIN_MAIL);
		if (cpu->nmi_window) {
			cpu->halted = true;
			access_hook("halted, until an NMI", GRAIN_MAIL);
		}
	}
	cpu->nmi_window = false;
}

/* vmm/sched/idle.c; no timer wakes it. */
static void idle(struct model_cpu *cpu)
{
	bool has_work;

	access_hook("look for work", GRAIN_MAIL);
	has_work = cpu->wanted;
	cpu->wanted = false;
	if (!has_work) {
		deschedule(&cpu->pcpu);
		halt_unless(cpu, &cpu->pcpu.mail);
	}
	cpu->pcpu.mail.kicked = 0;
}

/* There is something for another CPU to do: a vCPU waits for it, or the last VM has ended. */
static void wake(struct model_cpu *other)
{
	access_hook("make work", GRAIN_MAIL);
	other->wanted = true;
	other->unsent = true;
	mail_kick(&other->pcpu);
}

/* vmm/fpu_policy.c: from an exit handler, or the console. */
static void set(struct pcpu *pcpu, void *policy)
{
	enum fpu_policy wanted = *(const enum fpu_policy *)policy;

	if (pcpu->fpu.policy != wanted)
		fpu_set_policy(&pcpu->fpu, wanted);
}

static void set_policy(enum fpu_policy policy)
{
	mail_ask(pcpus_up(), set, &policy);
}

/* vmm/vm_parts.c. In a turn of its own. */
static void end(struct model_cpu *cpu, struct model_context *context)
{
	unsigned int c = cpu->held;

	context->life = LIFE_ENDING;
	mail_ask(pcpus_up(), loaded_forget, context->vcpu.vm);
	require(!context->vcpu.pcpu, "a VM ends that a CPU has");
	vmx_check_forgotten(c);
	world_free(c);
	cpu->held = NOBODY;
}

/* Between two turns. What is in its registers and caches is lost. */
static void offline(struct model_cpu *cpu)
{
	struct pcpu *pcpu = &cpu->pcpu;

	for (unsigned int c = 0; c < configuration->contexts; c++)
		if (world.context[c].life != LIFE_FREE)
			loaded_give_up(pcpu, &world.context[c].vcpu);
	fpu_offline(&pcpu->fpu);
	require(!pcpu->fpu.owner && !pcpu->fpu.dirty, "fpu_offline: there is an owner");
	require(!pcpu->loaded.vcpu && !pcpu->scheduled && !cpu->vmcs_active,
		"a CPU that stops has a vCPU");
	access_hook("reset", GRAIN_MAIL);
	memset(cpu->registers, VALUE_INITIAL, sizeof(cpu->registers));
	cpu->xcr0 = SUPERSET;
	fpu_cpu_init(&pcpu->fpu, pcpu->cpu.id, pcpu->fpu.policy, true, SUPERSET);
	vmx_reset_cpu(cpu);
}

bool run_loop_operation(struct model_cpu *cpu)
{
	struct model_cpu *other = &world.cpu[!(cpu - world.cpu)];
	struct model_context *of_argument = &world.context[cpu->argument % 4];

	switch (cpu->operation) {
	case OPERATION_PICK:
		cpu->held = cpu->argument;
		begin_turn(&cpu->pcpu, &of_argument->vcpu);
		break;
	case OPERATION_ENTER:
		enter(cpu, &world.context[cpu->held]);
		break;
	case OPERATION_PUT:
		cpu->held = NOBODY;
		break;
	case OPERATION_SERVE:
		mail_serve(&cpu->pcpu);
		break;
	case OPERATION_IDLE:
		idle(cpu);
		break;
	case OPERATION_WAKE:
		wake(other);
		break;
	case OPERATION_POLICY:
		set_policy((enum fpu_policy)cpu->argument);
		break;
	case OPERATION_OFFLINE:
		offline(cpu);
		break;
	case OPERATION_END:
		end(cpu, of_argument);
		break;
	case OPERATION_REUSE:
		hypervisor_reuse(cpu, of_argument, cpu->argument / 4); /* with the same VPID */
		break;
	default:
		return false;
	}
	require(!other->unsent, "a word was set that keeps a CPU from halting, and no NMI sent");
	require(!cpu->pcpu.mail.what, "a request is left when all have handled it");
	return true;
}
