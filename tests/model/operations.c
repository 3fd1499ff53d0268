#include <stdio.h>
#include <string.h>

#include "tests/model/access.h"
#include "tests/model/fiber.h"
#include "tests/model/hypervisor.h"
#include "tests/model/operations.h"
#include "tests/model/vmx.h"

static unsigned int add(struct action *action, unsigned int count, unsigned int cpu,
			enum operation operation, unsigned int argument)
{
	if (operation > OPERATION_GO_ON && !(configuration->operations & 1u << operation))
		return count;
	action[count] = (struct action){(uint8_t)cpu, (uint8_t)operation, (uint8_t)argument};
	return count + 1;
}

static unsigned int in_guest(struct action *action, unsigned int n, unsigned int i)
{
	const struct model_context *context = &world.context[world.cpu[i].held];

	if (!context->ts)
		n = add(action, n, i, OPERATION_USE, 0);
	n = add(action, n, i, OPERATION_TS, 0);
	n = add(action, n, i, OPERATION_XCR0,
		context->vcpu.fpu.context.xcr0 == SUPERSET ? 1 : SUPERSET);
	return add(action, n, i, OPERATION_EXIT, 0);
}

static unsigned int of_context(struct action *action, unsigned int n, unsigned int i,
			       unsigned int c)
{
	const struct model_cpu *cpu = &world.cpu[i];
	const struct model_context *context = &world.context[c];

	if (context->life == LIFE_LIVE && !world_is_held(c) && cpu->held == NOBODY)
		n = add(action, n, i, OPERATION_PICK, c);
	if (context->life == LIFE_LIVE &&
	    (cpu->held == c || (!configuration->mail && !world_is_held(c))))
		n = add(action, n, i, OPERATION_END, c);
	if (context->life == LIFE_ENDING && (context->unreleased & 1u << i))
		n = add(action, n, i, OPERATION_RELEASE, c);
	if (context->life == LIFE_FREE && cpu->held == NOBODY) {
		n = add(action, n, i, OPERATION_REUSE, c + 4u * configuration->domain[c]);
		if (configuration->other_domain)
			n = add(action, n, i, OPERATION_REUSE,
				c + 4u * configuration->other_domain);
	}
	return n;
}

static unsigned int of_mail(struct action *action, unsigned int n, unsigned int i)
{
	const struct model_cpu *cpu = &world.cpu[i];

	if (cpu->pcpu.mail.from)
		n = add(action, n, i, OPERATION_SERVE, 0);
	if (cpu->held == NOBODY)
		n = add(action, n, i, OPERATION_IDLE, 0);
	if (!world.cpu[!i].wanted)
		n = add(action, n, i, OPERATION_WAKE, 0);
	return n;
}

static unsigned int in_root(struct action *action, unsigned int n, unsigned int i)
{
	const struct model_cpu *cpu = &world.cpu[i];

	for (unsigned int c = 0; c < configuration->contexts; c++)
		n = of_context(action, n, i, c);
	if (cpu->held != NOBODY) {
		n = add(action, n, i, OPERATION_ENTER, 0);
		n = add(action, n, i, OPERATION_PUT, 0);
		n = add(action, n, i, OPERATION_READ, 0);
		n = add(action, n, i, OPERATION_WRITE, 0);
		n = add(action, n, i, OPERATION_RESET, 0);
	} else {
		n = add(action, n, i, OPERATION_OFFLINE, 0);
	}
	if (cpu->kick == KICK_SEEN)
		n = add(action, n, i, OPERATION_FLUSH, 0);
	n = add(action, n, i, OPERATION_HOST, 0);
	for (unsigned int p = 0; p < FPU_POLICIES; p++)
		if ((configuration->policies & 1u << p) && cpu->pcpu.fpu.policy != p)
			n = add(action, n, i, OPERATION_POLICY, p);
	return configuration->mail ? of_mail(action, n, i) : n;
}

unsigned int operations_possible(struct action *action)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < configuration->cpus; i++) {
		const struct model_cpu *cpu = &world.cpu[i];

		if (cpu->kick == KICK_SENT)
			n = add(action, n, i, OPERATION_NMI, 0);
		if (cpu->halted)
			continue;
		if (cpu->operation != OPERATION_NONE)
			for (unsigned int a = 0; a < cpu->answers; a++)
				n = add(action, n, i, OPERATION_GO_ON, a);
		else if (cpu->in_guest)
			n = in_guest(action, n, i);
		else
			n = in_root(action, n, i);
	}
	for (unsigned int i = 0; !n && i < configuration->cpus; i++)
		if (world.cpu[i].halted)
			action[n++] = (struct action){(uint8_t)i, OPERATION_TIMER, 0};
	return n;
}

