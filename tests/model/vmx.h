/*
 * What of VMX, of the local APIC and of HLT the model has, beside the FPU (hardware.c): VMCSs,
 * translations, the registers that VMX does not switch, NMIs. In worlds with mail.
 */
#pragma once

#include "tests/model/world.h"

/* VMLAUNCH or VMRESUME, of the vCPU whose VMCS is to be current. It runs, and changes all it can.
 */
void vmx_guest_runs(struct model_cpu *cpu, unsigned int context, bool launched);

/* An NMI arrives, wherever the CPU stands. */
void vmx_nmi(struct model_cpu *cpu);

/* Its memory is to be used again: no CPU may have anything of it. Its VPID is, too. */
void vmx_check_forgotten(unsigned int context);

/* A CPU loses what it has in it. */
void vmx_reset_cpu(struct model_cpu *cpu);
