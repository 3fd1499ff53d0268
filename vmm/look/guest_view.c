#include "vmm/look/guest_view.h"

#include "lib/errno.h"
#include "lib/x86.h"
#include "vmm/guest_ram.h"

#define LINEAR_BITS 48 /* that guests are shown */

int guest_view_gpa(const struct guest_view *view, uint64_t linear, uint64_t *gpa)
{
	struct paging_state state = view->state;
	struct page_walk walk;

	if (!(state.efer & EFER_LMA))
		linear &= 0xffffffff;
	else if (!is_canonical(linear, LINEAR_BITS))
		return -EFAULT;
	*gpa = linear;
	if (!view->paging)
		return 0;
	state.cpl = 0;
	state.cr4 &= ~(CR4_SMAP | CR4_PKE);
	state.pdpte = view->pdpte[linear >> 30 & 3];
	if (page_walk(view->ram, &state, linear, false, &walk) != PAGE_WALK_DONE)
		return -EFAULT;
	*gpa = walk.gpa;
	return 0;
}

int guest_view_read(const struct guest_view *view, uint64_t linear, void *to, uint32_t length)
{
	uint8_t *out = to;

	for (uint32_t done = 0, part; done < length; done += part) {
		uint64_t address = linear + done, gpa;

		part = 0x1000 - (address & 0xfff);
		part = part < length - done ? part : length - done;
		if (guest_view_gpa(view, address, &gpa) ||
		    guest_ram_read(view->ram, gpa, out + done, part))
			return -EFAULT;
	}
	return 0;
}
