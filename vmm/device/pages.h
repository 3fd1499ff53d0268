/*
 * A guest's physical memory that is not RAM: the pages of devices, and holes. What is no device
 * reads as all ones and drops what is written: it is counted, and the first access to a page is
 * named on the console. Root mode of the CPU that has the vCPU's turn.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct vcpu;

/* Whether no device is there. That it is no RAM is the caller's to know. */
bool pages_is_hole(const struct vcpu *vcpu, uint64_t gpa);

/*
 * An access of 1, 2, 4 or 8 bytes within a page. False: the VM has been ended for it (holes=end).
 */
bool pages_read(struct vcpu *vcpu, uint64_t gpa, unsigned int size, uint64_t *value);
bool pages_write(struct vcpu *vcpu, uint64_t gpa, unsigned int size, uint64_t value);
