/*
 * That nobody waits for ever: from every state a state can be reached in which a given CPU runs a
 * given guest, whichever they are, and one in which every operation has ended and no kick is left.
 */
#pragma once

#include <stdint.h>

#define PROGRESS_ALWAYS UINT32_MAX

void progress_reset(void);

/* The world is in this state; then its edges. In the order of their numbers. */
void progress_state(uint32_t number);
void progress_edge(uint32_t from, uint32_t to);
uint64_t progress_edges(void);

/* When all edges are known: a state from which some of it cannot be reached. */
uint32_t progress_lost(void);
