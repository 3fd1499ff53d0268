#include "vmm/exit/task_switch.h"

#include "lib/errno.h"
#include "lib/x86.h"
#include "vmm/exit/cr.h"
#include "vmm/exit/guest_paging.h"
#include "vmm/exit/instruction.h"
#include "vmm/exit/task_state.h"
#include "vmm/vm.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

#define DR7_LOCAL 0x155u /* L0 to L3 and LE */
#define DR6_BT	  BIT(15)

#define RFLAGS_NT   BIT(14)
#define RFLAGS_VM   BIT(17)
#define RFLAGS_TASK 0x3f7fd5u /* what a TSS may set */

#define RIGHTS_BUSY	0x02u
#define RIGHTS_ACCESSED 0x01u
#define RIGHTS_S	0x10u
#define RIGHTS_V86	0xf3u
/* CPL 3, in segments that nothing is read or fetched from; of CS conforming, so any CPL fits */
#define RIGHTS_NO_CODE	0xc09fu
#define RIGHTS_NO_DATA	(ACCESS_RIGHTS_UNUSABLE | 3u << ACCESS_RIGHTS_DPL_SHIFT)
#define DESCRIPTOR_TYPE 5 /* the byte of a descriptor that has the type */

struct task_switch {
	enum task_source source;
	uint32_t event; /* that the gate is for: interruption information */
	uint16_t ext;	/* EXT of error codes */
	uint16_t selector;
	bool old_is_32bit, is_32bit;
	uint64_t descriptor_at, raw;
	uint32_t base; /* of the incoming TSS */
	uint64_t traps;
};

static bool is_nested(const struct task_switch *task)
{
	return task->source == TASK_CALL || task->source == TASK_GATE;
}

static bool ends_old(const struct task_switch *task)
{
	return task->source == TASK_JMP || task->source == TASK_IRET;
}

static int raise(struct vcpu *vcpu, const struct task_switch *task, struct task_fault fault)
{
	vcpu_raise(vcpu, fault.vector, (fault.selector & ~SELECTOR_RPL) | task->ext);
	return -EFAULT;
}

/* An entry of the GDT, or of an LDT. */
static uint64_t descriptor_address(enum vmcs_field base, uint16_t selector)
{
	return vmcs_read(base) + (selector & ~(SELECTOR_RPL | SELECTOR_TI));
}

static int read_descriptor(struct vcpu *vcpu, const struct task_state *state, enum task_segment n,
			   struct task_descriptor *descriptor)
{
	uint16_t selector = state->selector[n];
	bool in_ldt = selector & SELECTOR_TI;
	enum vmcs_field base = in_ldt ? VMCS_GUEST_LDTR_BASE : VMCS_GUEST_GDTR_BASE;
	uint32_t limit = vmcs_read(in_ldt ? VMCS_GUEST_LDTR_LIMIT : VMCS_GUEST_GDTR_LIMIT);

	*descriptor = (struct task_descriptor){};
	if (!(selector & ~SELECTOR_RPL) || (selector | 7u) > limit ||
	    (in_ldt && (vmcs_read(VMCS_GUEST_LDTR_ACCESS_RIGHTS) & ACCESS_RIGHTS_UNUSABLE)))
		return 0;
	descriptor->found = true;
	return guest_system_access(vcpu, descriptor_address(base, selector), &descriptor->raw,
				   sizeof(descriptor->raw), false);
}

/* A CPU has looked at it before the exit, but not at the same moment. */
static int find_tss(struct vcpu *vcpu, struct task_switch *task)
{
	struct task_state state = {.selector[TASK_LDTR] = task->selector};
	struct task_descriptor tss = {};
	struct task_fault fault;

	if (!(task->selector & SELECTOR_TI) && read_descriptor(vcpu, &state, TASK_LDTR, &tss))
		return -EFAULT;
	fault = task_check_tss(task->selector, &tss, task->source);
	if (fault.vector)
		return raise(vcpu, task, fault);
	task->descriptor_at = descriptor_address(VMCS_GUEST_GDTR_BASE, task->selector);
	task->raw = tss.raw;
	task->base = descriptor_base(tss.raw);
	task->is_32bit = task_is_32bit(descriptor_rights(tss.raw));
	return 0;
}

