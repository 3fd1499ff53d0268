/*
 * Machine checks that strike while guests run.
 */
#pragma once

struct vcpu;

/*
 * A machine check came while the guest ran, or kept it from being entered: ends the VM whose memory
 * is lost, or the machine. The vCPU's VMCS is current.
 */
void exit_machine_check(struct vcpu *vcpu);
