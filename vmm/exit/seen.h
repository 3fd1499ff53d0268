/*
 * What is told and counted of exits before they are handled, while somebody wants to know:
 * dispatch.c. The vCPU's VMCS is current.
 */
#pragma once

#include <stdint.h>

struct vcpu;

/* A line (boot option verbose=on): the reason by name, RIP and the exit qualification. */
void seen_tell(const struct vcpu *vcpu, uint32_t reason);

/* Into vcpu->watch, but for what is not the guest's doing. */
void seen_count(struct vcpu *vcpu, uint32_t reason);
