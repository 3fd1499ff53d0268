/*
 * What exits while a debugger has a VM run (vmm/debugged.h): #BP, #DB, MOV to and from debug
 * registers. SDM Vol. 3B 17.2, Vol. 3C 25.1.3, 27.2.1.
 */
#pragma once

#include <stdbool.h>

struct vcpu;

/* After a #BP exit: whether it was the debugger's INT3. Else it is the guest's own. */
bool debug_takes_breakpoint(struct vcpu *vcpu);

/* After a #DB exit: whether one of the debugger's points was met, and nothing for the guest is
 * left. */
bool debug_takes_exception(struct vcpu *vcpu);

/* After one instruction: whether it met one of them, and its #DB has not come yet. */
bool debug_takes_pending(struct vcpu *vcpu);

/* MOV DR: with the guest's own registers, which the CPU has not got now. */
void exit_dr_access(struct vcpu *vcpu);
