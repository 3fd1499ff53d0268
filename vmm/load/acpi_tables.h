/*
 * A guest's PC as ACPI 4.0 (chapter 5.2) tells of it: RSDP, RSDT and XSDT, and from there FADT with
 * FACS and DSDT (dsdt.asl), MADT, and the HPET's table. There is no SMI command: the mode is always
 * ACPI's.
 */
#pragma once

struct guest_machine;
struct guest_ram;

/*
 * Writes it, at the start and at each reset of a VM, before its kernel is loaded: where they
 * overlap the kernel wins. The guest does not run. Pieces that are not RAM are left out.
 */
void acpi_tables_install(const struct guest_ram *ram, const struct guest_machine *machine);
