/*
 * The doctor's page: findings as words, a paragraph for each group, for a screen of 80 columns.
 * A word is the row's name, with its value where that is for a person:
 *
 *     name     it is there
 *     !name    it is missing, or switched off, and required
 *     -name    it is missing
 *     ?N       of N more, what would tell is not there
 *     +N       N more are there, and required
 *     -N       N more are missing: bits of what speculation does not do, which the hazards tell of
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct findings;

#define PAGE_COLUMNS 79 /* a full one begins a new row on some screens */

/* The rows of a CPU and of the machine, by their groups. */
void page_print(const struct findings *cpu, const struct findings *machine);

/*
 * What another CPU has otherwise than the first, and whether the boot leaves it out for that.
 * Nothing, if nothing is.
 */
void page_print_difference(uint32_t number, bool left_out, const struct findings *first,
			   const struct findings *other);

/* What to do about what is required and missing; each remedy once, with all that it is for. */
void page_print_remedies(const struct findings *findings);
