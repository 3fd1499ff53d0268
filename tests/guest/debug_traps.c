/*
 * Debug exceptions of instructions that exit: breakpoints on ports and on the memory of INS and
 * OUTS, what MOV SS holds back, and instructions that run a second time. SDM Vol. 3B chapter 17,
 * Vol. 3C 26.6.3 and 27.3. topic=LIST runs whole tables, only=LIST some checks;
 * exceptions-forget: the machine loses what MOV to SS holds when an exception exits.
 */
#include "debug_traps.h"

const char guest_name[] = "debug-traps";

uint32_t trap_here, trap_next;
volatile struct traps seen;

static unsigned steps_wanted;
static bool returns_with_rf;

static bool debug_exception(struct frame *frame)
{
	unsigned n = seen.count++;

	if (n < TRAPS_MAX) {
		seen.at[n].ip = frame->ip;
		seen.at[n].dr6 = read_dr6();
		seen.at[n].flags = frame->flags;
	}
	write_dr6(DR6_INIT);
	if (seen.count >= steps_wanted)
		frame->flags &= ~(uintptr_t)FLAG_TF;
	if (returns_with_rf)
		frame->flags |= FLAG_RF;
	return true;
}

static bool interrupt(struct frame *frame)
{
	(void)frame;
	if (!seen.interrupts++)
		seen.before_interrupt = seen.count;
	return true;
}

void traps_begin(unsigned steps, uintptr_t dr7)
{
	memset((void *)&seen, 0, sizeof(seen));
	steps_wanted = steps;
	returns_with_rf = false;
	trap_handle(VECTOR_DB, debug_exception);
	trap_handle(VECTOR_TIMER, interrupt);
	trap_handle(VECTOR_NMI, interrupt);
	write_dr6(DR6_INIT);
	write_dr7(DR7_INIT | dr7);
}

void traps_begin_faults(uintptr_t address)
{
	traps_begin(0, 0);
	returns_with_rf = true;
	write_dr0(address);
	write_dr7(DR7_INIT | DR7(0, DR7_GLOBAL, DR7_CODE, DR7_BYTES1));
}

void traps_end(void)
{
	write_dr7(DR7_INIT);
	trap_handle(VECTOR_DB, NULL);
	trap_handle(VECTOR_TIMER, NULL);
	trap_handle(VECTOR_NMI, NULL);
}

void expect_one_trap(const char *what, uintptr_t causes)
{
	expect(seen.count == 1, "%s: %u #DBs instead of 1", what, seen.count);
	if (!seen.count)
		return;
	expect(seen.at[0].ip == trap_next, "%s: #DB at 0x%lx instead of 0x%lx", what,
	       (unsigned long)seen.at[0].ip, (unsigned long)trap_next);
	expect((seen.at[0].dr6 & DR6_CAUSE) == causes, "%s: DR6 is 0x%lx instead of 0x%lx", what,
	       (unsigned long)seen.at[0].dr6, (unsigned long)causes);
}

void expect_no_trap(const char *what)
{
	expect(!seen.count, "%s: %u #DBs, DR6 0x%lx", what, seen.count,
	       (unsigned long)seen.at[0].dr6);
}

int guest_main(void)
{
	const struct topic topics[] = {
		/* the first: MOV to CR4 exits only until protection keys were in use */
		{"again", again_checks, again_check_count},
		{"port", port_checks, port_check_count},
		{"string", string_checks, string_check_count},
		{"held", held_checks, held_check_count},
		{"real", real_checks, real_check_count},
	};

	fpu_enable();
	run_topics(topics, ARRAY_SIZE(topics));
	return report_end();
}
