/*
 * What takes the CPU back from a guest when its time is over: the VMX-preemption timer (SDM Vol. 3C
 * 25.5.1), or where that is not there or does not work the local APIC's timer, whose interrupt
 * exits whatever the guest's RFLAGS.IF is (SDM Vol. 3C 25.2).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum preemption {
	PREEMPTION_NONE, /* nothing does: guests cannot be run */
	PREEMPTION_VMX,
	PREEMPTION_APIC,
	PREEMPTION_AUTO, /* only wanted: the first, or the second where that is broken */
};

/*
 * Whether the VMX-preemption timer of a CPU is known to count wrong. vendor as CPUID.0 spells it,
 * signature is CPUID.1:EAX.
 */
bool preemption_timer_broken(const char vendor[12], uint32_t signature);

/*
 * What `preemption=` comes to; never AUTO. `offered`: the CPU has a VMX-preemption timer; `broken`:
 * see above; `apic`: there is a local APIC timer of known frequency; `nested`: there is another
 * hypervisor below, for which a VMX-preemption timer is one of its own to start at each entry and
 * to stop at each exit, and the APIC's is not.
 */
enum preemption preemption_choose(enum preemption wanted, bool offered, bool broken, bool apic,
				  bool nested);

/* `preemption=` on the command line and in the @boot record. */
const char *preemption_name(enum preemption preemption);
