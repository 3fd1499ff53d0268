#include "tests/unit/fpu_ghost.h"

uint64_t ghost_step;
unsigned int ghost_events[FPU_EVENTS];

static struct ghost_cpu *running_on; /* the CPU whose code runs */
static uint64_t last_value;

void ghost_reset(void)
{
	ghost_step = 0;
	memset(ghost_events, 0, sizeof(ghost_events));
	running_on = NULL;
}

void ghost_cpu_init(struct ghost_cpu *cpu, uint32_t id, enum fpu_policy policy)
{
	*cpu = (struct ghost_cpu){.xcr0 = GHOST_SUPERSET};
	fpu_cpu_init(&cpu->core, id, policy, true, GHOST_SUPERSET);
}

void ghost_guest_init(struct ghost_guest *guest, uint32_t domain, uint64_t xcr0)
{
	*guest = (struct ghost_guest){.domain = domain, .vmcs = FPU_OPEN};
	fpu_context_init(&guest->context, 0, domain, xcr0);
}

static bool same(const struct ghost_value *a, const struct ghost_value *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static void change(struct ghost_value *value, uint64_t components)
{
	for (unsigned int i = 0; i < GHOST_COMPONENTS; i++)
		if (components & 1u << i)
			value->component[i] = ++last_value;
}

static void move(struct ghost_value *to, const struct ghost_value *from, uint64_t components)
{
	for (unsigned int i = 0; i < GHOST_COMPONENTS; i++)
		if (components & 1u << i)
			to->component[i] = from->component[i];
}

static struct ghost_guest *guest_of(struct fpu_context *context)
{
	ghost_check(context != &running_on->core.host);
	return (struct ghost_guest *)((char *)context - offsetof(struct ghost_guest, context));
}

uint64_t fpu_hw_save(struct fpu_context *context)
{
	ghost_check(running_on->xcr0 == GHOST_SUPERSET);
	move(&guest_of(context)->image, &running_on->registers, running_on->xcr0);
	running_on->work.saves++;
	return GHOST_BYTES;
}

uint64_t fpu_hw_load(struct fpu_context *context)
{
	ghost_check(running_on->xcr0 == GHOST_SUPERSET);
	move(&running_on->registers, &guest_of(context)->image, running_on->xcr0);
	running_on->domain = guest_of(context)->domain;
	running_on->work.loads++;
	return GHOST_BYTES;
}

uint64_t fpu_hw_scrub(void)
{
	const struct ghost_value initial = {};

	ghost_check(running_on->xcr0 == GHOST_SUPERSET);
	move(&running_on->registers, &initial, running_on->xcr0);
	running_on->domain = FPU_RESIDUE_INITIAL;
	running_on->work.scrubs++;
	return GHOST_SCRUB_BYTES;
}

void fpu_hw_write_xcr0(uint64_t value)
{
	ghost_check(running_on->xcr0 != value);
	running_on->xcr0 = value;
	running_on->work.xcr0++;
}

void fpu_hw_host_section(bool begin)
{
	ghost_check(running_on->host_section != begin);
	ghost_check(!begin || running_on->xcr0 == GHOST_SUPERSET);
	running_on->host_section = begin;
	running_on->work.host += begin;
}

bool fpu_hw_guest_ts(struct fpu_context *context)
{
	running_on->work.ts_reads++;
	return guest_of(context)->ts;
}

unsigned int fpu_hw_set_state(struct fpu_context *context, enum fpu_state state)
{
	ghost_check(guest_of(context)->vmcs != state);
	guest_of(context)->vmcs = state;
	running_on->work.states++;
	return GHOST_STATE_WRITES;
}

void fpu_hw_stale(struct fpu_context *context)
{
	ghost_check(guest_of(context)->short_way);
	guest_of(context)->short_way = false;
}

void fpu_hw_trace(const struct fpu_cpu *cpu, const struct fpu_context *context,
		  enum fpu_event event)
{
	ghost_check(cpu == &running_on->core && context);
	ghost_events[event]++;
}

void ghost_idle(struct ghost_cpu *cpu)
{
	running_on = cpu;
	if (cpu->current)
		fpu_leave(&cpu->core, &cpu->current->context);
	cpu->current = NULL;
}

/* Invariant 1: the table of three states. */
static void check_entry(const struct ghost_cpu *cpu, const struct ghost_guest *guest)
{
	ghost_check(!cpu->host_section);
	ghost_check(cpu->xcr0 == guest->context.xcr0);
	ghost_check(guest->vmcs == guest->context.state);
	if (fpu_resident(&cpu->core, &guest->context))
		ghost_check(guest->vmcs == FPU_OPEN && cpu->core.dirty);
	else
		ghost_check(guest->vmcs == (guest->ts ? FPU_GUARDED : FPU_ARMED));
	if (guest->vmcs == FPU_OPEN) {
		ghost_check(same(&cpu->registers, &guest->newest));
		ghost_check(cpu->domain == guest->domain);
	}
	if (cpu->core.policy == FPU_EAGER || cpu->core.policy == FPU_SWAP)
		ghost_check(guest->vmcs == FPU_OPEN);
	/* invariant 4: nothing to be read by speculation */
	if (cpu->core.policy == FPU_SCRUB || (cpu->core.policy == FPU_AUTO && cpu->core.leaks))
		ghost_check(cpu->domain == guest->domain || cpu->domain == FPU_RESIDUE_INITIAL);
}

void ghost_enter(struct ghost_cpu *cpu, struct ghost_guest *guest)
{
	if (cpu->current != guest)
		ghost_idle(cpu);
	running_on = cpu;
	if (!fpu_ready(&cpu->core, &guest->context))
		fpu_enter(&cpu->core, &guest->context);
	fpu_entered(&cpu->core, &guest->context, 1);
	guest->short_way = true;
	cpu->current = guest;
	check_entry(cpu, guest);
}

enum ghost_outcome ghost_use(struct ghost_cpu *cpu)
{
	struct ghost_guest *guest = cpu->current;
	enum ghost_outcome outcome = GHOST_EXECUTED;

	running_on = cpu;
	if (guest->ts)
		return GHOST_GUESTS_OWN;
	if (guest->vmcs == FPU_ARMED) {
		fpu_trap(&cpu->core, &guest->context);
		ghost_enter(cpu, guest);
		outcome = GHOST_TRAPPED;
	}
	ghost_check(guest->vmcs == FPU_OPEN);
	for (unsigned int i = 0; i < GHOST_COMPONENTS; i++)
		if (cpu->xcr0 & 1u << i)
			ghost_check(cpu->registers.component[i] == guest->newest.component[i]);
	change(&cpu->registers, cpu->xcr0);
	move(&guest->newest, &cpu->registers, cpu->xcr0);
	return outcome;
}

enum ghost_outcome ghost_run(struct ghost_cpu *cpu, struct ghost_guest *guest)
{
	ghost_enter(cpu, guest);
	return ghost_use(cpu);
}

void ghost_set_ts(struct ghost_cpu *cpu, bool ts)
{
	bool changed = cpu->current->ts != ts;

	cpu->current->ts = ts;
	if (!changed || cpu->current->vmcs == FPU_OPEN)
		return;
	running_on = cpu;
	fpu_guest_ts_changed(&cpu->core, &cpu->current->context, ts);
	ghost_enter(cpu, cpu->current);
}

void ghost_set_xcr0(struct ghost_cpu *cpu, struct ghost_guest *guest, uint64_t xcr0)
{
	running_on = cpu;
	fpu_set_xcr0(&cpu->core, &guest->context, xcr0);
}

void ghost_host(struct ghost_cpu *cpu)
{
	running_on = cpu;
	fpu_host_begin(&cpu->core);
	ghost_check(cpu->host_section && cpu->xcr0 == GHOST_SUPERSET);
	change(&cpu->registers, cpu->xcr0);
	cpu->domain = FPU_DOMAIN_HOST;
	fpu_host_end(&cpu->core);
	ghost_check(!cpu->host_section);
}

void ghost_read(struct ghost_cpu *cpu, struct ghost_guest *guest)
{
	running_on = cpu;
	fpu_read(&cpu->core, &guest->context);
	ghost_check(same(&guest->image, &guest->newest));
}

void ghost_migrate(struct ghost_cpu *from, struct ghost_cpu *to, struct ghost_guest *guest)
{
	if (from->current == guest)
		ghost_idle(from);
	running_on = from;
	if (fpu_must_flush(&to->core, &guest->context))
		fpu_flush(&from->core);
	ghost_check(from == to || same(&guest->image, &guest->newest));
	ghost_check(!fpu_must_flush(&to->core, &guest->context));
}

void ghost_set_policy(struct ghost_cpu *cpu, enum fpu_policy policy)
{
	running_on = cpu;
	fpu_set_policy(&cpu->core, policy);
}

void ghost_write(struct ghost_cpu *cpu, struct ghost_guest *guest)
{
	running_on = cpu;
	fpu_write(&cpu->core, &guest->context);
	ghost_check(same(&guest->image, &guest->newest));
	ghost_check(!fpu_resident(&cpu->core, &guest->context));
	change(&guest->image, guest->context.xcr0);
	guest->newest = guest->image;
}

void ghost_guest_reset(struct ghost_cpu *cpu, struct ghost_guest *guest, uint64_t xcr0)
{
	const struct ghost_value initial = {};

	running_on = cpu;
	guest->vmcs = FPU_OPEN;
	fpu_reset(&cpu->core, &guest->context, xcr0);
	ghost_check(!fpu_resident(&cpu->core, &guest->context));
	guest->image = initial;
	guest->newest = initial;
}

void ghost_release(struct ghost_cpu *cpus, unsigned int count, struct ghost_guest *guest)
{
	for (unsigned int i = 0; i < count; i++) {
		running_on = &cpus[i];
		fpu_release(&cpus[i].core, &guest->context);
		ghost_check(cpus[i].core.owner != &guest->context);
		if (cpus[i].current == guest)
			cpus[i].current = NULL;
	}
	ghost_check(!guest->context.home);
}

static void check_sums(const struct fpu_counters *c)
{
	ghost_check(c->bytes ==
		    (c->saves + c->loads) * GHOST_BYTES + c->scrubs * GHOST_SCRUB_BYTES);
	ghost_check(c->loads == c->nm + c->preloads);
	ghost_check(c->entries >= c->armed + c->preloads);
}

static void check_cpu(const struct ghost_cpu *cpu)
{
	const struct fpu_counters *c = &cpu->core.counters;
	const struct ghost_work *work = &cpu->work;

	ghost_check(cpu->core.residue == cpu->domain);
	ghost_check(cpu->core.xcr0 == cpu->xcr0);
	if (cpu->core.dirty)
		ghost_check(fpu_resident(&cpu->core, cpu->core.owner) &&
			    cpu->core.owner != &cpu->core.host);
	if (cpu->core.ready)
		check_entry(cpu, guest_of(cpu->core.ready));
	ghost_check(c->saves == work->saves && c->loads == work->loads && c->xcr0 == work->xcr0);
	ghost_check(c->host == work->host && c->scrubs == work->scrubs);
	ghost_check(c->ts_writes == work->states * GHOST_STATE_WRITES);
	check_sums(c);
}

void ghost_check_all(struct ghost_cpu *cpus, unsigned int cpu_count, struct ghost_guest *guests,
		     unsigned int guest_count)
{
	for (unsigned int i = 0; i < cpu_count; i++)
		check_cpu(&cpus[i]);
	for (unsigned int g = 0; g < guest_count; g++) {
		const struct ghost_guest *guest = &guests[g];
		unsigned int homes = 0;
		bool dirty = false, ready = false;

		check_sums(&guest->context.counters);
		for (unsigned int i = 0; i < cpu_count; i++) {
			ready |= fpu_ready(&cpus[i].core, &guest->context);
			if (!fpu_resident(&cpus[i].core, &guest->context))
				continue;
			homes++;
			dirty = cpus[i].core.dirty;
			ghost_check(same(&cpus[i].registers, &guest->newest));
		}
		ghost_check(homes <= 1);
		ghost_check(guest->short_way == ready);
		if (!dirty)
			ghost_check(same(&guest->image, &guest->newest));
	}
}
