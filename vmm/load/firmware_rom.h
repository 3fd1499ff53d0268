/*
 * Shared by firmware.c and firmware_rom.S: the last 4 KiB below 1 MiB, which a guest finds as the
 * BIOS of a PC. For C and assembly.
 */
#pragma once

#define FIRMWARE_SEGMENT    0xF000
#define FIRMWARE_ROM_OFFSET 0xF000 /* in that segment */
#define FIRMWARE_ROM_SIZE   0x1000
#define FIRMWARE_ENTRY_SIZE 8 /* of each of the 256 entries, one a vector, at the start */

/* The hypercall of an entry: HYPERCALL_NO_BIOS. */
#define FIRMWARE_CALL 0x100
