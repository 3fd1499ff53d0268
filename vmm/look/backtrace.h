/*
 * Who called whom, by a guest's frame pointers: each points to the caller's, with the return
 * address after it (System V ABI, x86-64 and i386). The guest may have anything there. No hardware
 * in it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct guest_view;

#define BACKTRACE_FRAMES_MAX 8

struct backtrace {
	uint64_t frame; /* the next frame pointer */
	uint64_t base;	/* of the stack segment */
	uint32_t width; /* of a pointer: 8 or 4 bytes */
	uint32_t frames;
};

/*
 * The next return address. False at the end: where a frame is not aligned, cannot be read, or does
 * not lie above the one before, where the address is 0, and after BACKTRACE_FRAMES_MAX.
 */
bool backtrace_next(struct backtrace *trace, const struct guest_view *view, uint64_t *address);
