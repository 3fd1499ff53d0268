/*
 * `doctor` on the command line: instead of guests, what the machine has and lacks of what Resident
 * needs and can use, for every CPU, as records and as a page, before VMXON. It judges by what the
 * boot goes by: vmx/requirements.h, vmm/needs.h. First CPU.
 */
#pragma once

struct acpi;
struct boot_info;
struct cpu;
struct options;

/* The first look, before memory_init(). */
void doctor_look(const struct cpu *cpu, const struct boot_info *info);

/*
 * Starts the other CPUs, prints, and ends the machine: status 0 if guests would run here, else 1;
 * a PC halts, so that it can be read. After fpu_detect(); or, with acpi NULL, before memory_init().
 */
_Noreturn void doctor_tell(const struct options *options, const struct boot_info *info,
			   const struct acpi *acpi);
