/*
 * One stretch of a guest: from an entry to the exit, or the request, that the run loop has to look
 * at. On the CPU where the vCPU is current, interrupts off.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct pcpu;
struct vcpu;

/* What this CPU's VMX allows; `clobber_at_exits`: hostfpu=exits. At its start. */
void enter_init(struct pcpu *pcpu, bool clobber_at_exits);

/*
 * Enters the guest, and again after each exit that is handled at once, until something is to be
 * looked at, or about as many ticks of the TSC have passed as lie between `now`, when the loop last
 * looked at it, and `deadline`, which is later. An exit that is left to the loop has been handled.
 * Returns the TSC.
 */
uint64_t enter_guest(struct pcpu *pcpu, struct vcpu *vcpu, uint64_t now, uint64_t deadline);

/*
 * NMIs come from other CPUs, as kicks. The first that came from elsewhere is told of; all are
 * counted (@cpu).
 */
void notice_nmis(struct pcpu *pcpu);
