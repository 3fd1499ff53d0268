/*
 * The areas below 1 MiB where a BIOS leaves structures for who looks for a signature. UEFI firmware
 * has none of them: there, what these memories hold means nothing, and the caller does not look.
 * First CPU, at boot. ACPI 6.4, 5.2.5.1; MultiProcessor Specification 1.4, chapter 4.
 */
#pragma once

#include <stdint.h>

struct boot_memory;

/* Of the extended BIOS data area only so much, from its start, is searched. */
#define BIOS_EBDA_SEARCHED 1024

/* Where the extended BIOS data area starts; 0: there is none. */
uint64_t bios_ebda(const struct boot_memory *memory);

/*
 * The first structure in [start, start + size), start being a multiple of 16, that lies on one too,
 * begins with the signature, and whose first `length` bytes have the checksum 0. It may end beyond
 * the area. NULL: there is none that can be read.
 */
const uint8_t *bios_find(const struct boot_memory *memory, uint64_t start, uint64_t size,
			 const char *signature, uint32_t length);
