/*
 * The keyboard controller at its ports: vmm/chip/i8042.h. Rows of the table in vmm/device/bus.c.
 */
#pragma once

#include <stdint.h>

struct vm;

uint32_t keyboard_read(struct vm *vm, uint16_t port);

/* One that pulses the reset line resets the VM. */
void keyboard_write(struct vm *vm, uint16_t port, uint32_t value);
