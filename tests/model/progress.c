#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/model/progress.h"
#include "tests/model/store.h"

static uint32_t *to;	 /* of all edges, in the order of where they begin */
static uint64_t *end;	 /* of a state's edges */
static uint8_t *reached; /* by each state: its goals */
static uint64_t edges, edge_room;
static uint32_t state_room;

void progress_reset(void)
{
	edges = 0;
}

static void *grow(void *old, uint64_t count, size_t size)
{
	void *new = realloc(old, count * size);

	if (!new) {
		fputs("model: out of memory\n", stderr);
		exit(2);
	}
	return new;
}

/* A bit for each goal that the world has reached as it is. */
static uint8_t goals(void)
{
	bool quiet = true;
	uint8_t met = 0;

	for (unsigned int i = 0; i < configuration->cpus; i++) {
		const struct model_cpu *cpu = &world.cpu[i];

		quiet &= cpu->operation == OPERATION_NONE && cpu->kick == KICK_NONE &&
			 !cpu->pcpu.mail.from;
		if (cpu->operation == OPERATION_NONE && cpu->in_guest)
			met |= (uint8_t)(1u << (i * CONTEXTS_MAX + cpu->held));
	}
	return (uint8_t)(met | (quiet ? 1u << CPUS_MAX * CONTEXTS_MAX : 0));
}

void progress_state(uint32_t number)
{
	if (number >= state_room) {
		state_room = 2 * number + 4096;
		end = grow(end, state_room, sizeof(*end));
		reached = grow(reached, state_room, sizeof(*reached));
	}
	reached[number] = goals();
}

void progress_edge(uint32_t from, uint32_t next)
{
	if (edges == edge_room) {
		edge_room = edge_room ? 2 * edge_room : 65536;
		to = grow(to, edge_room, sizeof(*to));
	}
	to[edges++] = next;
	end[from] = edges;
}

uint64_t progress_edges(void)
{
	return edges;
}

static uint8_t all_goals(void)
{
	uint8_t all = 1u << CPUS_MAX * CONTEXTS_MAX;

	for (unsigned int i = 0; i < configuration->cpus; i++)
		for (unsigned int c = 0; c < configuration->contexts; c++)
			all |= (uint8_t)(1u << (i * CONTEXTS_MAX + c));
	return all;
}

/* A state reaches what its successors reach: until nothing is added. */
uint32_t progress_lost(void)
{
	uint32_t count = store_count(), lost = PROGRESS_ALWAYS;
	bool changed = true;

	while (changed) {
		changed = false;
		for (uint32_t at = count; at-- > 0;) {
			uint8_t before = reached[at];

			for (uint64_t e = at ? end[at - 1] : 0; e < end[at]; e++)
				reached[at] |= reached[to[e]];
			changed |= reached[at] != before;
		}
	}
	for (uint32_t at = 0; at < count && lost == PROGRESS_ALWAYS; at++)
		if (reached[at] != all_goals())
			lost = at;
	return lost;
}
