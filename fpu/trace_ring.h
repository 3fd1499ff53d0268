/*
 * A ring of trace entries: when it is full, a new entry takes the place of the oldest. Written by
 * one CPU with interrupts off, never by an NMI handler; read when that CPU writes no more.
 */
#pragma once

#include <stdint.h>

/* Who: a vCPU by fpu_trace_id(), or one of these two, which no vCPU has. */
#define TRACE_NONE 0xffffffffu
#define TRACE_HOST 0xfffffffeu

struct trace_entry {
	uint64_t tsc;
	uint32_t who;	  /* whom the event befell */
	uint32_t owner;	  /* of the CPU's FPU, before the event */
	uint32_t residue; /* of the CPU, before the event: a trust domain */
	uint8_t event;	  /* enum fpu_event or enum fpu_trace_event */
	uint8_t policy;	  /* of the CPU: enum fpu_policy */
};

struct trace_ring {
	struct trace_entry *entries;
	uint32_t size; /* entries that it can hold, at least 1 */
	uint32_t next; /* where the next one goes */
	uint64_t written;
};

/* The place of a new entry, for the caller to fill in. */
static inline struct trace_entry *trace_ring_next(struct trace_ring *ring)
{
	struct trace_entry *entry = &ring->entries[ring->next];

	if (++ring->next == ring->size)
		ring->next = 0;
	ring->written++;
	return entry;
}

static inline uint32_t trace_ring_count(const struct trace_ring *ring)
{
	return ring->written < ring->size ? (uint32_t)ring->written : ring->size;
}

static inline uint64_t trace_ring_lost(const struct trace_ring *ring)
{
	return ring->written - trace_ring_count(ring);
}

/* 0 is the oldest that is there; index < trace_ring_count(). */
static inline const struct trace_entry *trace_ring_at(const struct trace_ring *ring, uint32_t index)
{
	uint64_t first = ring->written < ring->size ? 0 : ring->next;

	return &ring->entries[(first + index) % ring->size];
}
