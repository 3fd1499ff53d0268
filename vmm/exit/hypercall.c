#include "vmm/exit/hypercall.h"

#include "boot/clock.h"
#include "lib/errno.h"
#include "lib/x86.h"
#include "vmm/exit/bios_call.h"
#include "vmm/exit/instruction.h"
#include "vmm/interrupts.h"
#include "vmm/fpu_policy.h"
#include "vmm/hypercall.h"
#include "vmm/load/firmware_rom.h"
#include "vmm/pcpu.h"
#include "vmm/request.h"
#include "vmm/stats.h"
#include "vmm/vm.h"
#include "vmx/vmcs.h"

/* Of a console write at a time, so that one exit does not take longer than a slice may be. */
#define CONSOLE_PART 64			/* characters */
#define LINE_COST    (CONSOLE_PART / 4) /* of a line's end */

/*
 * Writes a few bytes; true if there are more. RBX and RCX advance, and the guest executes VMCALL
 * again: between two parts it can be interrupted, and others get their turn.
 */
static __attribute__((noinline)) bool console_write_part(struct vcpu *vcpu, uint64_t gpa,
							 uint64_t length, int64_t *result)
{
	struct vm *vm = vcpu->vm;
	uint32_t cost = 0, done = 0;
	bool locked;

	*result = 0;
	if (length > HYPERCALL_CONSOLE_MAX)
		*result = -EINVAL;
	else if (!guest_ram_contains(&vm->ram, gpa, length))
		*result = -EFAULT;
	if (*result)
		return false;
	locked = vm_lock_pc(vm);
	while (done < length && cost < CONSOLE_PART) {
		char c;

		guest_ram_read(&vm->ram, gpa + done++, &c, 1);
		cost += c == '\n' ? LINE_COST : 1;
		guest_console_write(&vm->console, vm->config.name, c);
	}
	vm_unlock_pc(vm, locked);
	vcpu->guest.registers.rbx += done;
	vcpu->guest.registers.rcx -= done;
	return done < length;
}

static __attribute__((noinline)) int64_t get_stats(struct vcpu *vcpu, uint64_t gpa, uint64_t size,
						   uint32_t label)
{
	struct hypercall_stats stats;

	if (size > sizeof(stats))
		size = sizeof(stats);
	if (gpa && !guest_ram_contains(&vcpu->vm->ram, gpa, size))
		return -EFAULT;
	vcpu_request(vcpu, 0); /* it takes as long as many other exits */
	vcpu_count_entries(vcpu);
	stats_snapshot(vcpu->pcpu, vcpu, &stats);
	if (label)
		stats_print_snapshot(vcpu->pcpu, vcpu, label);
	if (!gpa)
		return 0;
	guest_ram_write(&vcpu->vm->ram, gpa, &stats, size);
	return size;
}

static int64_t set_timer(struct vcpu *vcpu, uint64_t vector, uint64_t delay_us)
{
	bool locked;

	if (delay_us > HYPERCALL_TIMER_MAX_US || vector > 255 ||
	    (vector != VECTOR_NMI && vector < 32))
		return -EINVAL;
	vcpu->timer_vector = vector;
	vcpu->call_deadline = delay_us ? rdtsc() + clock_us_to_tsc(delay_us) : VCPU_TIMER_OFF;
	/* another vCPU that sets a chip's timer looks whether this one is earlier */
	locked = vm_lock_pc(vcpu->vm);
	vcpu_set_deadline(vcpu);
	vm_unlock_pc(vcpu->vm, locked);
	return 0;
}

_Static_assert((int)HYPERCALL_FPU_LAZY == (int)FPU_LAZY &&
		       (int)HYPERCALL_FPU_SCRUB == (int)FPU_SCRUB &&
		       (int)HYPERCALL_FPU_EAGER == (int)FPU_EAGER &&
		       (int)HYPERCALL_FPU_UNLOAD == (int)FPU_UNLOAD &&
		       (int)HYPERCALL_FPU_SWAP == (int)FPU_SWAP &&
		       (int)HYPERCALL_FPU_AUTO == (int)FPU_AUTO,
	       "vmm/hypercall.h names the policies of fpu/context.h");

static int64_t set_fpu_policy(const struct vcpu *vcpu, uint64_t policy)
{
	if (!vcpu->vm->config.control)
		return -EPERM;
	if (policy >= FPU_POLICIES)
		return -EINVAL;
	return fpu_policy_set((enum fpu_policy)policy);
}

_Static_assert((int)HYPERCALL_NO_BIOS == FIRMWARE_CALL, "what vmm/load/firmware_rom.S calls");

static int64_t call(struct vcpu *vcpu, uint32_t number, uint64_t b, uint64_t c, uint64_t d)
{
	switch (number) {
	case HYPERCALL_GET_VERSION:
		return HYPERCALL_VERSION;
	case HYPERCALL_YIELD:
		vcpu_request(vcpu, VCPU_YIELD);
		return 0;
	case HYPERCALL_GET_STATS:
		return get_stats(vcpu, b, c, d);
	case HYPERCALL_EXIT:
		if (b > 255)
			return -EINVAL;
		vm_end(vcpu->vm, b, "hypercall");
		return 0;
	case HYPERCALL_SET_TIMER:
		return set_timer(vcpu, b, c);
	case HYPERCALL_SET_FPU_POLICY:
		return set_fpu_policy(vcpu, b);
	case HYPERCALL_NO_BIOS:
		if (vmcs_read(VMCS_GUEST_CR0) & CR0_PE)
			return -ENOSYS;
		bios_call(vcpu, b, c, d);
		return 0;
	default:
		return -ENOSYS;
	}
}

void exit_vmcall(struct vcpu *vcpu)
{
	struct guest_registers *regs = &vcpu->guest.registers;
	uint64_t mask = vcpu_in_64bit_mode(vcpu) ? ~0ull : 0xffffffffull;
	uint64_t b = regs->rbx & mask, c = regs->rcx & mask, d = regs->rdx & mask;
	uint32_t number = regs->rax;
	int64_t result = -EPERM;
	bool kernel = vcpu_cpl() == 0;

	if (kernel && number == HYPERCALL_CONSOLE_WRITE) {
		if (console_write_part(vcpu, b, c, &result)) {
			vcpu_retire(vcpu, false);
			vcpu_request(vcpu, 0);
			return;
		}
	} else if (kernel) {
		result = call(vcpu, number, b, c, d);
	}
	regs->rax = (uint64_t)result & mask;
	vcpu_skip_instruction_fast(vcpu);
}
