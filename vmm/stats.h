/*
 * What was counted: the table for a person, the @ records for a script, the snapshot for a guest.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct hypercall_stats;
struct pcpu;
struct vcpu;
struct vm;

/*
 * The counters as a guest gets them: what is not its own reads 0 without control=on. Its own FPU
 * state is the one that this exit found.
 */
void stats_snapshot(const struct pcpu *pcpu, const struct vcpu *vcpu,
		    struct hypercall_stats *stats);

/* "@fpu cpu=... snapshot=LABEL vm=NAME ...": all of it, since no guest reads the console. */
void stats_print_snapshot(const struct pcpu *pcpu, const struct vcpu *vcpu, uint32_t label);

/*
 * What a VM cost so far, its @exit, @io and @fpuctx records, in pieces: *next begins with 0. False
 * when all have been printed.
 */
bool stats_print_vm_next(const struct vm *vm, unsigned int *next);

/* All records; and, if `table`, the table. When all VMs have ended, and no CPU counts any more. */
void stats_print(bool table);
