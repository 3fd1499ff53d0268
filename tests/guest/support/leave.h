/*
 * Every kind of VM exit that a guest can cause and live on after, as a function each. None of them
 * touches an FPU register.
 */
#pragma once

#include "guest.h"

#define EXITS_MAX   16
#define NEEDS_XSAVE 2 /* beside NEEDS_HYPERCALL */

struct exit {
	const char *name;
	void (*leave)(void);
	unsigned needs;
};

extern const struct exit exits[];
extern const unsigned exit_count;

/* Why it cannot be done here, or NULL. */
const char *exit_missing(const struct exit *exit);

/* The handlers that some of them need. */
void exits_start(void);
