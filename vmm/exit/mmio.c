#include "vmm/exit/mmio.h"

#include "lib/console.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/x86.h"
#include "vmm/chip/lapic_registers.h"
#include "vmm/device/pages.h"
#include "vmm/exit/fetch.h"
#include "vmm/exit/guest_paging.h"
#include "vmm/hole_step.h"
#include "vmm/exit/instruction.h"
#include "vmm/exit/mmio_decode.h"
#include "vmm/exit/mmio_execute.h"
#include "vmm/interrupts.h"
#include "vmm/pcpu.h"
#include "vmm/request.h"
#include "vmm/vm.h"
#include "vmx/vmcs.h"

/* EPT violation qualification (SDM Vol. 3C table 27-7) */
#define EPT_READ	   BIT(0)
#define EPT_WRITE	   BIT(1)
#define EPT_FETCH	   BIT(2)
#define EPT_LINEAR_VALID   BIT(7)
#define EPT_OF_THE_OPERAND BIT(8) /* else of a paging-structure entry */
#define EPT_NMI_UNBLOCKED  BIT(12)

/* Page-fault error code (SDM Vol. 3A 4.7) */
#define FAULT_PRESENT  BIT(0)
#define FAULT_WRITE    BIT(1)
#define FAULT_USER     BIT(2)
#define FAULT_RESERVED BIT(3)
#define FAULT_FETCH    BIT(4)

#define PAGE_SIZE_4K 0x1000u
#define ES	     0

struct access {
	struct vcpu *vcpu;
	uint64_t gpa;
	struct mmio_instruction instruction;
	uint8_t bytes[MMIO_INSTRUCTION_MAX];
	unsigned int count;
};

static void fail(struct vcpu *vcpu, uint64_t gpa, const char *what)
{
	vm_fail(vcpu, "ept-violation",
		"at guest-physical 0x%lx, where no RAM is: %s [SDM Vol. 3C 28.3.3.2]", gpa, what);
}

void mmio_fail_delivery(struct vcpu *vcpu, uint64_t gpa)
{
	fail(vcpu, gpa, "an event was being delivered, whose stack or tables are there");
}

static void fail_by_bytes(const struct access *a)
{
	char text[128] = "an instruction that is not emulated there:";
	size_t length = 42;

	for (unsigned int i = 0; i < a->count; i++)
		length += format(text + length, sizeof(text) - length, " %02x", a->bytes[i]);
	fail(a->vcpu, a->gpa, text);
}

static uint64_t address_mask(const struct mmio_instruction *ins)
{
	return ins->address_size == 8 ? ~0ull : BIT(8 * ins->address_size) - 1;
}

/* The linear address of an operand at SEGMENT:register. */
static uint64_t linear_of(struct vcpu *vcpu, unsigned int segment, unsigned int number,
			  uint64_t mask)
{
	uint64_t offset = vcpu_get_register(vcpu, number) & mask;

	if (vcpu_in_64bit_mode(vcpu))
		return segment < 4 ? offset : offset + vmcs_read(VMCS_GUEST_ES_BASE + 2 * segment);
	return (uint32_t)(offset + vmcs_read(VMCS_GUEST_ES_BASE + 2 * segment));
}

/* One element; the other operand of MOVS may be anywhere, at a device too. */
static bool string_element(struct access *a)
{
	const struct mmio_instruction *ins = &a->instruction;
	struct vcpu *vcpu = a->vcpu;
	uint64_t mask = address_mask(ins), value = 0;
	int64_t step = vmcs_read(VMCS_GUEST_RFLAGS) & RFLAGS_DF ? -(int64_t)ins->size : ins->size;

	if (ins->operation == MMIO_STOS)
		value = vcpu->guest.registers.rax;
	else if (guest_access(vcpu, linear_of(vcpu, ins->segment, REGISTER_RSI, mask), &value,
			      ins->size, false))
		return false;
	if (ins->operation == MMIO_LODS) {
		struct mmio_operands operands = {.memory = value,
						 .register_value = vcpu->guest.registers.rax};

		mmio_execute(ins, &operands);
		vcpu->guest.registers.rax = operands.register_value;
	} else if (guest_access(vcpu, linear_of(vcpu, ES, REGISTER_RDI, mask), &value, ins->size,
				true)) {
		return false;
	}
	if (ins->operation != MMIO_STOS)
		vcpu_advance_register(vcpu, REGISTER_RSI, mask, step);
	if (ins->operation != MMIO_LODS)
		vcpu_advance_register(vcpu, REGISTER_RDI, mask, step);
	return true;
}

