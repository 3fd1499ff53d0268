/*
 * What has been sent to a local APIC whose vCPU may be running on another CPU: it is kept until
 * that one takes it. As in the APIC's own IRR a vector is there once or not at all, so that it
 * always has room. No hardware in it. The VM's lock is held.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/chip/apic_message.h"
#include "vmm/chip/lapic_vectors.h"

struct lapic;

struct lapic_inbox {
	uint32_t edge[LAPIC_VECTOR_WORDS], level[LAPIC_VECTOR_WORDS];
	uint8_t nmis; /* 2 at most: one that is served, and one that waits */
	uint8_t startup_vector;
	bool init, startup; /* the start-up came after the INIT */
	bool any;	    /* of all this */
};

/* A message that is for this APIC. */
void lapic_inbox_put(struct lapic_inbox *inbox, const struct apic_message *message);

/* The APIC accepts all that is there. */
void lapic_inbox_empty(struct lapic_inbox *inbox, struct lapic *lapic);
