/*
 * Every kind of VM exit that a guest can cause and live on after, as a function each. None of them
 * touches an FPU register.
 *
 * An emulator may have a defect that spoils one (tools/defects.py): whoever knows that it does has
 * the defect's name on the guest's command line, and the exit is left out.
 */
#pragma once

#include "guest.h"

#define EXITS_MAX   16
#define NEEDS_XSAVE 2 /* beside NEEDS_HYPERCALL */

struct exit {
	const char *name;
	void (*leave)(void);
	unsigned needs;
	const char *defect; /* that spoils it, or NULL */
};

extern const struct exit exits[];
extern const unsigned exit_count;

/* Why it cannot be done here, or NULL. */
const char *exit_missing(const struct exit *exit);

/* The handlers that some of them need. */
void exits_start(void);
