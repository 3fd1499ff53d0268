/*
 * What the #DBs of a piece of code were, and what they should have been. The code stores the
 * addresses of its instruction and of the next one in trap_here and trap_next.
 */
#pragma once

#include "support/fpu.h"
#include "support/guest.h"
#include "support/trap.h"

#define DR6_B(n)  BIT(n)
#define DR6_BS	  BIT(14)
#define DR6_INIT  0xffff0ff0ul
#define DR6_CAUSE 0xe00ful
#define DR7_INIT  0x400ul

#define DR7_LOCAL  1ul
#define DR7_GLOBAL 2ul

#define DR7_CODE  0ul
#define DR7_WRITE 1ul
#define DR7_PORT  2ul
#define DR7_READ  3ul /* or written */

#define DR7_BYTES1 0ul
#define DR7_BYTES2 1ul
#define DR7_BYTES8 2ul
#define DR7_BYTES4 3ul

#define DR7(n, enable, kind, bytes)                                                                \
	((enable) << 2 * (n) | (kind) << (16 + 4 * (n)) | (bytes) << (18 + 4 * (n)))

#ifdef __x86_64__
#define STACK "rsp"
#else
#define STACK "esp"
#endif

/* An instruction, or one that begins with a label, where DR6 and the addresses are looked at. */
#define HERE(instruction)                                                                          \
	"\n990:\t" instruction "\n991:\tnop\n\tmovl $990b, trap_here\n\tmovl $991b, trap_next\n\t"
#define SET_TF	  "pushf\n\tpushf\n\torl $0x100, (%%" STACK ")\n\tpopf\n\t"
#define OLD_FLAGS "popf\n\t"

#define TRAPS_MAX 16

extern uint32_t trap_here, trap_next;

struct traps {
	unsigned count;
	struct {
		uintptr_t ip, dr6, flags;
	} at[TRAPS_MAX];
	unsigned interrupts, before_interrupt; /* of them; traps that came before the first */
};

extern volatile struct traps seen;

#define VECTOR_TIMER 0x40

/*
 * From traps_begin() on #DBs and interrupts are recorded. Stepping ends with the trap of number
 * `steps`. After traps_begin_faults() each #DB returns with RF set, as from a code breakpoint.
 */
void traps_begin(unsigned steps, uintptr_t dr7);
void traps_begin_faults(uintptr_t address);
void traps_end(void);

/* There was one trap, at the next instruction, with these causes in DR6. */
void expect_one_trap(const char *what, uintptr_t causes);
void expect_no_trap(const char *what);

extern const struct check port_checks[], string_checks[], held_checks[], again_checks[],
	real_checks[];
extern const size_t port_check_count, string_check_count, held_check_count, again_check_count,
	real_check_count;
