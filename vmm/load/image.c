#include "vmm/load/image.h"

#include "lib/errno.h"
#include "lib/refusal.h"

int guest_image_add(struct guest_image *image, const struct guest_segment *segment,
		    struct refusal *refusal)
{
	const struct guest_segment *s = segment;
	uint64_t end;

	if (s->file_size > s->memory_size)
		return refuse(refusal, -ENOEXEC,
			      "segment at 0x%lx: longer in the file than in memory", s->phys);
	if (!s->memory_size)
		return 0;
	if (s->file_size && (s->offset > image->size || s->file_size > image->size - s->offset))
		return refuse(refusal, -ENOEXEC,
			      "segment at 0x%lx: its %lu bytes lie outside the file", s->phys,
			      s->file_size);
	if (__builtin_add_overflow(s->phys, s->memory_size, &end))
		return refuse(refusal, -ENOEXEC, "segment at 0x%lx: it runs past 2^64", s->phys);
	for (uint32_t i = 0; i < image->count; i++) {
		const struct guest_segment *other = &image->segment[i];

		if (s->phys < other->phys + other->memory_size && other->phys < end)
			return refuse(refusal, -ENOEXEC, "segments at 0x%lx and 0x%lx overlap",
				      other->phys, s->phys);
	}
	if (image->count == GUEST_SEGMENTS_MAX)
		return refuse(refusal, -ENOEXEC, "more than %d segments", GUEST_SEGMENTS_MAX);
	image->segment[image->count] = *s;
	if (!s->file_size) /* linkers leave any offset there */
		image->segment[image->count].offset = 0;
	image->count++;
	return 0;
}
