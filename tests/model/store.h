/*
 * All states that were found, without loss: a state is a row of numbers, each naming the bytes of
 * one part of the world (a CPU, a context, a stack), and equal parts are kept once. Two states are
 * one only if every byte is the same.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/model/operations.h"

#define PARTS (CPUS_MAX + CONTEXTS_MAX + CPUS_MAX)

struct state {
	uint32_t part[PARTS];
	uint32_t parent;
	struct action action; /* that led here from the parent */
};

void store_reset(void);

/*
 * The world as it is, to be looked up a little later: what that takes from memory is asked for
 * first by store_prepare(), then by store_expect(), and is there by then.
 */
struct candidate {
	struct state state;
	uint32_t hash;
};
void store_prepare(struct candidate *candidate, uint32_t parent, struct action action);
void store_expect(const struct candidate *candidate);

/* Its number, which is a new one if it was not known. */
uint32_t store_add(const struct candidate *candidate);

/* The world becomes what it was. */
void store_load(uint32_t number);

const struct state *store_state(uint32_t number);
uint32_t store_count(void);
