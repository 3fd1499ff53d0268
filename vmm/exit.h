/*
 * VM exits: one dispatch on the exit reason, one handler a reason. All of it with the vCPU's VMCS
 * current; a handler emulates the instruction and skips it, raises an exception in the guest, or
 * ends the VM.
 */
#pragma once

#include <stdint.h>

struct pcpu;
struct vcpu;

typedef void (*exit_handler)(struct pcpu *pcpu, struct vcpu *vcpu);

/* Counts the exit and calls its handler. */
void exit_dispatch(struct pcpu *pcpu, struct vcpu *vcpu);

/* VMLAUNCH or VMRESUME failed: says why, dumps the VMCS, ends the VM. */
void exit_entry_failed(struct vcpu *vcpu, const char *what);

/* A machine check came while the guest ran, or kept it from being entered: machine_check.c. */
void exit_machine_check(struct vcpu *vcpu);

/* Handlers with a file of their own. */
void exit_cr_access(struct pcpu *pcpu, struct vcpu *vcpu); /* exit_cr.c */
void exit_xsetbv(struct pcpu *pcpu, struct vcpu *vcpu);
void exit_rdmsr(struct pcpu *pcpu, struct vcpu *vcpu); /* exit_msr.c */
void exit_wrmsr(struct pcpu *pcpu, struct vcpu *vcpu);
void exit_io(struct pcpu *pcpu, struct vcpu *vcpu);	/* exit_io.c */
void exit_vmcall(struct pcpu *pcpu, struct vcpu *vcpu); /* hypercall.c */
