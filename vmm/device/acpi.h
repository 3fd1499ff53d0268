/*
 * ACPI's fixed hardware at its ports: vmm/chip/acpi_pm.h. Rows of the table in vmm/device/bus.c.
 */
#pragma once

#include <stdint.h>

struct vm;

uint32_t acpi_read(struct vm *vm, uint16_t port);

/* Of 2 or 4 bytes: the timer runs on between two reads. */
uint32_t acpi_read_wide(struct vm *vm, uint16_t port, unsigned int size);

/* One that turns the machine off ends the VM. */
void acpi_write(struct vm *vm, uint16_t port, uint32_t value);
