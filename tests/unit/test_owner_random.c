/*
 * 200,000 random steps under each policy and under a policy that changes in between, on one CPU and
 * on two: what docs/fpu.md calls invariants, checked after every step by the ghost values.
 */
#include "tests/unit/fpu_ghost.h"

#define CPUS   2
#define GUESTS 4
#define STEPS  200000

#define POLICY_CHANGING -1

static struct ghost_cpu cpu[CPUS];
static struct ghost_guest guest[GUESTS];
static struct ghost_cpu *last[GUESTS]; /* where each was entered last */
static uint64_t seed;

/* Of 0 .. n-1. */
static unsigned int pick(unsigned int n)
{
	return (random_next(&seed) >> 33) % n;
}

static uint64_t pick_xcr0(void)
{
	static const uint64_t valid[] = {1, 3, 7};

	return valid[pick(ARRAY_SIZE(valid))];
}

/* The guest may run on `to`: where it ran last, it is descheduled and what it had is saved. */
static void migrate(unsigned int g, struct ghost_cpu *to)
{
	struct ghost_cpu *from = last[g];

	if (from && from != to)
		ghost_migrate(from, to, &guest[g]);
	last[g] = to;
}

/* Invariant 6: an entry, and perhaps the trap after it, takes no more than this. */
static void run(struct ghost_cpu *c, unsigned int g)
{
	struct ghost_guest *entered = &guest[g];
	struct ghost_work before;
	struct fpu_counters counters;
	bool resident, again;

	migrate(g, c);
	if (c->current != entered)
		ghost_idle(c);
	resident = fpu_resident(&c->core, &entered->context);
	again = resident && entered->vmcs == FPU_OPEN && c->xcr0 == entered->context.xcr0;
	before = c->work;
	counters = c->core.counters;
	if (pick(4))
		ghost_run(c, entered);
	else
		ghost_enter(c, entered);
	if (again)
		ghost_check(!memcmp(&c->work, &before, sizeof(before)));
	if (resident) {
		ghost_check(c->work.saves == before.saves && c->work.loads == before.loads);
		ghost_check(c->work.scrubs == before.scrubs);
		ghost_check(c->work.xcr0 - before.xcr0 <= 1);
		ghost_check(c->work.ts_reads == before.ts_reads);
	}
	ghost_check(c->work.saves - before.saves <= 1);
	ghost_check(c->work.loads - before.loads <= 1);
	ghost_check(c->core.counters.nm - counters.nm <= 1);
	ghost_check(c->work.states - before.states <= 2);
}

static void release(unsigned int g, unsigned int cpus)
{
	ghost_release(cpu, cpus, &guest[g]);
	ghost_guest_init(&guest[g], FPU_DOMAIN_FIRST + pick(GUESTS), pick_xcr0());
	last[g] = NULL;
}

static void step(unsigned int cpus, unsigned int guests, int policy)
{
	struct ghost_cpu *c = &cpu[pick(cpus)];
	unsigned int g = pick(guests);

	switch (pick(16)) {
	case 0:
		ghost_host(c);
		break;
	case 1:
		if (last[g])
			ghost_read(last[g], &guest[g]);
		break;
	case 2:
		if (pick(4))
			ghost_write(last[g] ? last[g] : c, &guest[g]);
		else
			ghost_guest_reset(last[g] ? last[g] : c, &guest[g], pick_xcr0());
		break;
	case 3:
		if (pick(4) == 0)
			release(g, cpus);
		break;
	case 4:
		ghost_set_xcr0(last[g] ? last[g] : c, &guest[g], pick_xcr0());
		break;
	case 5:
		ghost_idle(c);
		break;
	case 6:
	case 7:
		if (c->current)
			ghost_set_ts(c, pick(3) == 0);
		break;
	case 8:
		if (policy == POLICY_CHANGING)
			ghost_set_policy(c, pick(FPU_POLICIES));
		break;
	case 9:
	case 10:
	case 11:
		if (c->current)
			run(c, c->current - guest);
		break;
	default:
		run(c, g);
	}
}

