/*
 * A guest's PC as the MultiProcessor Specification 1.4 (chapters 4 and 5) tells of it: CPUs, an
 * ISA bus, an I/O APIC and where interrupts lead. There is no IMCR: the PC starts in virtual wire
 * mode (3.6.2.2).
 */
#pragma once

struct guest_machine;
struct guest_ram;

/*
 * Writes it, at the start and at each reset of a VM, before its kernel is loaded: where they
 * overlap the kernel wins. The guest does not run. Pieces that are not RAM are left out.
 */
void mp_tables_install(const struct guest_ram *ram, const struct guest_machine *machine);
