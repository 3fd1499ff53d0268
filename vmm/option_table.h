/* The boot options: what each accepts, a row each. vmm/options.c reads a command line by them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A word that is accepted; NULL: the option's name() has it. */
struct choice {
	uint32_t value;
	const char *word;
};

/*
 * A value that is one of some words, or for a list several of them, ORed; without choices a number
 * between min and max. What is accepted is said from that, with a note in the end, or in words of
 * its own.
 */
struct option {
	const char *key;
	uint32_t offset; /* of the uint32_t in struct options */
	uint32_t initial;
	const struct choice *choices;
	uint32_t choice_count;
	const char *(*name)(uint32_t value);
	bool list;
	bool alone; /* a word without a value stands for "on" */
	uint32_t min;
	uint32_t max;
	const char *accepted, *note;
};

/* Ends with a row without a key. */
extern const struct option option_table[];
