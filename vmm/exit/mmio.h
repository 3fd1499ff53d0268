/*
 * What a guest does at guest-physical addresses where no RAM is: the pages of devices, and holes
 * (vmm/device/pages.h). The instruction is fetched, decoded and completed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct vcpu;

/* The instruction's memory operand is there, in one page: it is fetched, decoded and completed. */
void mmio_access(struct vcpu *vcpu, uint64_t gpa);

/* A MOV of 32 bits to or from a device's page, of what is kept decoded. False: it is not that. */
bool mmio_move(struct vcpu *vcpu, uint64_t gpa);

/* Ends the VM: no event can be delivered by way of a device. */
void mmio_fail_delivery(struct vcpu *vcpu, uint64_t gpa);

/* In the run loop. */
void exit_ept_violation(struct vcpu *vcpu);

/* Short for a MOV of 32 bits that was met before; else the same, and then the run loop. */
void exit_ept_violation_at_once(struct vcpu *vcpu);