/* Counters are no part of a state, and what `auto` remembers is bounded (docs/model.md). */
static void make_canonical(void)
{
	for (unsigned int i = 0; i < configuration->cpus; i++) {
		struct fpu_cpu *cpu = &world.cpu[i].pcpu.fpu;

		memset(&cpu->counters, 0, sizeof(cpu->counters));
		memset(&cpu->host.counters, 0, sizeof(cpu->host.counters));
	}
	for (unsigned int c = 0; c < configuration->contexts; c++) {
		struct fpu_context *context = &world.context[c].vcpu.fpu.context;

		if (world.context[c].life == LIFE_FREE)
			continue;
		memset(&context->counters, 0, sizeof(context->counters));
		if (context->use.interval > configuration->interval_max)
			context->use.interval = configuration->interval_max;
		if (context->use.left > configuration->interval_max)
			context->use.left = configuration->interval_max;
	}
}

/* Nor what nobody reads any more of a request, or of how many entries are left. */
static void make_mail_canonical(void)
{
	for (unsigned int i = 0; i < configuration->cpus; i++) {
		struct pcpu *pcpu = &world.cpu[i].pcpu;

		pcpu->mail.nmis = pcpu->switches = pcpu->moves_in = pcpu->tile_moves = 0;
		if (!pcpu->mail.what)
			pcpu->mail.arg = NULL;
	}
	for (unsigned int c = 0; c < configuration->contexts; c++) {
		struct vcpu *vcpu = &world.context[c].vcpu;
		bool enters = false;

		if (world.context[c].life == LIFE_FREE)
			continue;
		vcpu->switches = vcpu->moves = 0;
		for (unsigned int i = 0; i < configuration->cpus; i++)
			enters |=
				world.cpu[i].operation == OPERATION_ENTER && world.cpu[i].held == c;
		if (!enters)
			vcpu->guest.entries_left = 0;
	}
}

void operations_step(struct action action)
{
	struct model_cpu *cpu = &world.cpu[action.cpu];

	if (action.operation == OPERATION_NMI) {
		if (configuration->mail)
			vmx_nmi(cpu);
		else
			cpu->kick = KICK_SEEN;
	} else if (action.operation == OPERATION_TIMER) {
		cpu->halted = false;
	} else if (action.operation == OPERATION_GO_ON) {
		fiber_resume(action.cpu, action.argument);
	} else {
		cpu->operation = action.operation;
		cpu->argument = action.argument;
		fiber_start(action.cpu, hypervisor_operation);
	}
	make_canonical();
	if (configuration->mail)
		make_mail_canonical();
}

void operations_print(struct action action)
{
	static const char *const name[] = {
		[OPERATION_NMI] = "NMI arrives",
		[OPERATION_PICK] = "pick",
		[OPERATION_ENTER] = "enter",
		[OPERATION_PUT] = "put",
		[OPERATION_READ] = "read",
		[OPERATION_WRITE] = "write something new",
		[OPERATION_RESET] = "reset",
		[OPERATION_FLUSH] = "flush for the other CPU",
		[OPERATION_HOST] = "host section",
		[OPERATION_POLICY] = "policy",
		[OPERATION_OFFLINE] = "offline and back",
		[OPERATION_END] = "VM ends",
		[OPERATION_RELEASE] = "release",
		[OPERATION_REUSE] = "reuse memory of",
		[OPERATION_SERVE] = "serve the other CPU",
		[OPERATION_IDLE] = "idle",
		[OPERATION_WAKE] = "wake the other CPU",
		[OPERATION_TIMER] = "the timer interrupts",
		[OPERATION_USE] = "guest uses the FPU",
		[OPERATION_TS] = "guest changes its TS",
		[OPERATION_XCR0] = "guest sets XCR0",
		[OPERATION_EXIT] = "exit",
	};
	const struct model_cpu *cpu = &world.cpu[action.cpu];

	printf("  cpu%u: ", action.cpu);
	if (action.operation == OPERATION_GO_ON) {
		printf("    %s", access_label(action.cpu));
		if (cpu->answers > 1)
			printf(" -> %u", action.argument);
	} else {
		printf("%s", name[action.operation]);
	}
	switch (action.operation) {
	case OPERATION_PICK:
	case OPERATION_END:
	case OPERATION_RELEASE:
		printf(" %c", 'A' + action.argument);
		break;
	case OPERATION_REUSE:
		printf(" %c, domain %d", 'A' + action.argument % 4, action.argument / 4);
		break;
	case OPERATION_XCR0:
	case OPERATION_POLICY:
		printf(" %u", action.argument);
		break;
	default:
		break;
	}
	if (action.operation != OPERATION_GO_ON && cpu->held != NOBODY)
		printf("\t(holds %c)", 'A' + cpu->held);
	putchar('\n');
}
