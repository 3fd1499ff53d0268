/*
 * Where the console's text is kept for the boot after (lib/kept_log.h), and what was kept of boots
 * before. First CPU, at boot.
 *
 * A place is a multiple of 16 MiB below 4 GiB in usable memory: the same at each boot of a machine
 * though firmware's map may differ a little. It has two logs, so that the one of the last boot that
 * did not end well outlives those that follow.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/kept_log.h"

struct boot_info;
struct boot_memory;

#define LAST_LOG_PLACES	   0x1000000
#define LAST_LOG_PER_PLACE 2

struct last_log {
	struct kept_log *own;	    /* this boot's, or NULL: there is no memory for it */
	const struct kept_log *bad; /* the newest of a boot that did not end well, or NULL */
	bool before;		    /* it is the boot before's */
	bool bad_damaged;
};

/*
 * Looks for logs in memory, chooses a place outside of what the image and the modules take, and
 * begins a log there. Both places are set aside in the boot information, before memory_init().
 */
void last_log_find(struct last_log *found, struct boot_info *info,
		   const struct boot_memory *memory);

/* Tells of a boot before that did not end well. */
void last_log_report(const struct last_log *found);

/* Prints the text of the newest boot that did not end well, which there is: a line after "last| ".
 */
void last_log_print(const struct last_log *found);