static void complete_string(struct access *a)
{
	const struct mmio_instruction *ins = &a->instruction;
	uint64_t mask = address_mask(ins);
	bool rep = ins->flags & MMIO_REP;

	if (!string_element(a))
		return;
	if (rep)
		vcpu_advance_register(a->vcpu, REGISTER_RCX, mask, -1);
	if (rep && (a->vcpu->guest.registers.rcx & mask))
		vcpu_retire(a->vcpu, false);
	else
		vcpu_skip_bytes(a->vcpu, ins->length);
	vcpu_request(a->vcpu, 0); /* an element takes as long as many other exits */
}

static bool push(struct access *a, uint64_t value)
{
	const struct mmio_instruction *ins = &a->instruction;
	uint64_t rsp = vmcs_read(VMCS_GUEST_RSP), mask = ~0ull;

	if (!vcpu_in_64bit_mode(a->vcpu))
		mask = vmcs_read(VMCS_GUEST_SS_ACCESS_RIGHTS) & ACCESS_RIGHTS_DB ? 0xffffffff
										 : 0xffff;
	rsp = (rsp & ~mask) | ((rsp - ins->size) & mask);
	if (guest_access(a->vcpu,
			 vcpu_in_64bit_mode(a->vcpu)
				 ? rsp
				 : (uint32_t)((rsp & mask) + vmcs_read(VMCS_GUEST_SS_BASE)),
			 &value, ins->size, true))
		return false;
	vmcs_write(VMCS_GUEST_RSP, rsp);
	return true;
}

/*
 * The memory operand. One that goes on in the next page, whatever is there, begins at the linear
 * address of the exit.
 */
static bool access_operand(struct access *a, uint64_t *value, bool write)
{
	unsigned int size = a->instruction.size;

	if ((a->gpa & (PAGE_SIZE_4K - 1)) + size > PAGE_SIZE_4K)
		return !guest_access(a->vcpu, vmcs_read(VMCS_GUEST_LINEAR_ADDRESS), value, size,
				     write);
	return write ? pages_write(a->vcpu, a->gpa, size, *value)
		     : pages_read(a->vcpu, a->gpa, size, value);
}

static void complete(struct access *a)
{
	const struct mmio_instruction *ins = &a->instruction;
	struct vcpu *vcpu = a->vcpu;
	struct mmio_operands operands = {};
	uint64_t rflags;

	if ((ins->flags & MMIO_READS) && !access_operand(a, &operands.memory, false))
		return;
	if (ins->flags & MMIO_REGISTER)
		operands.register_value = vcpu_get_register(vcpu, ins->number);
	operands.rflags = rflags = vmcs_read(VMCS_GUEST_RFLAGS);
	mmio_execute(ins, &operands);
	if (ins->operation == MMIO_PUSH && !push(a, operands.memory))
		return;
	if ((ins->flags & MMIO_WRITES) && !access_operand(a, &operands.memory, true))
		return;
	if (ins->flags & MMIO_SETS_REGISTER)
		vcpu_set_register(vcpu, ins->number, operands.register_value);
	if (operands.rflags != rflags)
		vmcs_write(VMCS_GUEST_RFLAGS, operands.rflags);
	vcpu_skip_bytes(vcpu, ins->length);
}

