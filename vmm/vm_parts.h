/*
 * What a VM is made of: its memory, the EPT that maps it, and its vCPUs.
 */
#pragma once

struct vm;

/*
 * Makes or gives back a piece of them, in the stages from SETTLE_GIVE_BACK to SETTLE_FREE and from
 * SETTLE_CREATE to SETTLE_VCPU: it goes on to SETTLE_CLEAR, or it is refused. Root mode of the CPU
 * that it belongs to.
 */
void vm_parts_step(struct vm *vm);
