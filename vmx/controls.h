/*
 * Capability arithmetic: which bits a VMX control or a control register may and must have. Pure
 * functions of MSR values. SDM Vol. 3D, Appendix A.3 to A.5 (controls), A.7 and A.8 (CR0, CR4).
 */
#pragma once

#include <stdint.h>

/*
 * capability_msr is the value of IA32_VMX_PINBASED_CTLS or any of its kind: a 1 in the low half is
 * a bit that must be 1 (the allowed 0-settings), a 0 in the high half one that must be 0 (the
 * allowed 1-settings).
 *
 * *value = (required | optional | must) & may. Returns 0; or -ENODEV if the CPU lacks a required
 * bit. *missing are the required bits that it lacks, 0 on success. What the CPU lacks of optional,
 * and what it sets unasked, the caller sees in *value.
 */
int vmx_controls_compute(uint64_t capability_msr, uint32_t required, uint32_t optional,
			 uint32_t *value, uint32_t *missing);

/* value with the bits set that fixed0 has at 1, and those cleared that fixed1 has at 0. */
uint64_t vmx_fixed_apply(uint64_t value, uint64_t fixed0, uint64_t fixed1);
