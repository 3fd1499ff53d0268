/*
 * Exits that APIC virtualization leaves: vmm/apicv.h. SDM Vol. 3C 29.1.2, 29.4.
 */
#pragma once

struct vcpu;

/* TPR keeps back no more what waits. */
void exit_tpr_below_threshold(struct vcpu *vcpu);

/* Of the APIC's page, what the CPU does not do. As EPT violations are handled: vmm/exit/mmio.h. */
void exit_apic_access(struct vcpu *vcpu);
void exit_apic_access_at_once(struct vcpu *vcpu);

/* The interrupt command register has been written, and it is no IPI to itself. */
void exit_apic_write(struct vcpu *vcpu);
