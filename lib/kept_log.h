/*
 * The end of what the console has printed, in memory that a warm reset leaves as it is, for the
 * boot after: for a boot that ended in a reset, and for machines without a serial port.
 *
 * What is in the caches is lost in a reset, so each line of them is written back (CLFLUSH). No
 * locks, and nothing that waits: the caller is who writes to the console (lib/console.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEPT_LOG_TEXT 65536

/* At a multiple of 64. */
#define KEPT_LOG_LINE 64 /* bytes that CLFLUSH writes back */

/*
 * At a multiple of 64. The line of text[] that is being written is not in the sum: it changes all
 * the time.
 */
struct kept_log {
	char signature[16];
	uint64_t number;   /* the greatest is the newest */
	uint64_t written;  /* characters, those that were written over too */
	uint64_t text_sum; /* of all lines of text[] but that of text[written % KEPT_LOG_TEXT] */
	uint64_t ended;	   /* 1: the boot ended well */
	uint64_t head_sum; /* of all above */
	uint64_t position; /* written, and what will be when the line of text ends */
	char text[KEPT_LOG_TEXT];
};

/* Begins a log, which is empty. */
void kept_log_begin(struct kept_log *log, uint64_t number);

/* Text that no '\n' ends may be lost in a reset, as long as nothing more is written. */
void kept_log_write(struct kept_log *log, const char *text, size_t length);

void kept_log_end_well(struct kept_log *log);

enum kept_log_state {
	KEPT_LOG_NONE,
	KEPT_LOG_DAMAGED, /* of the text some is not what was written */
	KEPT_LOG_WHOLE,
};

/* What is there, in memory that may have anything in it. */
enum kept_log_state kept_log_check(const struct kept_log *log);

/* How many characters there are, and one of them, from the oldest on. */
size_t kept_log_length(const struct kept_log *log);
char kept_log_at(const struct kept_log *log, size_t index);
