#include "vmm/vm_halted.h"

#include "lib/console.h"
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
