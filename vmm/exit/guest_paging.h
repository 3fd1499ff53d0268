/*
 * Guest-linear memory, for instructions that the hypervisor completes and that have a memory
 * operand: at the running guest's CPL, through its own page tables (vmm/exit/page_walk.h).
 *
 * -EFAULT comes with nothing raised where other vCPUs write these tables faster than they are
 * walked: the instruction runs again, as it does after a fault, and others have their turns first.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct page_walk;
struct vcpu;

/*
 * Whether guest-linear memory can be accessed; what cannot is raised in the guest as #PF, or ends
 * it. For instructions with a side effect that must not come before a fault. Returns 0 or -EFAULT.
 */
int guest_check_access(struct vcpu *vcpu, uint64_t linear, uint32_t length, bool write);

/*
 * The same for a read, with nothing raised and nothing marked: false also where an entry would have
 * to be marked accessed first.
 */
bool guest_walk(const struct vcpu *vcpu, uint64_t linear, struct page_walk *walk);

/*
 * Where an instruction lies that has just been fetched: maybe by a translation that is older than
 * the accessed flags. False: it is mapped no more.
 */
bool guest_fetched_gpa(const struct vcpu *vcpu, uint64_t linear, uint64_t *gpa);

/* Copies between a buffer and guest-linear memory; what fails is raised in the guest as #PF. */
int guest_access(struct vcpu *vcpu, uint64_t linear, void *buffer, uint32_t length, bool write);

/*
 * The same for what the CPU itself accesses, whatever the CPL: descriptor tables and task state, as
 * implicit supervisor-mode accesses (SDM Vol. 3A 4.6).
 */
int guest_check_system_access(struct vcpu *vcpu, uint64_t linear, uint32_t length, bool write);
int guest_system_access(struct vcpu *vcpu, uint64_t linear, void *buffer, uint32_t length,
			bool write);

/* Sets and clears bits of a byte there, each of the two by one locked access. */
int guest_system_change(struct vcpu *vcpu, uint64_t linear, uint8_t set, uint8_t clear);

/*
 * Loads the PDPTE fields of the VMCS from guest CR3, as MOV to CR3 with PAE paging does
 * (SDM Vol. 3A 4.4.1). -EINVAL if one is not valid: #GP. -EFAULT if they are not in its memory: the
 * VM has been ended.
 */
int guest_load_pdptes(struct vcpu *vcpu, uint64_t cr3);
