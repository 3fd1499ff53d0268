/*
 * What handlers do about the instruction that exited. All of it with the vCPU's VMCS current.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/x86.h"
#include "vmm/vcpu.h"
#include "vmx/vmcs_bits.h"
#include "vmx/vmcs.h"

/*
 * An instruction, or one element of an unfinished REP, was completed for the guest: ends STI and
 * MOV SS blocking, and traps if TF is set or MOV SS held a #DB. An unfinished one goes on with RF
 * set.
 */
void vcpu_retire(struct vcpu *vcpu, bool finished);

/* RIP past the instruction that exited, and vcpu_retire(). */
void vcpu_skip_instruction(struct vcpu *vcpu);

/* The same, where the exit does not tell the instruction's length. */
void vcpu_skip_bytes(struct vcpu *vcpu, unsigned int bytes);

/* The same by who has read RFLAGS and interruptibility already. */
void vcpu_skip_with(struct vcpu *vcpu, uint64_t rflags, uint32_t blocking);

/*
 * vcpu_skip_instruction(), inline, for handlers on the short way of an exit. Blocking of any kind,
 * TF and RF are left to it. RIP that leaves the lowest 4 GiB outside of 64-bit mode is refused by
 * the next VM entry (SDM Vol. 3C 26.3.1.4), and wrapped then: dispatch.c.
 */
static inline __attribute__((always_inline)) void vcpu_skip_instruction_fast(struct vcpu *vcpu)
{
	if (__builtin_expect((vmcs_read_known(VMCS_GUEST_RFLAGS) & (RFLAGS_TF | RFLAGS_RF)) |
				     vmcs_read_known(VMCS_GUEST_INTERRUPTIBILITY),
			     0))
		vcpu_skip_instruction(vcpu);
	else
		vmcs_write_known(VMCS_GUEST_RIP,
				 vmcs_read_known(VMCS_GUEST_RIP) +
					 vmcs_read_known(VMCS_EXIT_INSTRUCTION_LENGTH));
}

/* Raises an exception in the guest; a triple fault ends it. */
void vcpu_raise(struct vcpu *vcpu, uint8_t vector, int error_code);

static inline bool vcpu_in_64bit_mode(const struct vcpu *vcpu)
{
	return vcpu->long_mode && (vmcs_read_known(VMCS_GUEST_CS_ACCESS_RIGHTS) & ACCESS_RIGHTS_L);
}

static inline unsigned int vcpu_cpl(void)
{
	return vmcs_read_known(VMCS_GUEST_SS_ACCESS_RIGHTS) >> ACCESS_RIGHTS_DPL_SHIFT & 3;
}

/*
 * Whether [offset, offset + size) is within a segment with such a limit and such access rights (SDM
 * Vol. 3A 5.3).
 */
static inline bool segment_contains(uint64_t limit, uint64_t rights, uint64_t offset,
				    unsigned int size)
{
	uint64_t code = BIT(3), expand_down = BIT(2), last = offset + size - 1;

	if ((rights & (code | expand_down)) != expand_down)
		return last <= limit;
	return offset > limit && last <= (rights & ACCESS_RIGHTS_DB ? 0xffffffff : 0xffff);
}

#define REGISTER_RCX 1
#define REGISTER_RSP 4
#define REGISTER_RSI 6
#define REGISTER_RDI 7

/* A general register by VMX's number, full width. */
static inline uint64_t vcpu_get_register(const struct vcpu *vcpu, unsigned int number)
{
	if (number == REGISTER_RSP)
		return vmcs_read(VMCS_GUEST_RSP);
	return vcpu->guest.registers.number[number & 15];
}

static inline void vcpu_set_register(struct vcpu *vcpu, unsigned int number, uint64_t value)
{
	if (number == REGISTER_RSP)
		vmcs_write(VMCS_GUEST_RSP, value);
	else
		vcpu->guest.registers.number[number & 15] = value;
}

/*
 * Adds to a register as a string instruction does whose addresses have the bits of `mask`: 32 bits
 * clear the upper half, 16 bits leave the rest.
 */
void vcpu_advance_register(struct vcpu *vcpu, unsigned int number, uint64_t mask, int64_t step);
