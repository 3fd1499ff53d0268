#include <stddef.h>

#include "tests/model/access.h"
#include "tests/model/mail_access.h"
#include "tests/model/operations.h"
#include "tests/model/world.h"

#define AT ACCESS_AT

bool mail_has(unsigned int cpu, unsigned int context)
{
	const struct pcpu *has = world.context[context].vcpu.pcpu;

	return has ? has == &world.cpu[cpu].pcpu : world.cpu[cpu].held == context;
}

/* Words that keep a CPU from halting: whoever sets one sends an NMI after it (vmx.c). */
static void word(unsigned int me, unsigned int cpu, bool write, const char *name)
{
	access_split(GRAIN_MAIL, write, name);
	if (write && cpu != me)
		world.cpu[cpu].unsent = true;
}

static void from(unsigned int me, unsigned int cpu, bool write)
{
	static const char *const name[] = {"cpu0.mail.from", "cpu1.mail.from"};
	struct model_cpu *own = &world.cpu[me];

	word(me, cpu, write, name[cpu]);
	if (write && cpu != me)
		own->asked |= (uint8_t)(1u << cpu);
	if (write && cpu == me)
		own->serving = NOBODY;
}

static void serve(struct model_cpu *own, unsigned int asker)
{
	const void *arg = world.cpu[asker].pcpu.mail.arg;

	own->serving = SERVING_OTHER;
	own->served_save = false;
	for (unsigned int c = 0; c < configuration->contexts; c++)
		if (arg == &world.context[c].vcpu)
			own->serving = (uint8_t)c;
	require(own->serving == SERVING_OTHER || world.cpu[asker].held == own->serving,
		"a vCPU is fetched by a CPU where it is not to run");
}

/* `what` and `arg`: its own CPU writes them while nobody is to read them. */
static void letter(unsigned int me, unsigned int cpu, bool write, bool is_what)
{
	struct model_cpu *asker = &world.cpu[cpu];

	if (cpu != me) {
		require(!write, "a CPU changes another's request");
		require(world.cpu[me].pcpu.mail.from & 1u << cpu,
			"a request is read that nobody waits for");
		if (is_what) {
			require(!(asker->handled & 1u << me), "a request is handled twice");
			asker->handled |= (uint8_t)(1u << me);
			serve(&world.cpu[me], cpu);
		}
	} else if (write) {
		for (unsigned int i = 0; i < configuration->cpus; i++)
			require(!(world.cpu[i].pcpu.mail.from & 1u << me),
				"a request is changed while another CPU has yet to handle it");
		require(asker->handled == asker->asked,
			"mail_ask: not every CPU that was asked has handled the request");
		asker->handled = asker->asked = 0;
	}
}

static void pcpu_access(unsigned int me, unsigned int cpu, size_t offset, bool write)
{
	static const char *const kicked[] = {"cpu0.mail.kicked", "cpu1.mail.kicked"};
	static const char *const own[] = {"cpu0.loaded", "cpu1.loaded"};

	if (AT(pcpu, fpu, offset) || AT(pcpu, mail.nmis, offset))
		return;
	if (AT(pcpu, mail.from, offset)) {
		from(me, cpu, write);
	} else if (AT(pcpu, mail.kicked, offset)) {
		word(me, cpu, write, kicked[cpu]);
	} else if (AT(pcpu, mail, offset)) {
		letter(me, cpu, write, AT(pcpu, mail.what, offset));
	} else if (write || !(AT(pcpu, cpu.id, offset) || AT(pcpu, cpu.apic_id, offset))) {
		require(cpu == me, "a CPU touches what another has loaded");
		access_split(GRAIN_EVERY, write, own[cpu]);
	}
}

/*
 * Where a vCPU is changes only while whoever may look waits for it, unless its CPU gives it up
 * unasked.
 */
static enum grain of_place(bool mine)
{
	if (mine || !(configuration->operations & 1u << OPERATION_OFFLINE))
		return GRAIN_EVERY;
	return GRAIN_MAIL;
}

/*
 * An NMI writes it: before it is read, to enter the guest, that makes a difference in any case;
 * before it is written, if NMIs take their time.
 */
static enum grain of_entries_left(bool write)
{
	if (write && !(configuration->operations & 1u << OPERATION_NMI))
		return GRAIN_EVERY;
	return GRAIN_MAIL;
}

/* Any CPU may ask where a vCPU is. It is itself only while it is there, or comes. */
static void vcpu_access(unsigned int me, unsigned int c, size_t offset, bool write)
{
	static const char *const pcpu[] = {"A.pcpu", "B.pcpu", "C.pcpu"};
	static const char *const entries_left[] = {"A.entries_left", "B.entries_left",
						   "C.entries_left"};
	static const char *const other[] = {"A", "B", "C"};
	const struct model_context *context = &world.context[c];
	bool place = AT(vcpu, pcpu, offset);

	if (AT(vcpu, fpu, offset))
		return;
	require(context->life != LIFE_FREE, "the memory of a vCPU that has ended is touched");
	if (AT(vcpu, guest.entries_left, offset))
		access_split(of_entries_left(write), write, entries_left[c]);
	else if (place)
		access_split(of_place(!write && context->vcpu.pcpu == &world.cpu[me].pcpu), write,
			     pcpu[c]);
	else
		access_split(GRAIN_EVERY, write, other[c]);
	require((place && !write) || mail_has(me, c),
		"a vCPU is touched by a CPU that does not have it");
}

void mail_touch(unsigned int me, const char *at, bool write)
{
	for (unsigned int i = 0; i < CPUS_MAX; i++) {
		const char *base = (const char *)&world.cpu[i].pcpu;

		if (at >= base && at < base + sizeof(struct pcpu))
			pcpu_access(me, i, (size_t)(at - base), write);
	}
	for (unsigned int c = 0; c < CONTEXTS_MAX; c++) {
		const char *base = (const char *)&world.context[c].vcpu;

		if (at >= base && at < base + sizeof(struct vcpu))
			vcpu_access(me, c, (size_t)(at - base), write);
	}
}
