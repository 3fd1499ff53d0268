/*
 * What every CPU must have of the first one: guests are shown the first CPU's features, and may
 * move. CPUs of one machine can differ, by microcode or because they are of two kinds (hybrid).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ALIKE_WORDS 12

/* Feature bits of one CPU, as CPUID has them: what software itself switches is left out. */
struct alike {
	uint32_t word[ALIKE_WORDS];
};

/* Reads this CPU's. */
void alike_read(struct alike *alike);

/* The first word in which a bit is missing that `first` has, and its bits; false: none is. */
bool alike_missing(const struct alike *first, const struct alike *own, uint32_t *word,
		   uint32_t *bits);

/* Where a word is: "CPUID.07H:EBX". */
const char *alike_name(uint32_t word);
