/*
 * The console while guests run. What is printed waits as whole lines in rings, one for each VM and
 * one for the hypervisor itself, and goes out in pieces, in the order in which it was printed. The
 * time that takes is charged to the VM whose line it is: it counts as its CPU time, and its next
 * turn is shorter.
 *
 * A VM has to wait while its ring is nearly full; nobody else does, and nothing is lost. Whatever
 * is done for a VM in one piece (an exit, a step of vm_settle()) may print up to OUTPUT_RESERVE
 * bytes.
 *
 * Root mode, interrupts off; any CPU. One sends at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/line_ring.h"
#include "vmm/vm.h"

#define OUTPUT_RESERVE 4096u
#define OUTPUT_NEVER   UINT64_MAX

/* From now on lines go into the ring of pcpu->output, or the hypervisor's own where it is NULL. */
void output_start(void);

/* Waits until all that is in the rings has gone out. From now on lines go out at once. */
void output_end(void);

/*
 * After a panic's own lines, which console_set_sink(NULL) lets out at once: what was in the rings.
 * It may fault if they are damaged.
 */
void output_print_waiting(void);

/* What is being typed: the line at the foot of COM1 from now on (vmm/foot.h). "": none. */
void output_foot(const char *text);

extern struct line_ring output_own; /* the hypervisor's ring */
extern volatile uint64_t output_due_at;
extern uint64_t output_period;

/* Whether there is room for OUTPUT_RESERVE bytes in the VM's ring. */
static inline bool output_has_room(const struct vm *vm)
{
	return line_ring_room(&vm->output) >= OUTPUT_RESERVE;
}

/* The same of the hypervisor's own. */
static inline bool output_own_has_room(void)
{
	return line_ring_room(&output_own) >= OUTPUT_RESERVE;
}

/* The TSC value from which on output_send() has something to do; OUTPUT_NEVER if nothing waits. */
static inline uint64_t output_due(void)
{
	return output_due_at;
}

/* The same within a turn, which it does not interrupt shortly before its end. */
static inline uint64_t output_due_before(uint64_t end)
{
	uint64_t due = output_due_at;

	return due < end && end - due > output_period ? due : OUTPUT_NEVER;
}

/*
 * Sends what the devices take without waiting, for a fraction of the time between two calls that
 * are due. True if more could go out at once. Nothing if another CPU is at it.
 */
bool output_send(void);
