/*
 * Memory of the debugged VM by linear address, as one of its vCPUs sees it now: through its own
 * page tables, whatever their permissions, and with none of their flags changed. First CPU, while
 * the VM stands still.
 */
#pragma once

#include <stdint.h>

struct vcpu;

/* Where an address lies. Returns 0 or -EFAULT: it is not mapped, or nothing is there. */
int memory_gpa(struct vcpu *vcpu, uint64_t linear, uint64_t *gpa);

/* Returns how many bytes could be read: from the first on, fewer than asked for, or none. */
uint32_t memory_read(struct vcpu *vcpu, uint64_t linear, void *to, uint32_t length);

/* Returns 0, or -EFAULT: not all are there, and none has been written. */
int memory_write(struct vcpu *vcpu, uint64_t linear, const void *from, uint32_t length);
