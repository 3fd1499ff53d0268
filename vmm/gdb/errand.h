/*
 * Work on a vCPU that stands still, where what it needs is: on the CPU that has its VMCS and
 * registers, or on the one whose FPU may have its state. The first CPU, as for mail_ask().
 */
#pragma once

#include <stdbool.h>

struct fpu_cpu;
struct vcpu;

/* Its VMCS is current, and what VMX does not switch is its own in the registers. */
void errand_loaded(struct vcpu *vcpu, void (*what)(struct vcpu *vcpu, void *arg), void *arg);

/* On its FPU state's home, or if it has none here. */
void errand_fpu(struct vcpu *vcpu, void (*what)(struct fpu_cpu *cpu, struct vcpu *vcpu, void *arg),
		void *arg);

/* The debugged VM runs, nothing else is asked of it, and no CPU has a turn of it any more. */
bool errand_stands_still(void);