/* All that is to be accessed before the incoming task begins: nothing of it may fail half-way. */
static int check_memory(struct vcpu *vcpu, const struct task_switch *task)
{
	uint64_t old = vmcs_read(VMCS_GUEST_TR_BASE);
	uint16_t old_selector = vmcs_read(VMCS_GUEST_TR_SELECTOR);
	uint64_t old_descriptor = descriptor_address(VMCS_GUEST_GDTR_BASE, old_selector);
	uint32_t start = task_saved_start(task->old_is_32bit);
	uint32_t end = task_saved_end(task->old_is_32bit);

	if (vmcs_read(VMCS_GUEST_TR_LIMIT) < end - 1)
		return raise(vcpu, task, (struct task_fault){VECTOR_TS, old_selector});
	if (guest_check_system_access(vcpu, task->base, task_image_size(task->is_32bit), false) ||
	    guest_check_system_access(vcpu, old + start, end - start, true) ||
	    (is_nested(task) &&
	     guest_check_system_access(vcpu, task->base, sizeof(old_selector), true)) ||
	    (ends_old(task) &&
	     guest_check_system_access(vcpu, old_descriptor + DESCRIPTOR_TYPE, 1, true)) ||
	    (task->source != TASK_IRET &&
	     guest_check_system_access(vcpu, task->descriptor_at + DESCRIPTOR_TYPE, 1, true)))
		return -EFAULT;
	return 0;
}

/* Whether the outgoing task goes on behind an instruction. */
static bool completes_instruction(const struct task_switch *task)
{
	return task->source != TASK_GATE ||
	       (task->event & INTERRUPTION_TYPE) >= TYPE_SOFTWARE_INTERRUPT;
}

static struct task_state outgoing_state(const struct vcpu *vcpu, const struct task_switch *task)
{
	struct task_state state = {
		.eip = vmcs_read(VMCS_GUEST_RIP),
		.eflags = vmcs_read(VMCS_GUEST_RFLAGS),
	};

	if (completes_instruction(task))
		state.eip += vmcs_read(VMCS_EXIT_INSTRUCTION_LENGTH);
	if (task->source != TASK_GATE)
		state.eflags &= ~RFLAGS_RF;
	if (task->source == TASK_IRET)
		state.eflags &= ~RFLAGS_NT;
	for (unsigned int i = 0; i < 8; i++)
		state.registers[i] = vcpu_get_register(vcpu, i);
	for (unsigned int i = 0; i < TASK_LDTR; i++)
		state.selector[i] = vmcs_read(VMCS_GUEST_ES_SELECTOR + 2 * i);
	return state;
}

static int save_old(struct vcpu *vcpu, const struct task_switch *task)
{
	struct task_state state = outgoing_state(vcpu, task);
	uint32_t start = task_saved_start(task->old_is_32bit);
	uint32_t size = task_saved_end(task->old_is_32bit) - start;
	uint64_t at = vmcs_read(VMCS_GUEST_TR_BASE) + start;
	uint8_t image[TASK_IMAGE_MAX] = {};

	if (guest_system_access(vcpu, at, image + start, size, false))
		return -EFAULT;
	task_state_write(&state, image, task->old_is_32bit);
	return guest_system_access(vcpu, at, image + start, size, true);
}

/* The outgoing task leaves, and the incoming one's state is read: it may be the same. */
static int exchange(struct vcpu *vcpu, const struct task_switch *task, struct task_state *state)
{
	uint16_t old_selector = vmcs_read(VMCS_GUEST_TR_SELECTOR);
	uint8_t image[TASK_IMAGE_MAX] = {};

	if (ends_old(task) &&
	    guest_system_change(
		    vcpu, descriptor_address(VMCS_GUEST_GDTR_BASE, old_selector) + DESCRIPTOR_TYPE,
		    0, RIGHTS_BUSY))
		return -EFAULT;
	if (save_old(vcpu, task))
		return -EFAULT;
	if (is_nested(task) &&
	    guest_system_access(vcpu, task->base, &old_selector, sizeof(old_selector), true))
		return -EFAULT;
	if (guest_system_access(vcpu, task->base, image, task_image_size(task->is_32bit), false))
		return -EFAULT;
	task_state_read(state, image, task->is_32bit);
	if (is_nested(task))
		state->eflags |= RFLAGS_NT;
	if (task->source == TASK_IRET)
		return 0;
	return guest_system_change(vcpu, task->descriptor_at + DESCRIPTOR_TYPE, RIGHTS_BUSY, 0);
}

/* The hidden part of a segment register. */
static void write_hidden(enum task_segment n, uint64_t base, uint32_t limit, uint32_t rights)
{
	vmcs_write(VMCS_GUEST_ES_BASE + 2 * n, base);
	vmcs_write(VMCS_GUEST_ES_LIMIT + 2 * n, limit);
	vmcs_write(VMCS_GUEST_ES_ACCESS_RIGHTS + 2 * n, rights);
}

static void load_nothing(enum task_segment n)
{
	if (n == TASK_CS)
		write_hidden(n, 0, 0xffffffff, RIGHTS_NO_CODE);
	else
		write_hidden(n, 0, 0, RIGHTS_NO_DATA);
}