/* The instruction runs again, or the event is delivered again. */
static void run_again(uint64_t qualification)
{
	if (vmcs_read(VMCS_IDT_VECTORING_INFO) & INTERRUPTION_VALID)
		return;
	/* an IRET that had unblocked NMIs when it failed (SDM Vol. 3C 27.2.3) */
	if (qualification & EPT_NMI_UNBLOCKED)
		vmcs_write(VMCS_GUEST_INTERRUPTIBILITY,
			   vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) | BLOCKING_BY_NMI);
	event_execute_again(); /* a CPU has set RF: Bochs 2.7 has not */
}

/* Where nothing is the CPU can execute it by itself. */
static void without_emulation(struct access *a, uint64_t qualification)
{
	bool write = qualification & EPT_WRITE;
	uint64_t value;

	if (!pages_is_hole(a->vcpu, a->gpa)) {
		fail_by_bytes(a);
	} else if (write ? pages_write(a->vcpu, a->gpa, 1, 0)
			 : pages_read(a->vcpu, a->gpa, 1, &value)) {
		if (hole_step_begin(a->vcpu, a->gpa))
			run_again(qualification);
		else
			fail_by_bytes(a);
	}
}

static void access_device(struct vcpu *vcpu, uint64_t gpa, uint64_t qualification)
{
	struct access a = {.vcpu = vcpu, .gpa = gpa};
	int error = fetch(vcpu, &a.instruction, a.bytes, &a.count);

	if (error == -EINVAL)
		without_emulation(&a, qualification);
	else if (!error && a.instruction.operation >= MMIO_STOS)
		complete_string(&a);
	else if (!error)
		complete(&a);
}

/* No hole is at the APIC's page, which the CPU could execute anything at. */
void mmio_access(struct vcpu *vcpu, uint64_t gpa)
{
	access_device(vcpu, gpa, 0);
}

/* A paging-structure entry there is all ones: bits that are reserved are set. */
static void fault_by_reserved_bits(struct vcpu *vcpu, uint64_t qualification)
{
	uint32_t error = FAULT_PRESENT | FAULT_RESERVED;

	if (qualification & EPT_WRITE)
		error |= FAULT_WRITE;
	if (qualification & EPT_FETCH)
		error |= FAULT_FETCH;
	if (vcpu_cpl() == 3)
		error |= FAULT_USER;
	write_cr2(vmcs_read(VMCS_GUEST_LINEAR_ADDRESS));
	vcpu_raise(vcpu, VECTOR_PF, error);
}

void exit_ept_violation(struct vcpu *vcpu)
{
	uint64_t qualification = vmcs_read(VMCS_EXIT_QUALIFICATION);
	uint64_t gpa = vmcs_read(VMCS_GUEST_PHYSICAL_ADDRESS), value;

	if ((qualification & EPT_FETCH) &&
	    (ept_split(&vcpu->vm->ept, vcpu->pcpu->cpu.id, gpa) ||
	     (vm_is_shared(vcpu->vm) && ept_executes(&vcpu->vm->ept, gpa)))) {
		run_again(qualification);
		return;
	}
	if (vmcs_read(VMCS_IDT_VECTORING_INFO) & INTERRUPTION_VALID) {
		mmio_fail_delivery(vcpu, gpa);
	} else if ((qualification & (EPT_LINEAR_VALID | EPT_OF_THE_OPERAND)) == EPT_LINEAR_VALID) {
		if (pages_read(vcpu, gpa & ~7ull, 8, &value))
			fault_by_reserved_bits(vcpu, qualification);
	} else if (qualification & EPT_FETCH) {
		if (pages_read(vcpu, gpa, 1, &value)) /* all ones are no instruction */
			vcpu_raise(vcpu, VECTOR_UD, EVENT_NO_ERROR_CODE);
	} else {
		access_device(vcpu, gpa, qualification);
	}
}

