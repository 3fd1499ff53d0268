/*
 * A turn of a vCPU on its CPU: its time slice, and what else ends it.
 */
#pragma once

#include <stdint.h>

struct pcpu;
struct vcpu;

/*
 * Runs a vCPU until it has had `length` ticks of the TSC, its CPU time is over, it halts or yields,
 * its VM is to end, or its output has to wait. A trap that loads its FPU state late in a slice of
 * `slice` ticks lengthens this one.
 */
void run_slice(struct pcpu *pcpu, struct vcpu *vcpu, uint64_t slice, uint64_t length);

/* The vCPU that ran last has left the CPU: another one is entered, or the CPU goes idle. */
void deschedule(struct pcpu *pcpu);