static void check_policy(int policy)
{
	for (unsigned int i = 0; i < CPUS; i++) {
		const struct fpu_counters *c = &cpu[i].core.counters;

		if (policy == FPU_EAGER || policy == FPU_SWAP)
			ghost_check(c->nm == 0 && c->armed == 0 && c->ts_writes == 0);
		else if (policy != POLICY_CHANGING && policy != FPU_AUTO)
			ghost_check(c->preloads == 0);
		if (policy != FPU_SCRUB && policy != FPU_AUTO && policy != POLICY_CHANGING)
			ghost_check(c->scrubs == 0);
		if ((policy == FPU_UNLOAD || policy == FPU_SWAP) && !cpu[i].current)
			ghost_check(!cpu[i].core.owner || cpu[i].core.owner == &cpu[i].core.host);
	}
}

static void random_steps(unsigned int cpus, unsigned int guests, int policy)
{
	ghost_reset();
	seed = 0x5EED + cpus * 100 + guests * 10 + policy;
	for (unsigned int i = 0; i < CPUS; i++)
		ghost_cpu_init(&cpu[i], i, policy == POLICY_CHANGING ? FPU_LAZY : policy);
	for (unsigned int g = 0; g < GUESTS; g++) {
		ghost_guest_init(&guest[g], FPU_DOMAIN_FIRST + g, pick_xcr0());
		last[g] = NULL;
	}
	for (ghost_step = 1; ghost_step <= STEPS; ghost_step++) {
		step(cpus, guests, policy);
		ghost_check_all(cpu, cpus, guest, guests);
		check_policy(policy);
	}
	/* the steps were not idle */
	for (unsigned int i = 0; i < cpus; i++) {
		ghost_check(cpu[i].work.loads > STEPS / 50 && cpu[i].work.saves > STEPS / 50);
		ghost_check(fpu_resident_entries(&cpu[i].core.counters) > STEPS / 50);
		ghost_check(policy == FPU_EAGER || policy == FPU_SWAP ||
			    cpu[i].core.counters.nm > STEPS / 50);
	}
}

static void lazy_loses_and_shows_nothing(void **state)
{
	(void)state;
	random_steps(1, 3, FPU_LAZY);
	random_steps(2, 4, FPU_LAZY);
}

static void eager_loses_and_shows_nothing(void **state)
{
	(void)state;
	random_steps(1, 3, FPU_EAGER);
	random_steps(2, 4, FPU_EAGER);
}

static void unload_loses_and_shows_nothing(void **state)
{
	(void)state;
	random_steps(1, 3, FPU_UNLOAD);
	random_steps(2, 4, FPU_UNLOAD);
}

static void scrub_loses_and_shows_nothing(void **state)
{
	(void)state;
	random_steps(1, 3, FPU_SCRUB);
	random_steps(2, 4, FPU_SCRUB);
}

static void swap_loses_and_shows_nothing(void **state)
{
	(void)state;
	random_steps(1, 3, FPU_SWAP);
	random_steps(2, 4, FPU_SWAP);
}

static void auto_loses_and_shows_nothing(void **state)
{
	(void)state;
	random_steps(1, 3, FPU_AUTO);
	random_steps(2, 4, FPU_AUTO);
}

static void a_change_of_policy_loses_and_shows_nothing(void **state)
{
	(void)state;
	random_steps(1, 3, POLICY_CHANGING);
	random_steps(2, 4, POLICY_CHANGING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lazy_loses_and_shows_nothing),
		cmocka_unit_test(eager_loses_and_shows_nothing),
		cmocka_unit_test(unload_loses_and_shows_nothing),
		cmocka_unit_test(scrub_loses_and_shows_nothing),
		cmocka_unit_test(swap_loses_and_shows_nothing),
		cmocka_unit_test(auto_loses_and_shows_nothing),
		cmocka_unit_test(a_change_of_policy_loses_and_shows_nothing),
	};

	return cmocka_run_group_tests_name("owner_random", tests, NULL, NULL);
}
