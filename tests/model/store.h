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

/* The world as it is: its number, and whether it is new. */
uint32_t store_add(uint32_t parent, struct action action, bool *is_new);

/* The world becomes what it was. */
void store_load(uint32_t number);

const struct state *store_state(uint32_t number);
uint32_t store_count(void);
