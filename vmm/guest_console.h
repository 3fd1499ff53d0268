/*
 * A guest's output on the hypervisor's console: whole lines, each marked "name| ". Only
 * printable ASCII and tabs get through, so that no guest can forge a record or steer a terminal.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define GUEST_LINE_MAX 240

struct guest_console {
	size_t length;
	bool wrapped; /* a line was cut where its own end may be */
	bool used;    /* something was written: a new run forgets it */
	char line[GUEST_LINE_MAX];
};

void guest_console_write(struct guest_console *console, const char *name, char c);

/* Prints a line that has not ended. */
void guest_console_flush(struct guest_console *console, const char *name);
