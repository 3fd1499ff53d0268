/* A VM of its own for the guest `reflect`: reflect.c says what for. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What may differ from the least that there can be. */
struct reflect_options {
	bool osxsave; /* CR4.OSXSAVE is set here and not in the guest */
	bool nx;      /* and so is EFER.NXE */
	bool timer;   /* the VMX-preemption timer is on */
};

/*
 * VMX on, and a VMCS whose guest starts in `code`, in this address space. False: there is no VMX,
 * or it is locked off.
 */
bool reflect_start(void (*code)(void), const struct reflect_options *options);

/* Runs the guest, steps over each of its CPUIDs, and returns the reason of the first other exit; an
 * entry that failed returns the VM-instruction error with bit 32 set. */
uint64_t reflect_run(void);
