#include "vmm/focus.h"

#include <stdbool.h>
#include <stddef.h>

#include "lib/console.h"
#include "vmm/request.h"
#include "vmm/vm.h"

/* By the first CPU. */
static struct vm *focus;
static bool told; /* that what is typed is lost, since it last was not */

void focus_set(struct vm *vm)
{
	focus = vm;
	told = false;
	record("monitor command=focus vm=%s", vm ? vm->config.name : "none");
}

struct vm *focus_vm(void)
{
	if (focus && focus->state == VM_ENDED)
		focus_set(NULL);
	return focus;
}

void focus_type(char c)
{
	bool lost = !guest_input_write(&focus->input, c);

	/* one that halts is woken, and has a turn */
	vcpu_request(focus->vcpu[0], 0);

	if (lost && !told)
		log_warning("%s does not read its COM1: what is typed from here on is lost",
			    focus->config.name);
	told = lost;
}
