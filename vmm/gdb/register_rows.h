/*
 * Which registers there are for gdb, in the order of its numbers: a target description as a table.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A group of registers of one kind, which gdb numbers one after the other. */
enum register_kind {
	REGISTER_GENERAL,
	REGISTER_RIP,
	REGISTER_RFLAGS,
	REGISTER_SELECTOR,
	REGISTER_FPU,
	REGISTER_BASE,	  /* of FS and GS */
	REGISTER_CONTROL, /* CR0, CR2, CR3, CR4, CR8, EFER: to be read only */
};

struct register_row {
	const char *feature; /* that it is in: gdb's name */
	const char *const
		*names; /* of each; NULL: `prefix`, a number from `first` on, and `suffix` */
	const char *prefix, *suffix;
	unsigned int first, count, bytes;
	const char *type; /* gdb's */
	enum register_kind kind;
	unsigned int fpu; /* enum fpu_value */
	uint64_t needs;	  /* of XCR0's components */
};

/* The rows of one of the two descriptions; ends with one without a feature. */
const struct register_row *register_rows(bool wide);

/* Whether guests have what a row shows. */
bool register_row_there(const struct register_row *row);
