/*
 * A guest's kernel file, in whichever of the formats that are known.
 */
#pragma once

#include <stdint.h>

struct guest_image;
struct refusal;

/*
 * Reads it: a multiboot 1 kernel if it has that header, else a Linux bzImage. Returns 0, or
 * -ENOEXEC with a refusal. Any context.
 */
int kernel_parse(struct guest_image *image, const void *file, uint64_t size,
		 struct refusal *refusal);
