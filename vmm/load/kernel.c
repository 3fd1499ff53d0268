#include "vmm/load/kernel.h"

#include "vmm/load/bzimage_header.h"
#include "vmm/load/multiboot_header.h"

int kernel_parse(struct guest_image *image, const void *file, uint64_t size,
		 struct refusal *refusal)
{
	if (!multiboot_header_there(file, size) && bzimage_there(file, size))
		return bzimage_parse(image, file, size, refusal);
	return multiboot_header_parse(image, file, size, refusal);
}
