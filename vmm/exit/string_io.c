/*
 * INS and OUTS. The exit comes before the checks of the memory operand (SDM Vol. 3C 25.1.1), so
 * that they are made here: segment, limit, canonical form, then paging. Alignment (#AC) is not.
 * A REP is done one element an exit: interrupts and the end of the time slice come between
 * elements as they do on a CPU.
 */
#include "vmm/exit/string_io.h"

#include "lib/errno.h"
#include "lib/x86.h"
#include "vmm/device/bus.h"
#include "vmm/exit/guest_paging.h"
#include "vmm/exit/instruction.h"
#include "vmm/exit/io_qualification.h"
#include "vmm/request.h"
#include "vmx/breakpoints.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

/* Instruction information (SDM Vol. 3C table 27-8) */
#define ADDRESS_SIZE(info) ((info) >> 7 & 7)
#define SEGMENT(info)	   ((info) >> 15 & 7)

#define SEGMENT_ES 0
#define SEGMENT_SS 2

#define TYPE_CODE     BIT(3)
#define TYPE_WRITABLE BIT(1) /* data; code: readable */

#define PAGING_BITS 48 /* of a linear address with 4-level paging: guests have no other */

static bool segment_allows(unsigned int segment, uint64_t offset, unsigned int size, bool write)
{
	uint64_t rights = vmcs_read(VMCS_GUEST_ES_ACCESS_RIGHTS + 2 * segment);
	uint64_t limit = vmcs_read(VMCS_GUEST_ES_LIMIT + 2 * segment);

	if (rights & ACCESS_RIGHTS_UNUSABLE)
		return false;
	if (write && ((rights & TYPE_CODE) || !(rights & TYPE_WRITABLE)))
		return false;
	if (!write && (rights & TYPE_CODE) && !(rights & TYPE_WRITABLE))
		return false;
	return segment_contains(limit, rights, offset, size);
}

/* Raises #GP, or #SS for the stack segment, if the operand cannot be accessed. */
static int check_operand(struct vcpu *vcpu, unsigned int segment, uint64_t offset, uint64_t linear,
			 unsigned int size, bool write)
{
	bool valid;

	if (vcpu_in_64bit_mode(vcpu))
		valid = is_canonical(linear, PAGING_BITS) &&
			is_canonical(linear + size - 1, PAGING_BITS);
	else
		valid = segment_allows(segment, offset, size, write);
	if (valid)
		return 0;
	vcpu_raise(vcpu, segment == SEGMENT_SS ? VECTOR_SS : VECTOR_GP, 0);
	return -EFAULT;
}

void exit_string_io(struct vcpu *vcpu, uint64_t qualification)
{
	static const uint64_t address_mask[] = {0xffff, 0xffffffff, ~0ull};
	uint64_t info = vmcs_read(VMCS_EXIT_INSTRUCTION_INFO);
	uint64_t mask = address_mask[ADDRESS_SIZE(info) % 3];
	unsigned int size = IO_SIZE(qualification);
	uint16_t port = IO_PORT(qualification);
	bool in = qualification & IO_IN, rep = qualification & IO_REP, finished;
	unsigned int segment = in ? SEGMENT_ES : SEGMENT(info);
	unsigned int index = in ? REGISTER_RDI : REGISTER_RSI;
	int64_t step = vmcs_read(VMCS_GUEST_RFLAGS) & RFLAGS_DF ? -(int64_t)size : (int64_t)size;
	uint64_t linear = vmcs_read(VMCS_GUEST_LINEAR_ADDRESS);
	uint64_t traps;
	uint32_t value = 0;

	if (rep && !(vcpu->guest.registers.rcx & mask)) {
		vcpu_skip_instruction(vcpu);
		return;
	}
	if (check_operand(vcpu, segment, vcpu_get_register(vcpu, index) & mask, linear, size, in) ||
	    guest_check_access(vcpu, linear, size, in))
		return;
	if (in)
		value = bus_read(vcpu->vm, port, size);
	if (guest_access(vcpu, linear, &value, size, in))
		return;
	if (!in)
		bus_write(vcpu->vm, port, size, value);
	traps = breakpoints_on_memory(linear, size, in);
	if (vcpu->uses_de)
		traps |= breakpoints_on_ports(port, size);
	if (traps)
		event_pend_debug_trap(&vcpu->events, traps);
	vcpu_advance_register(vcpu, index, mask, step);
	if (rep)
		vcpu_advance_register(vcpu, REGISTER_RCX, mask, -1);
	finished = !rep || !(vcpu->guest.registers.rcx & mask);
	if (finished)
		vcpu_skip_instruction(vcpu);
	else
		vcpu_retire(vcpu, false);
	vcpu_request(vcpu, 0); /* an element takes as long as many other exits */
}
