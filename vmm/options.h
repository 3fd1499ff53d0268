/*
 * The hypervisor's own boot options, from the command line that the boot loader hands over. What
 * a word stands for is defined by whoever is told of it.
 */
#pragma once

#include <stdint.h>

struct options {
	uint32_t fpu;	     /* enum fpu_policy */
	uint32_t xsave;	     /* enum fpu_save_method, or FPU_METHOD_AUTO */
	uint32_t slice_us;   /* how long a vCPU runs before another may: 100..1000000 */
	uint32_t maxcpus;    /* 1..64 */
	uint32_t migrate;    /* turns after which a vCPU moves to another CPU, or 0: 0..1000000 */
	uint32_t console;    /* enum console_device, several */
	uint32_t timer;	     /* enum clock_timer */
	uint32_t clock;	     /* enum clock_source */
	uint32_t preemption; /* enum preemption */
	uint32_t multihit;   /* enum multihit */
	uint32_t apicv;	     /* 0 or 1: where the CPU has it */
	uint32_t trace;	     /* 0 or 1 */
	uint32_t tracesize;  /* entries of each CPU's ring: 16..1048576 */
	uint32_t stats;	     /* 0 or 1: print the table at the end */
	uint32_t loglevel;   /* enum log_level */
	uint32_t panic;	     /* enum power_panic */
	uint32_t verbose;    /* 0 or 1: tell of each VM exit */
	uint32_t hostfpu;    /* 0 or 1: a host section after every VM exit but #NM's */
	uint32_t entrycheck; /* 0 or 1: each VM entry against the rules */
	uint32_t crash;	     /* enum provoke */
};

/*
 * Fills options from cmdline, with defaults for what it does not say. A first word without '='
 * and with a '/' or '.' is the file name that some loaders put there, and is skipped. Whatever is
 * not understood keeps its default and is told to warn(arg, one human line naming what is
 * accepted), which must not keep the pointer. At boot, on the first CPU.
 */
void options_parse(struct options *options, const char *cmdline,
		   void (*warn)(void *arg, const char *message), void *arg);
