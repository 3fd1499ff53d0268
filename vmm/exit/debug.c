#include "vmm/exit/debug.h"

#include <stddef.h>

#include "lib/x86.h"
#include "vmm/debugged.h"
#include "vmm/exit/guest_paging.h"
#include "vmm/exit/instruction.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

/* Exit qualification of MOV DR (SDM Vol. 3C table 27-4) */
#define DR_NUMBER(q)   ((q)&7)
#define DR_FROM	       BIT(4)
#define DR_REGISTER(q) ((q) >> 8 & 0xf)

#define DR6_BD	     BIT(13)
#define DR6_BS	     BIT(14)
#define DR6_FIXED    0xffff0ff0ull
#define DR6_WRITABLE 0xe00full
#define DR7_FIXED    BIT(10)
#define DR7_GD	     BIT(13)
#define DR7_WRITABLE 0xffff2bffull

static uint64_t linear_rip(const struct vcpu *vcpu)
{
	uint64_t rip = vmcs_read(VMCS_GUEST_RIP);

	return vcpu_in_64bit_mode(vcpu) ? rip : (vmcs_read(VMCS_GUEST_CS_BASE) + rip) & 0xffffffff;
}

/* Under whatever address it was met. */
bool debug_takes_breakpoint(struct vcpu *vcpu)
{
	uint64_t gpa;

	if (!debugged_vcpu(vcpu) || !guest_fetched_gpa(vcpu, linear_rip(vcpu), &gpa))
		return false;
	for (uint32_t i = 0; i < debugged.count; i++) {
		if (!debugged.point[i].written || debugged.point[i].gpa != gpa)
			continue;
		event_go_on();
		debugged_stop(vcpu, DEBUG_BREAKPOINT, &debugged.point[i]);
		return true;
	}
	return false;
}

/* The points that have debug registers have them in their order. */
static const struct debug_point *point_of(unsigned int dr)
{
	for (uint32_t i = 0; i < debugged.count; i++)
		if (debugged.point[i].kind != DEBUG_SOFTWARE && !dr--)
			return &debugged.point[i];
	return NULL;
}

bool debug_takes_exception(struct vcpu *vcpu)
{
	struct debugged_vcpu *own = debugged_vcpu(vcpu);
	uint64_t causes = vmcs_read(VMCS_EXIT_QUALIFICATION);
	const struct debug_point *point;

	if (!own || !own->armed || !(causes & 0xf))
		return false;
	point = point_of(__builtin_ctzll(causes));
	if (!point)
		return false;
	event_go_on();
	if (causes & DR6_BS) /* the guest steps, too */
		event_pend_debug_trap(&vcpu->events, PENDING_DEBUG_BS);
	debugged_stop(vcpu, DEBUG_POINT, point);
	return true;
}

bool debug_takes_pending(struct vcpu *vcpu)
{
	const struct debugged_vcpu *own = debugged_vcpu(vcpu);
	uint64_t causes = vmcs_read(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS) & 0xf;
	const struct debug_point *point = NULL;

	if (own->armed && causes)
		point = point_of(__builtin_ctzll(causes));
	if (point)
		debugged_stop(vcpu, DEBUG_POINT, point);
	return point;
}

static uint64_t read_register(const struct debugged_vcpu *own, unsigned int number)
{
	if (number < 4)
		return own->dr[number];
	return number == 7 ? own->dr7 : read_dr6();
}

static void write_register(struct debugged_vcpu *own, unsigned int number, uint64_t value)
{
	if (number < 4)
		own->dr[number] = value;
	else if (number == 7)
		own->dr7 = (value & DR7_WRITABLE) | DR7_FIXED;
	else
		write_dr6((value & DR6_WRITABLE) | DR6_FIXED);
}

/* Which checks come first: SDM Vol. 2B, MOV to and from debug registers; Vol. 3B 17.2.2, 17.2.4. */
void exit_dr_access(struct vcpu *vcpu)
{
	struct debugged_vcpu *own = debugged_vcpu(vcpu);
	uint64_t qualification = vmcs_read(VMCS_EXIT_QUALIFICATION), value;
	unsigned int number = DR_NUMBER(qualification), reg = DR_REGISTER(qualification);
	bool wide = vcpu_in_64bit_mode(vcpu);

	if ((number == 4 || number == 5) && (vmcs_read(VMCS_GUEST_CR4) & CR4_DE)) {
		vcpu_raise(vcpu, VECTOR_UD, EVENT_NO_ERROR_CODE);
		return;
	}
	if (vcpu_cpl()) {
		vcpu_raise(vcpu, VECTOR_GP, 0);
		return;
	}
	if (own->dr7 & DR7_GD) {
		own->dr7 &= ~DR7_GD;
		event_raise_debug_trap(&vcpu->events, DR6_BD);
		return;
	}
	if (number == 4 || number == 5)
		number += 2;
	if (qualification & DR_FROM) {
		value = read_register(own, number);
		vcpu_set_register(vcpu, reg, wide ? value : (uint32_t)value);
	} else {
		value = vcpu_get_register(vcpu, reg);
		if (!wide)
			value &= 0xffffffff;
		if (number >= 6 && value >> 32) {
			vcpu_raise(vcpu, VECTOR_GP, 0);
			return;
		}
		write_register(own, number, value);
	}
	vcpu_skip_instruction(vcpu);
}
