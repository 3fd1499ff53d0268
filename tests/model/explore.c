#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/model/access.h"
#include "tests/model/explore.h"
#include "tests/model/fiber.h"
#include "tests/model/invariants.h"
#include "tests/model/operations.h"
#include "tests/model/progress.h"
#include "tests/model/store.h"

const char *violated;

void violation(const char *what)
{
	if (!violated)
		violated = what;
	if (fiber_current() >= 0)
		fiber_abort();
}

static void take(struct action action)
{
	operations_step(action);
	if (!violated)
		invariants_check();
}

/* From the first state, step by step, with the places where operations were stopped. */
static void print_way(uint32_t to, const struct action *last)
{
	uint32_t length = 0;
	struct action *way;

	for (uint32_t at = to; at; at = store_state(at)->parent)
		length++;
	way = calloc(length + 1, sizeof(*way));
	if (!way)
		exit(2);
	for (uint32_t at = to, n = length; at; at = store_state(at)->parent)
		way[--n] = store_state(at)->action;
	if (last)
		way[length++] = *last;
	access_tracing = true;
	store_load(0);
	for (uint32_t n = 0; n < length; n++) {
		operations_print(way[n]);
		take(way[n]);
	}
	access_tracing = false;
	free(way);
}

static enum verdict report(uint32_t at, const struct action *last, const char *what)
{
	printf("%s: VIOLATION: %s\n", configuration->name, what);
	violated = NULL;
	print_way(at, last);
	violated = NULL;
	return VERDICT_VIOLATED;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* What follows some states, to be looked up together. */
static struct {
	struct candidate candidate[16 * ACTIONS_MAX];
	unsigned int count;
} batch;

static bool batch_is_full(void)
{
	return batch.count > sizeof(batch.candidate) / sizeof(batch.candidate[0]) - ACTIONS_MAX;
}

static void look_up(void)
{
	for (unsigned int n = 0; n < batch.count; n++)
		store_expect(&batch.candidate[n]);
	for (unsigned int n = 0; n < batch.count; n++) {
		uint32_t from = batch.candidate[n].state.parent;

		progress_edge(from, store_add(&batch.candidate[n]));
	}
	batch.count = 0;
}

/* All that can follow a state; false: one of it must not. */
static bool expand(uint32_t from, struct action *bad)
{
	struct action action[ACTIONS_MAX];
	unsigned int count;

	store_load(from);
	progress_state(from);
	count = operations_possible(action);
	if (!count) {
		violation("nothing can go on");
		return false;
	}
	for (unsigned int n = 0; n < count; n++) {
		if (n)
			store_load(from);
		take(action[n]);
		if (violated) {
			*bad = action[n];
			return false;
		}
		store_prepare(&batch.candidate[batch.count++], from, action[n]);
	}
	return true;
}

enum verdict explore(const struct configuration *what, uint32_t states_max)
{
	double begin = seconds();
	uint32_t depth = 0, level_end = 1, lost;
	struct candidate first;

	configuration = what;
	store_reset();
	progress_reset();
	batch.count = 0;
	world_reset();
	for (unsigned int i = 0; i < CPUS_MAX; i++)
		fiber_restore(i, NULL, 0);
	store_prepare(&first, 0, (struct action){});
	store_add(&first);
	for (uint32_t at = 0; at < store_count(); at++) {
		struct action bad = {};

		if (at == level_end) {
			depth++;
			level_end = store_count();
		}
		if (!expand(at, &bad))
			return report(at, bad.operation ? &bad : NULL, violated);
		if (batch_is_full() || at + 1 == level_end)
			look_up();
		if (store_count() > states_max) {
			printf("%s: CUT after %u states\n", what->name, store_count());
			return VERDICT_CUT;
		}
	}
	lost = progress_lost();
	if (lost != PROGRESS_ALWAYS)
		return report(lost, NULL, "from here some vCPU can never run again");
	printf("%s: %u states, %llu transitions, depth %u, 0 violations, %.1f s\n", what->name,
	       store_count(), (unsigned long long)progress_edges(), depth, seconds() - begin);
	return VERDICT_HOLDS;
}
