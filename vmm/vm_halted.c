#include "vmm/vm_halted.h"

#include "lib/console.h"
#include "lib/x86.h"
#include "vmm/debugged.h"
#include "vmm/interrupts.h"
#include "vmm/request.h"
#include "vmm/vm.h"

/* Text of an 80x25 screen, where a PC has it. */
#define SCREEN	    0xB8000ull
#define SCREEN_SIZE 4000

static bool wrote_to_screen(const struct vm *vm)
{
	const uint8_t *screen = guest_ram_at(&vm->ram, SCREEN, SCREEN_SIZE);

	for (unsigned int i = 0; screen && i < SCREEN_SIZE; i++)
		if (screen[i])
			return true;
	return false;
}

/* As things are set, whether it has something to do, or its timers or chips may have for it. */
static bool may_go_on(struct vcpu *vcpu)
{
	bool by_interrupt = vcpu->wakes_on_interrupt, by_nmi = vcpu->wakes_on_nmi;
	bool timer = vcpu->call_deadline != VCPU_TIMER_OFF;

	const struct debugged_vcpu *own = debugged_vcpu(vcpu);

	if (own && own->held)
		return true;
	if (vcpu->state == VCPU_RUNNABLE || (vcpu->pending & VCPU_INTERRUPT) || vcpu->inbox.any)
		return true;
	if (vcpu->state == VCPU_WAITS)
		return vcpu->lapic.signals & LAPIC_STARTUP;
	if (by_nmi && (vcpu->events.nmi_pending || (timer && vcpu->timer_vector == VECTOR_NMI)))
		return true;
	if (!by_interrupt)
		return false;
	return interrupts_wait(vcpu) || interrupts_may_come(vcpu) ||
	       event_interrupt_pending(&vcpu->events, vcpu_cr8(vcpu)) ||
	       (timer && vcpu->timer_vector >> 4 > vcpu_cr8(vcpu));
}

bool vm_sleeps_for_ever(const struct vm *vm)
{
	if (vm->request == VM_RESET || vm->request == VM_END)
		return false;
	for (uint32_t i = 0; vm_is_shared(vm) && i < vm->vcpu_count; i++)
		if (may_go_on(vm->vcpu[i]))
			return false;
	return true;
}

void vm_halted(struct vm *vm)
{
	log_info("%s: halted with nothing that could wake it", vm->config.name);
	if (!vm->console.used && !wrote_to_screen(vm))
		log_warning("%s: it never printed anything: COM1 is at 3F8h, the screen at B8000h",
			    vm->config.name);
	if (!vm->config.halt_ok)
		vm_examine(vm, 0);
	vm_end(vm, vm->config.halt_ok ? 0 : VM_STATUS_FAILED, "halted");
}
