/*
 * What every test guest is built on: output on COM1, the command line, reports, and hypercalls.
 *
 * A guest's own code starts in guest_main(), with the IDT and TSS loaded, interrupts off and the
 * FPU as the loader left it. What it returns is the VM's exit status.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu.h"
#include "lib/array.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "vmm/hypercall.h"

#define COM1	  0x3f8
#define EXIT_PORT 0xf4

#ifdef __x86_64__
#define GUEST_BITS 64
#else
#define GUEST_BITS 32
#endif

int guest_main(void);
extern const char guest_name[];

/* What the loader handed over (support/multiboot.h). */
extern const struct multiboot_info *boot_info;

/* Output. Lines end in \n; the longest piece of one call is 512 characters. */
void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void put_char(char c);

/* Ends the VM with this status: the exit port, else what the bare emulators understand. */
void guest_exit(int status) __attribute__((noreturn));

/* The command line: is there this word; the number in word=NUMBER, or otherwise. */
bool option(const char *word);
uint64_t option_number(const char *word, uint64_t otherwise);
/* Whether word=LIST, separated by commas, holds item; yes too if there is no such word, or "all".
 */
bool option_lists(const char *word, const char *item);
/* The n-th word of the command line, counted from 0, into word[size]; false past the end. */
bool option_word(unsigned n, char *word, size_t size);

/*
 * Reports. Each makes one line: "PASS name", "FAIL name: detail" or "SKIP name: reason";
 * report_end() prints "RESULT kernel=... bits=... pass=... fail=... skip=..." and gives the exit
 * status, 0 if nothing failed and something passed.
 */
void report_pass(const char *name);
void report_fail(const char *name, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void report_skip(const char *name, const char *reason);
int report_end(void);
unsigned report_failures(void);

/* A table of checks: each one returns normally and has failed if it called fail(). */
struct check {
	const char *name;
	void (*run)(void);
	unsigned needs;
};

#define NEEDS_HYPERCALL 1 /* skipped where the hypervisor is another, or none */

void run_checks(const struct check *checks, size_t count, const char *only);

/* Tables of checks by topic: those that topic=LIST names, all without it, and of them only=LIST. */
struct topic {
	const char *name;
	const struct check *checks;
	size_t count;
};

void run_topics(const struct topic *topics, size_t count);
void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void skip(const char *reason);

/* Inside a check: says what differed, and is true if it was as wanted. */
bool expect(bool condition, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The hypervisor. */
bool have_hypercalls(void);
intptr_t hypercall(uint32_t function, uintptr_t b, uintptr_t c, uintptr_t d);

static inline void yield(void)
{
	hypercall(HYPERCALL_YIELD, 0, 0, 0);
}

static inline void set_timer(unsigned vector, unsigned microseconds)
{
	hypercall(HYPERCALL_SET_TIMER, vector, microseconds, 0);
}

/*
 * Ends the VM with a failure if its module line lacks control=on: what it is about to do needs the
 * statistics of the whole machine. Does nothing where there are no hypercalls.
 */
void need_control(void);

/*
 * Until none of so many VMs, this one included, is being started, reset or cleared away: who does
 * not run then has ended. Needs control=on for more than one.
 */
void wait_for_peers(uint64_t peers);

/* Fills stats, and prints the snapshot on the hypervisor's console if label is not 0. */
void get_stats(struct hypercall_stats *stats, unsigned label);
