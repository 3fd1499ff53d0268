/*
 * VM exits: one dispatch on the exit reason, one handler a reason. All of it with the vCPU's VMCS
 * current; a handler emulates the instruction and skips it, raises an exception in the guest, or
 * asks for the end of the VM.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct vcpu;

typedef void (*exit_handler)(struct vcpu *vcpu);

/*
 * Gives vmx/entry.S the handlers of exits that are handled at once. With `tell_all` none are: each
 * exit is told of (vmm/exit/seen.h), and then handled in the loop. Nor are any with entrycheck=on.
 * At boot, after entry_watch_init().
 */
void exit_init(bool tell_all);

/* At boot, before guests run: there are VMs with several vCPUs. */
void exit_share(void);

/* From now on each exit of every vCPU is counted in its `watch`, or none. First CPU. */
void exit_watch(bool on);

/* Handles an exit that vmx_enter() returned with. */
void exit_dispatch(struct vcpu *vcpu, uint32_t reason);

/* VMLAUNCH or VMRESUME failed: says why, dumps the VMCS, ends the VM. */
void exit_entry_failed(struct vcpu *vcpu, const char *what);
