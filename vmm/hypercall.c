#include "boot/clock.h"
#include "lib/errno.h"
#include "lib/x86.h"
#include "vmm/exit.h"
#include "vmm/hypercall.h"
#include "vmm/pcpu.h"
#include "vmm/stats.h"
#include "vmm/vm.h"
#include "vmx/vmcs.h"

static int64_t console_write_call(struct vm *vm, uint64_t gpa, uint64_t length)
{
	uint8_t c;

	if (length > HYPERCALL_CONSOLE_MAX)
		return -EINVAL;
	if (!guest_ram_contains(&vm->ram, gpa, length))
		return -EFAULT;
	for (uint64_t i = 0; i < length; i++) {
		guest_ram_read(&vm->ram, gpa + i, &c, 1);
		guest_console_write(&vm->console, vm->config.name, c);
	}
	return 0;
}

static int64_t get_stats(struct pcpu *pcpu, struct vcpu *vcpu, uint64_t gpa, uint64_t size,
			 uint32_t label)
{
	struct hypercall_stats stats;

	if (size > sizeof(stats))
		size = sizeof(stats);
	if (gpa && !guest_ram_contains(&vcpu->vm->ram, gpa, size))
		return -EFAULT;
	stats_snapshot(pcpu, vcpu, &stats);
	if (label)
		stats_print_snapshot(pcpu, vcpu, label);
	if (!gpa)
		return 0;
	guest_ram_write(&vcpu->vm->ram, gpa, &stats, size);
	return size;
}

static int64_t set_timer(struct vcpu *vcpu, uint64_t vector, uint64_t delay_us)
{
	if (delay_us > HYPERCALL_TIMER_MAX_US || vector > 255 ||
	    (vector != VECTOR_NMI && vector < 32))
		return -EINVAL;
	vcpu->timer_vector = vector;
	vcpu->timer_deadline = delay_us ? rdtsc() + clock_us_to_tsc(delay_us) : 0;
	return 0;
}

static int64_t call(struct pcpu *pcpu, struct vcpu *vcpu, uint32_t number, uint64_t b, uint64_t c,
		    uint64_t d)
{
	if (vcpu_cpl() != 0)
		return -EPERM;
	switch (number) {
	case HYPERCALL_GET_VERSION:
		return HYPERCALL_VERSION;
	case HYPERCALL_CONSOLE_WRITE:
		return console_write_call(vcpu->vm, b, c);
	case HYPERCALL_YIELD:
		vcpu->yield = true;
		return 0;
	case HYPERCALL_GET_STATS:
		return get_stats(pcpu, vcpu, b, c, d);
	case HYPERCALL_EXIT:
		if (b > 255)
			return -EINVAL;
		vm_end(vcpu->vm, b, "hypercall");
		return 0;
	case HYPERCALL_SET_TIMER:
		return set_timer(vcpu, b, c);
	default:
		return -ENOSYS;
	}
}

void exit_vmcall(struct pcpu *pcpu, struct vcpu *vcpu)
{
	struct guest_registers *regs = &vcpu->registers;
	uint64_t mask = vcpu_in_64bit_mode() ? ~0ull : 0xffffffffull;
	int64_t result =
		call(pcpu, vcpu, regs->rax, regs->rbx & mask, regs->rcx & mask, regs->rdx & mask);

	regs->rax = (uint64_t)result & mask;
	vcpu_skip_instruction(vcpu);
}
