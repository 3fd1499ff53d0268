#include "vmm/look/backtrace.h"

#include "vmm/look/guest_view.h"

static bool read_pointer(const struct backtrace *trace, const struct guest_view *view,
			 uint64_t offset, uint64_t *value)
{
	*value = 0; /* of which 4 bytes may be read */
	return !guest_view_read(view, trace->base + offset, value, trace->width);
}

bool backtrace_next(struct backtrace *trace, const struct guest_view *view, uint64_t *address)
{
	uint64_t frame = trace->frame, caller;

	if (!frame || frame % trace->width || trace->frames++ == BACKTRACE_FRAMES_MAX)
		return false;
	if (!read_pointer(trace, view, frame, &caller) ||
	    !read_pointer(trace, view, frame + trace->width, address) || !*address)
		return false;
	trace->frame = caller > frame ? caller : 0;
	return true;
}
