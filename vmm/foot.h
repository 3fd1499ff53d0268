/*
 * The line at the foot of COM1: what is being typed, below all that is printed. Before a line goes
 * out the foot is taken off the screen, and it is put there again after it. Other consoles do not
 * show it. Root mode, interrupts off.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define FOOT_SIZE 96

/* What takes the cursor's line off a terminal (ECMA-48: EL 2), and the cursor to its start. */
#define FOOT_ERASE "\x1b[2K\r"

/* From now on it is this text, cut to FOOT_SIZE - 1 characters; "": there is none. Any CPU. */
void foot_set(const char *text);

/*
 * These are for whoever sends to the devices, one CPU at a time. foot_send() sends what the device
 * takes without waiting, adds that up in *sent, and is true when nothing of the foot is shown
 * (`hide`), or all of it.
 */
bool foot_send(bool hide, size_t *sent);
bool foot_is_shown(void); /* or a part of it */
bool foot_waits(void);	  /* it is not shown as it is set */
