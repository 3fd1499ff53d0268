#include "vmm/monitor_guests.h"

#include <stddef.h>

#include "boot/clock.h"
#include "lib/console.h"
#include "lib/x86.h"
#include "vmm/exit/dispatch.h"
#include "vmm/vm.h"

#define WATCH_US    20000
#define PATIENCE_US 3000000 /* for a VM: it may wait for the console */

static uint64_t until;	 /* of what it waits for: the watch, or that */
static struct vm *asked; /* is told of, or NULL: the watch is on */

void monitor_guests_begin(void)
{
	for (uint32_t i = 0; i < vms_count(); i++)
		for (uint32_t n = 0; n < vm_at(i)->vcpu_count; n++)
			vm_at(i)->vcpu[n]->watch = (struct exit_watch){};
	exit_watch(true);
	asked = NULL;
	until = rdtsc() + clock_us_to_tsc(WATCH_US);
}

static bool waits_for(const struct vm *vm)
{
	return *(volatile const enum vm_request *)&vm->request == VM_TELL;
}

bool monitor_guests_ready(void)
{
	return rdtsc() >= until || (asked && !waits_for(asked));
}

static void give_up(struct vm *vm)
{
	log_warning("%s: it had no turn in which to be told of", vm->config.name);
	vm_told(vm);
}

static void ask(struct vm *vm)
{
	asked = vm;
	until = rdtsc() + clock_us_to_tsc(PATIENCE_US);
	if (!vm_tell(vm))
		print("%s: %s\n", vm->config.name, vm_state_name(vm));
}

/* One after the other, so that their lines stand together. */
bool monitor_guests_row(uint32_t index)
{
	if (!asked)
		exit_watch(false);
	else if (waits_for(asked))
		give_up(asked);
	asked = NULL;
	if (index < vms_count())
		ask(vm_at(index));
	else
		record("monitor command=guests");
	return index < vms_count();
}
