/*
 * Whose turn it is on a CPU, and where a vCPU waits for its next one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct options;
struct pcpu;
struct vcpu;
struct vm;

/* `slice` in ticks of the TSC. At boot. */
void turns_init(const struct options *options, uint64_t slice);

/*
 * The next vCPU that has something to do here, which is pcpu->turn then; NULL: none has. While a VM
 * starts or ends its first vCPU stands for it. One that has used most of a slice outside of its
 * turns has had this turn, unless nobody else wants it: of several, the one that owes least then.
 * One whose output must wait stays where it is.
 */
struct vcpu *turns_pick(struct pcpu *pcpu);

/*
 * After its turn on this CPU, or instead of its first: it waits for the next, here or, if it is to
 * move, elsewhere. From here on another CPU may have it. One of several whose VM is to be reset,
 * ended or told of waits nowhere: the first of them has the turns for that.
 */
void turns_put(struct pcpu *pcpu, struct vcpu *vcpu);

/*
 * A VM that was gathered (vm_is_gathered()) runs, or goes on: all its vCPUs but the first wait for
 * their turns again.
 */
void turns_resume(struct pcpu *pcpu, struct vm *vm);

/*
 * Any vCPU that waits or sleeps here, out of its queue; NULL: there is none. For a CPU that goes
 * offline: turns_put() finds another place for it.
 */
struct vcpu *turns_take_any(struct pcpu *pcpu);

/* Whether one that waits here, and has waited for the console, can go on. */
bool turns_any(struct pcpu *pcpu);
