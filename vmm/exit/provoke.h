/*
 * Faults in the hypervisor, provoked by the boot option `crash=`, to see how they are reported.
 */
#pragma once

#include <stdint.h>

struct vcpu;

enum provoke {
	PROVOKE_NONE,
	PROVOKE_PAGEFAULT,    /* read an address that is not mapped */
	PROVOKE_TEXTWRITE,    /* write into text */
	PROVOKE_STACK,	      /* run into a stack's guard page */
	PROVOKE_VECTOR,	      /* a vector instruction outside a host section */
	PROVOKE_NMI,	      /* NMIs at a high rate while guests run */
	PROVOKE_KICKS,	      /* the last CPU kicks the others, and runs no guests */
	PROVOKE_VMENTRY,      /* a VM entry that fails */
	PROVOKE_ENTRY_CHECKS, /* one for each rule of it: vmm/exit/entry_trial.h */
	PROVOKE_ENTRY_SAMPLE, /* for some of them */
	PROVOKE_SECTION,      /* a host section inside a host section */
	PROVOKE_FRAME,	      /* a frame pointer into a stack's guard page */
	PROVOKE_MEMORY,	      /* a machine check: memory of the guest that runs is lost */
	PROVOKE_NESTED,	      /* machine checks in the NMI handler, and NMIs at a high rate */
	PROVOKE_STORM,	      /* an interrupt that nobody drives, level-triggered */
	PROVOKE_INIT,	      /* INIT signals to the last CPU while guests run */
	PROVOKE_IDLE, /* a panic when no guest can run, while output may wait: vmm/sched/run.c */
};

/*
 * All end the machine but PROVOKE_NONE, and those that go on while guests run: _NMI, _KICKS,
 * _NESTED, _STORM, and _MEMORY, which ends the first guest that an NMI strikes, as _INIT does with
 * those that run there.
 */
void provoke(enum provoke fault);

/* After an NMI that struck a guest: what `crash=` has in store for it. */
void provoke_at_nmi_exit(struct vcpu *vcpu);

/* The CPU that crash=kicks has taken from the guests, as a bit, or 0. */
uint64_t provoke_kickers(void);

/* On that CPU: kicks one of the others, each after a little longer or shorter. */
void provoke_kick(void);

/* Before the end: what was seen of a fault that was provoked at boot (@struck). */
void provoke_report(enum provoke fault);