static void load_v86(const struct task_state *state)
{
	for (enum task_segment n = TASK_ES; n < TASK_LDTR; n++)
		write_hidden(n, state->selector[n] << 4, 0xffff, RIGHTS_V86);
}

/* What blocked events in the outgoing task, and what the event blocks. */
static void change_blocking(const struct task_switch *task)
{
	uint32_t old = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);
	uint32_t blocking = old & ~(BLOCKING_BY_STI | BLOCKING_BY_MOV_SS);

	if (task->source == TASK_GATE && (task->event & INTERRUPTION_TYPE) == TYPE_NMI)
		blocking |= BLOCKING_BY_NMI;
	vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, blocking);
}

/* What MOV SS has held back goes on to be pending, but for the outgoing task's single step. */
static void hold_traps(struct task_switch *task)
{
	uint64_t pending = vmcs_read(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS);

	if (pending & PENDING_DEBUG_ENABLED)
		task->traps = pending & ~PENDING_DEBUG_BS;
	if (pending)
		vmcs_write(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, 0);
}

/* From here on it is the incoming task that runs. */
static void commit(struct vcpu *vcpu, struct task_switch *task, const struct task_state *state)
{
	hold_traps(task);
	change_blocking(task);
	vmcs_write(VMCS_GUEST_TR_SELECTOR, task->selector);
	vmcs_write(VMCS_GUEST_TR_BASE, task->base);
	vmcs_write(VMCS_GUEST_TR_LIMIT, descriptor_limit(task->raw));
	vmcs_write(VMCS_GUEST_TR_ACCESS_RIGHTS, descriptor_rights(task->raw) | RIGHTS_BUSY);
	cr0_set_ts(vcpu);
	vmcs_write(VMCS_GUEST_DR7, vmcs_read(VMCS_GUEST_DR7) & ~(uint64_t)DR7_LOCAL);
	vmcs_write(VMCS_GUEST_RIP, state->eip);
	vmcs_write(VMCS_GUEST_RFLAGS, (state->eflags & RFLAGS_TASK) | RFLAGS_FIXED);
	for (unsigned int i = 0; i < 8; i++)
		vcpu_set_register(vcpu, i, state->registers[i]);
	for (enum task_segment n = TASK_ES; n < TASK_SEGMENTS; n++) {
		vmcs_write(VMCS_GUEST_ES_SELECTOR + 2 * n, state->selector[n]);
		load_nothing(n);
	}
	if (state->eflags & RFLAGS_VM)
		load_v86(state);
	/* an exception that is being delivered counts for a double fault as long as it is */
	if ((task->event & INTERRUPTION_TYPE) != TYPE_HARDWARE_EXCEPTION)
		event_delivered(&vcpu->events);
}

static int switch_cr3(struct vcpu *vcpu, const struct task_switch *task,
		      const struct task_state *state)
{
	int error;

	if (!task->is_32bit || !(vmcs_read(VMCS_GUEST_CR0) & CR0_PG) ||
	    vmcs_read(VMCS_GUEST_CR3) == state->cr3)
		return 0;
	error = cr3_switch(vcpu, state->cr3);
	if (error == -EINVAL)
		raise(vcpu, task, (struct task_fault){VECTOR_TS, 0});
	return error;
}

static void load(enum task_segment n, struct task_descriptor descriptor)
{
	uint64_t raw = descriptor.raw;
	uint32_t rights = descriptor_rights(raw);

	if (descriptor.found)
		write_hidden(n, descriptor_base(raw), descriptor_limit(raw),
			     rights & RIGHTS_S ? rights | RIGHTS_ACCESSED : rights);
	else /* null */
		write_hidden(n, 0, 0, ACCESS_RIGHTS_UNUSABLE);
}

static int mark_accessed(struct vcpu *vcpu, uint16_t selector, struct task_descriptor descriptor)
{
	enum vmcs_field base = selector & SELECTOR_TI ? VMCS_GUEST_LDTR_BASE : VMCS_GUEST_GDTR_BASE;
	uint32_t rights = descriptor_rights(descriptor.raw);

	if (!descriptor.found || !(rights & RIGHTS_S) || (rights & RIGHTS_ACCESSED))
		return 0;
	return guest_system_change(vcpu, descriptor_address(base, selector) + DESCRIPTOR_TYPE,
				   RIGHTS_ACCESSED, 0);
}

static int load_ldtr(struct vcpu *vcpu, const struct task_state *state,
		     struct task_descriptor *descriptor)
{
	if (!(state->selector[TASK_LDTR] & SELECTOR_TI) &&
	    read_descriptor(vcpu, state, TASK_LDTR, &descriptor[TASK_LDTR]))
		return -EFAULT;
	if (task_segment_usable(state, descriptor, TASK_LDTR))
		load(TASK_LDTR, descriptor[TASK_LDTR]);
	return 0;
}

