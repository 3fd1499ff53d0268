/*
 * What is found of the machine, beside its CPUs. First CPU, at boot.
 */
#pragma once

#include <stdbool.h>

struct boot_info;
struct findings;

/* Keeps the memory map, which memory_init() changes. */
void doctor_look_at_memory(const struct boot_info *info);

/*
 * All of its rows. `complete`: page tables, ACPI, clocks and the FPU have been seen to; else what
 * hangs on them is not known.
 */
void doctor_examine_machine(struct findings *findings, const struct boot_info *info, bool complete);

/* A record for each range of the memory map. */
void doctor_record_memory(void);
