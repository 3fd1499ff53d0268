/*
 * The guest's own page tables, walked in software: for instructions that the hypervisor completes
 * and that have a memory operand. SDM Vol. 3A chapter 4.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct vcpu;

/*
 * Translates a linear address of the running guest for a data access at its CPL. Returns 0 and the
 * guest-physical address, or -EFAULT, with *error_code as a #PF would push it. Accessed and dirty
 * bits are set as the CPU would.
 */
int guest_translate(struct vcpu *vcpu, uint64_t linear, bool write, uint64_t *gpa,
		    uint32_t *error_code);

/*
 * Whether guest-linear memory can be accessed; what cannot is raised in the guest as #PF, or ends
 * it. For instructions with a side effect that must not come before a fault. Returns 0 or -EFAULT.
 */
int guest_check_access(struct vcpu *vcpu, uint64_t linear, uint32_t length, bool write);

/* Copies between a buffer and guest-linear memory; what fails is raised in the guest as #PF. */
int guest_access(struct vcpu *vcpu, uint64_t linear, void *buffer, uint32_t length, bool write);

/*
 * Loads the PDPTE fields of the VMCS from guest CR3, as MOV to CR3 with PAE paging does
 * (SDM Vol. 3A 4.4.1). -EINVAL if one is not valid: #GP.
 */
int guest_load_pdptes(struct vcpu *vcpu, uint64_t cr3);
