/*
 * What a guest does at guest-physical addresses where no RAM is: the pages of devices, and holes
 * (vmm/device/pages.h). The instruction is fetched, decoded and completed.
 */
#pragma once

struct vcpu;

/* In the run loop. */
void exit_ept_violation(struct vcpu *vcpu);

/* Short for a MOV of 32 bits that was met before; else the same, and then the run loop. */
void exit_ept_violation_at_once(struct vcpu *vcpu);
