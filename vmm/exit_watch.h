/*
 * What a vCPU leaves for, counted while somebody watches: which port, page or MSR, how often, and
 * from where. No hardware in it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXIT_WATCH_KINDS 8

struct exit_kind {
	uint16_t reason; /* basic */
	bool in;	 /* a port or a page is read, not written */
	uint32_t count;
	uint64_t what; /* port, page, MSR, CPUID leaf, hypercall, or 0 */
	uint64_t rip;  /* of the last one */
};

/* All zeros: nothing has been seen yet. */
struct exit_watch {
	uint32_t kinds;
	uint32_t others; /* exits of kinds for which there was no room */
	struct exit_kind kind[EXIT_WATCH_KINDS];
};

/* One more; `exit` but its count. */
void exit_watch_note(struct exit_watch *watch, const struct exit_kind *exit);

/* The kind that came most often of those that are left, which is taken out; NULL: none is left. */
const struct exit_kind *exit_watch_take(struct exit_watch *watch);

/* In words, as "port 0x3fd read". */
void exit_kind_describe(const struct exit_kind *kind, char *text, size_t size);