/* As vcpu_skip_instruction_fast(). The exit was a fault, which saves RF as 1. */
static inline void finish(struct vcpu *vcpu, unsigned int length, uint64_t rflags, uint64_t rip)
{
	if (__builtin_expect((rflags & RFLAGS_TF) | vmcs_read_known(VMCS_GUEST_INTERRUPTIBILITY),
			     0)) {
		vcpu_skip_bytes(vcpu, length);
		return;
	}
	vmcs_write_known(VMCS_GUEST_RFLAGS, rflags & ~RFLAGS_RF);
	vmcs_write_known(VMCS_GUEST_RIP, rip + length);
}

/* What is written all the time. False: it is another register. */
static inline bool write_priority(struct vcpu *vcpu, uint64_t gpa, uint8_t value)
{
	struct lapic *lapic = &vcpu->lapic;

	if (lapic_is_register_at(lapic, LAPIC_OFFSET_EOI, gpa))
		lapic_eoi(vcpu_lapic(vcpu));
	else if (lapic_is_register_at(lapic, LAPIC_OFFSET_TPR, gpa))
		lapic_set_tpr(vcpu_lapic(vcpu), value);
	else
		return false;
	interrupts_priority_changed(vcpu);
	return true;
}

static inline __attribute__((always_inline)) bool move(struct vcpu *vcpu, uint64_t gpa)
{
	uint64_t rflags = vmcs_read_known(VMCS_GUEST_RFLAGS);
	uint64_t rip = vmcs_read_known(VMCS_GUEST_RIP);
	uint64_t cs = vmcs_read_known(VMCS_GUEST_CS_ACCESS_RIGHTS);
	const struct kept_instruction *kept = vcpu->long_mode && (cs & ACCESS_RIGHTS_L)
						      ? fetch_kept_64(vcpu, rip, cs)
						      : fetch_kept_32(vcpu, rip, cs);
	const struct mmio_instruction *ins = &kept->instruction;
	uint64_t *to;
	uint32_t value;

	if (!kept || kept->kind == KEPT_OTHER)
		return false;
	to = &vcpu->guest.registers.number[ins->number];
	value = kept->kind == KEPT_STORE ? *to : ins->immediate;
	if (kept->kind != KEPT_LOAD && write_priority(vcpu, gpa, value)) {
		/* done */
	} else if (kept->kind == KEPT_LOAD && gpa == PC_HPET + HPET_COUNTER) {
		*to = hpet_block_read_counter(&vcpu->vm->pc.hpet, &pc_rates.hpet, rdtsc());
	} else if (gpa & 3) { /* it may run over the end of the page */
		return false;
	} else if (!(kept->kind == KEPT_LOAD ? pages_read(vcpu, gpa, 4, to)
					     : pages_write(vcpu, gpa, 4, value))) {
		return true;
	}
	finish(vcpu, ins->length, rflags, rip);
	return true;
}

bool mmio_move(struct vcpu *vcpu, uint64_t gpa)
{
	return move(vcpu, gpa);
}

/* It takes as long as many other exits, or has to do with an event: another look at the time. */
static __attribute__((noinline)) void go_the_long_way(struct vcpu *vcpu)
{
	event_after_exit(&vcpu->events);
	exit_ept_violation(vcpu);
	vmx_ask_to_return(&vcpu->guest.entries_left);
}

void exit_ept_violation_at_once(struct vcpu *vcpu)
{
	uint64_t qualification = vmcs_read_known(VMCS_EXIT_QUALIFICATION);
	uint64_t gpa = vmcs_read_known(VMCS_GUEST_PHYSICAL_ADDRESS);
	bool by_operand = (qualification & (EPT_FETCH | EPT_LINEAR_VALID | EPT_OF_THE_OPERAND)) ==
			  (EPT_LINEAR_VALID | EPT_OF_THE_OPERAND);

	if (!by_operand || (vmcs_read_known(VMCS_IDT_VECTORING_INFO) & INTERRUPTION_VALID) ||
	    !move(vcpu, gpa))
		go_the_long_way(vcpu);
}