/* After a fault in another one: what can be used is there. CS is not, but for its selector. */
static void load_usable(const struct task_state *state, const struct task_descriptor *descriptor)
{
	for (enum task_segment n = TASK_ES; n < TASK_LDTR; n++)
		if (n != TASK_CS && task_segment_usable(state, descriptor, n))
			load(n, descriptor[n]);
}

static int load_segments(struct vcpu *vcpu, const struct task_switch *task,
			 const struct task_state *state)
{
	struct task_descriptor descriptor[TASK_SEGMENTS] = {};
	struct task_fault fault;

	if (load_ldtr(vcpu, state, descriptor))
		return -EFAULT;
	if (state->eflags & RFLAGS_VM) { /* has its segments */
		if (!task_segment_usable(state, descriptor, TASK_LDTR))
			return raise(vcpu, task,
				     (struct task_fault){VECTOR_TS, state->selector[TASK_LDTR]});
		return 0;
	}
	for (enum task_segment n = TASK_ES; n < TASK_LDTR; n++)
		if (read_descriptor(vcpu, state, n, &descriptor[n]))
			return -EFAULT;
	fault = task_check_segments(state, descriptor);
	if (fault.vector) {
		load_usable(state, descriptor);
		return raise(vcpu, task, fault);
	}
	for (enum task_segment n = TASK_ES; n < TASK_LDTR; n++)
		if (mark_accessed(vcpu, state->selector[n], descriptor[n]))
			return -EFAULT;
	for (enum task_segment n = TASK_ES; n < TASK_LDTR; n++)
		load(n, descriptor[n]);
	return 0;
}

/* In the size of the TSS, onto a stack as wide as its segment. */
static int push_error_code(struct vcpu *vcpu, const struct task_switch *task, uint32_t *esp)
{
	uint32_t rights = vmcs_read(VMCS_GUEST_SS_ACCESS_RIGHTS);
	uint32_t mask = rights & ACCESS_RIGHTS_DB ? 0xffffffff : 0xffff;
	uint32_t size = task->is_32bit ? 4 : 2, offset = (*esp - size) & mask;
	uint32_t error_code = vcpu->events.error_code;

	if (!segment_contains(vmcs_read(VMCS_GUEST_SS_LIMIT), rights, offset, size))
		return raise(vcpu, task, (struct task_fault){VECTOR_SS, 0});
	if (guest_access(vcpu, vmcs_read(VMCS_GUEST_SS_BASE) + offset, &error_code, size, true))
		return -EFAULT;
	*esp = (*esp & ~mask) | offset;
	return 0;
}

/* The incoming task is about to execute. */
static int finish(struct vcpu *vcpu, const struct task_switch *task, const struct task_state *state)
{
	uint32_t esp = state->registers[REGISTER_RSP];
	uint64_t traps = task->traps;

	if ((task->event & INTERRUPTION_ERROR_CODE) && push_error_code(vcpu, task, &esp))
		return -EFAULT;
	if (state->eip > vmcs_read(VMCS_GUEST_CS_LIMIT))
		return raise(vcpu, task, (struct task_fault){VECTOR_GP, 0});
	vcpu_set_register(vcpu, REGISTER_RSP, esp);
	event_delivered(&vcpu->events);
	if (state->trap)
		event_raise_debug_trap(&vcpu->events, traps | DR6_BT);
	else if (traps)
		event_pend_debug_trap(&vcpu->events, traps);
	return 0;
}

void exit_task_switch(struct vcpu *vcpu)
{
	uint64_t qualification = vmcs_read(VMCS_EXIT_QUALIFICATION);
	struct task_switch task = {
		.source = qualification >> 30 & 3,
		.selector = qualification,
		.event = vcpu->events.info,
		.old_is_32bit = task_is_32bit(vmcs_read(VMCS_GUEST_TR_ACCESS_RIGHTS)),
	};
	uint32_t type = task.event & INTERRUPTION_TYPE;
	struct task_state state;

	if (task.source == TASK_GATE)
		task.ext = type != TYPE_SOFTWARE_INTERRUPT && type != TYPE_SOFTWARE_EXCEPTION;
	else
		task.event = 0;
	if (task.source == TASK_IRET) /* also if it faults */
		vmcs_write(VMCS_GUEST_INTERRUPTIBILITY,
			   vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) & ~BLOCKING_BY_NMI);
	if (find_tss(vcpu, &task) || check_memory(vcpu, &task) || exchange(vcpu, &task, &state))
		return;
	commit(vcpu, &task, &state);
	if (!switch_cr3(vcpu, &task, &state) && !load_segments(vcpu, &task, &state))
		finish(vcpu, &task, &state);
}
