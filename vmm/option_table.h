/*
 * The boot options: their values, and what each accepts, a row each. vmm/options.c reads a command
 * line by them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum log_option {
	LOG_OPTION_KEEP, /* the console's text is kept in memory, as always */
	LOG_OPTION_LAST, /* ... and that of an earlier boot is printed instead of starting guests */
};

#define OPTION_TEXT_SIZE 32 /* of a value that is a text */

struct options {
	uint32_t fpu;	     /* enum fpu_policy */
	uint32_t xsave;	     /* enum fpu_save_method, or FPU_METHOD_AUTO */
	uint32_t amx;	     /* enum fpu_tiles_wanted */
	uint32_t slice_us;   /* how long a vCPU runs before another may: 100..1000000 */
	uint32_t maxcpus;    /* 1..64 */
	uint32_t migrate;    /* turns after which a vCPU moves to another CPU, or 0: 0..1000000 */
	uint32_t console;    /* enum console_device, several */
	uint32_t timer;	     /* enum clock_timer */
	uint32_t clock;	     /* enum clock_source */
	uint32_t preemption; /* enum preemption */
	uint32_t multihit;   /* enum multihit */
	/* enum mitigations_wanted */
	uint32_t mitigations;
	uint32_t apicv;	     /* 0 or 1: where the CPU has it */
	uint32_t ple;	     /* 0 or 1: where the CPU has it */
	uint32_t trace;	     /* 0 or 1 */
	uint32_t tracesize;  /* entries of each CPU's ring: 16..1048576 */
	uint32_t stats;	     /* 0 or 1: print the table at the end */
	uint32_t loglevel;   /* enum log_level */
	uint32_t panic;	     /* enum power_panic */
	uint32_t verbose;    /* 0 or 1: tell of each VM exit */
	uint32_t hostfpu;    /* 0 or 1: a host section after every VM exit but #NM's */
	uint32_t entrycheck; /* 0 or 1: each VM entry against the rules */
	uint32_t crash;	     /* enum provoke */
	uint32_t doctor;     /* 0 or 1: tell what the machine has, and end it */
	uint32_t log;	     /* enum log_option */
	uint32_t gdbwait;    /* 0 or 1: it stands still until gdb lets it run */
	/* the name of a VM, or empty */
	char gdb[OPTION_TEXT_SIZE];
};

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
	uint32_t offset; /* of the uint32_t in struct options, or of the text */
	bool text;	 /* any word that has room; at first it is empty */
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
