/*
 * What guests have of the MSRs that control speculation: IA32_SPEC_CTRL where it is switched
 * (vmx/mitigations.h), and with it IA32_PRED_CMD, IA32_FLUSH_CMD and IA32_ARCH_CAPABILITIES. SDM
 * Vol. 4 table 2-2.
 */
#pragma once

#include <stdint.h>

struct vcpu;

/* A vCPU that has not written IA32_SPEC_CTRL. */
void speculation_reset(struct vcpu *vcpu);

/* Exits for one of these. 0, or -EINVAL: #GP. The vCPU's VMCS is current. */
int speculation_read_msr(const struct vcpu *vcpu, uint32_t msr, uint64_t *value);
int speculation_write_msr(struct vcpu *vcpu, uint32_t msr, uint64_t value);
