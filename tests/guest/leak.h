/* The guest that looks for what is not its own: leak.c says what it does. */
#pragma once

#include "support/fpu.h"
#include "support/guest.h"

extern struct fpu_registers own;  /* what this guest may find */
extern uint64_t xcr0_all, in_use; /* components that it has written */

/* Some turns, with a look at XGETBV(1) after each. */
void let_others_run(void);

/* All registers are as in `own`; `when` is for the message. */
void look_everywhere(const char *when);

/* Words for a message if the bytes are known for somebody else's. */
const char *whose(const void *bytes, size_t size);

/* The check: one instruction, chosen by first=, then all the others. */
void first_look(void);
