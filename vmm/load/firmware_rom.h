/*
 * Shared by firmware.c and firmware_rom.S: the last 4 KiB below 1 MiB, which a guest finds as the
 * BIOS of a PC. For C and assembly.
 */
#pragma once

#define FIRMWARE_SEGMENT    0xF000
#define FIRMWARE_ROM_OFFSET 0xF000 /* in that segment */
#define FIRMWARE_ROM_SIZE   0x1000
#define FIRMWARE_ENTRY_SIZE 8 /* of each of the 256 entries, one a vector, at the start */

/* The handlers, in the ROM, of vectors 8 and 1Ch. */
#define FIRMWARE_TICK	   0x900
#define FIRMWARE_TICK_HOOK 0x9F0

/* In the BIOS data area, at segment 40h. */
#define FIRMWARE_TICKS	     0x6C
#define FIRMWARE_MIDNIGHTS   0x70
#define FIRMWARE_TICKS_A_DAY 0x1800B0

/* The hypercall of an entry: HYPERCALL_NO_BIOS. */
#define FIRMWARE_CALL 0x100
