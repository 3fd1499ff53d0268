#include "boot/bios_area.h"

#include <stddef.h>

#include "boot/bootinfo.h"
#include "lib/string.h"

#define EBDA_POINTER 0x40e /* its segment; the BIOS data area's */

uint64_t bios_ebda(const struct boot_memory *memory)
{
	const uint8_t *pointer = boot_memory_at(memory, EBDA_POINTER, 2);

	return pointer ? (uint64_t)(pointer[0] | pointer[1] << 8) << 4 : 0;
}

const uint8_t *bios_find(const struct boot_memory *memory, uint64_t start, uint64_t size,
			 const char *signature, uint32_t length)
{
	for (uint64_t at = start; at < start + size; at += 16) {
		const uint8_t *bytes = boot_memory_at(memory, at, length);

		if (bytes && !memcmp(bytes, signature, strlen(signature)) &&
		    boot_sum_is_zero(bytes, length))
			return bytes;
	}
	return NULL;
}
