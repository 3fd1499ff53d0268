#include "vmm/gdb/memory.h"

#include "lib/errno.h"
#include "lib/min.h"
#include "vmm/gdb/errand.h"
#include "vmm/guest_ram.h"
#include "vmm/look/guest_view.h"
#include "vmm/look/running_view.h"
#include "vmm/vm.h"

#define PAGE 0x1000u

static void take_view(struct vcpu *vcpu, void *view)
{
	running_view(vcpu, view);
}

/* The rest of the page that an address is in. */
static uint32_t part_of(uint64_t linear, uint32_t length)
{
	return (uint32_t)min_u64(length, PAGE - linear % PAGE);
}

int memory_gpa(struct vcpu *vcpu, uint64_t linear, uint64_t *gpa)
{
	struct guest_view view;

	errand_loaded(vcpu, take_view, &view);
	if (guest_view_gpa(&view, linear, gpa))
		return -EFAULT;
	return guest_ram_contains(view.ram, *gpa, 1) ? 0 : -EFAULT;
}

uint32_t memory_read(struct vcpu *vcpu, uint64_t linear, void *to, uint32_t length)
{
	struct guest_view view;
	uint32_t done = 0;

	errand_loaded(vcpu, take_view, &view);
	while (done < length) {
		uint32_t part = part_of(linear + done, length - done);

		if (guest_view_read(&view, linear + done, (uint8_t *)to + done, part))
			break;
		done += part;
	}
	return done;
}

/* All of it, or as a trial none. */
static int write(const struct guest_view *view, uint64_t linear, const uint8_t *from,
		 uint32_t length, bool trial)
{
	for (uint32_t done = 0, part; done < length; done += part) {
		uint64_t gpa;

		part = part_of(linear + done, length - done);
		if (guest_view_gpa(view, linear + done, &gpa) ||
		    !guest_ram_contains(view->ram, gpa, part))
			return -EFAULT;
		if (!trial)
			guest_ram_write(view->ram, gpa, from + done, part);
	}
	return 0;
}

int memory_write(struct vcpu *vcpu, uint64_t linear, const void *from, uint32_t length)
{
	struct guest_view view;

	errand_loaded(vcpu, take_view, &view);
	if (write(&view, linear, from, length, true))
		return -EFAULT;
	return write(&view, linear, from, length, false);
}
