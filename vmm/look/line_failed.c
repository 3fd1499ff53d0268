/*
 * What is told of a guest that failed: its registers as it reads them itself, and what it was
 * given.
 */
#include "lib/array.h"
#include "lib/x86.h"
#include "vmm/interrupts.h"
#include "vmm/exit/instruction.h"
#include "vmm/look/line.h"
#include "vmm/vm.h"
#include "vmx/names.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

#define SEGMENTS 8

static int width(const struct vcpu *vcpu)
{
	return vcpu->long_mode ? 16 : 8;
}

static void registers(const struct vcpu *vcpu, struct vm_look *look, unsigned int first,
		      unsigned int count)
{
	static const char *const names[] = {"AX", "CX", "DX", "BX", "SP", "BP", "SI", "DI"};

	for (unsigned int i = first; i < first + count; i++) {
		uint64_t value = vcpu_get_register(vcpu, i);
		const char *space = i > first ? " " : "";

		if (i < ARRAY_SIZE(names))
			look_add(look, "%s%c%s=%0*lx", space, vcpu->long_mode ? 'R' : 'E', names[i],
				 width(vcpu), value);
		else
			look_add(look, "%sR%u=%0*lx", space, i, width(vcpu), value);
	}
}

bool look_registers(struct vcpu *vcpu, struct vm_look *look)
{
	registers(vcpu, look, look->part, 4);
	look->part += 4;
	return look->part >= (vcpu->long_mode ? 16 : 8);
}

bool look_control(struct vcpu *vcpu, struct vm_look *look)
{
	uint64_t mask = vmcs_read(VMCS_CR4_MASK);
	uint64_t cr4 =
		(vmcs_read(VMCS_GUEST_CR4) & ~mask) | (vmcs_read(VMCS_CR4_READ_SHADOW) & mask);

	look_add(look, "CR0=%08lx CR2=%0*lx CR3=%0*lx CR4=%08lx CR8=%x EFER=%lx",
		 guest_cr0_read(&vcpu->fpu.cr0), width(vcpu), read_cr2(), width(vcpu),
		 vmcs_read(VMCS_GUEST_CR3), cr4, vcpu_cr8(vcpu), vcpu->efer);
	return true;
}

static void add_segment(struct vm_look *look, unsigned int number)
{
	static const char *const names[] = {"ES", "CS", "SS", "DS", "FS", "GS", "LDTR", "TR"};
	/* the fields of a segment lie at the same distance for each of them */
	uint64_t rights = vmcs_read(VMCS_GUEST_ES_ACCESS_RIGHTS + 2 * number);

	look_add(look, "%s=%04lx base 0x%lx limit 0x%lx rights %s0x%lx", names[number],
		 vmcs_read(VMCS_GUEST_ES_SELECTOR + 2 * number),
		 vmcs_read(VMCS_GUEST_ES_BASE + 2 * number),
		 vmcs_read(VMCS_GUEST_ES_LIMIT + 2 * number),
		 rights & ACCESS_RIGHTS_UNUSABLE ? "unusable " : "", rights & 0xffff);
}

/* Two in a line. */
bool look_segments(struct vcpu *vcpu, struct vm_look *look)
{
	(void)vcpu;
	add_segment(look, look->part);
	look_add(look, "; ");
	add_segment(look, look->part + 1);
	look->part += 2;
	return look->part == SEGMENTS;
}

bool look_tables(struct vcpu *vcpu, struct vm_look *look)
{
	(void)vcpu;
	look_add(look, "GDTR base 0x%lx limit 0x%lx; IDTR base 0x%lx limit 0x%lx",
		 vmcs_read(VMCS_GUEST_GDTR_BASE), vmcs_read(VMCS_GUEST_GDTR_LIMIT),
		 vmcs_read(VMCS_GUEST_IDTR_BASE), vmcs_read(VMCS_GUEST_IDTR_LIMIT));
	return true;
}

bool look_refused(struct vcpu *vcpu, struct vm_look *look)
{
	const struct vm *vm = vcpu->vm;

	if (vm->refused_msr.number && vm->refused_msr.read)
		look_add(look, "RDMSR 0x%x", vm->refused_msr.number);
	else if (vm->refused_msr.number)
		look_add(look, "WRMSR 0x%x <- 0x%lx", vm->refused_msr.number,
			 vm->refused_msr.value);
	if (vm->unhandled_read != PORT_NONE)
		look_add(look, "%sport 0x%x read", look->length ? ", " : "", vm->unhandled_read);
	if (vm->unhandled_write != PORT_NONE)
		look_add(look, "%sport 0x%x written", look->length ? ", " : "",
			 vm->unhandled_write);
	if (look->length)
		look_add(look, ": the last that it was refused, or that nobody answered");
	return true;
}

/* What it was given is only what the hypervisor gave: most exceptions reach a guest without it. */
bool look_exceptions(struct vcpu *vcpu, struct vm_look *look)
{
	const struct vmx_events *events = &vcpu->events;

	for (uint32_t i = 0; i < EVENTS_RAISED && i < events->raised_count; i++) {
		uint32_t at = (events->raised_count - 1 - i) % EVENTS_RAISED;
		int error_code = events->raised[at].error_code;

		look_add(look, "%s%s", i ? ", " : "raised by the hypervisor, the last first: ",
			 exception_name(events->raised[at].vector));
		if (error_code != EVENT_NO_ERROR_CODE)
			look_add(look, "(0x%x)", error_code);
		look_add(look, " at 0x%lx", events->raised[at].rip);
	}
	if (events->raised_count > EVENTS_RAISED)
		look_add(look, "; %u in all", events->raised_count);
	if (events->info & INTERRUPTION_VALID) {
		look_add(look, "%snot delivered yet: ", look->length ? "; " : "");
		look_add_event(look, events->info);
	}
	return true;
}
