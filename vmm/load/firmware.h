/*
 * What every PC's firmware has left in low memory when a kernel starts: an interrupt vector table
 * at 0, the BIOS data area at 400h, the extended one at the end of conventional memory, and code
 * below 1 MiB. There is no BIOS behind it: each vector leads to an entry of its own that ends the
 * VM by name (vmm/exit/bios_call.h); only interrupt 0 is counted, with its hook at 1Ch. All of it
 * is RAM that a guest may overwrite.
 */
#pragma once

struct guest_ram;

#define FIRMWARE_EBDA	   0x9FC00ull /* where conventional memory ends */
#define FIRMWARE_EBDA_SIZE 0x400ull
#define FIRMWARE_ROM_START 0xF0000ull /* reserved up to 1 MiB; the code is at its end */

/*
 * Writes it, at the start and at each reset of a VM, before its kernel is loaded: where they
 * overlap the kernel wins. The guest does not run. Pieces that are not RAM are left out.
 */
void firmware_install(const struct guest_ram *ram);
