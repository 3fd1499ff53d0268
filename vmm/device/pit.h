/*
 * The 8254 at its ports, and system control port B: vmm/chip/i8254.h. Rows of the table in
 * vmm/device/bus.c.
 */
#pragma once

#include <stdint.h>

struct vm;

uint32_t pit_read(struct vm *vm, uint16_t port);
void pit_write(struct vm *vm, uint16_t port, uint32_t value);

/*
 * Before who hears the timer is another: what it has asked for so far, while nobody did, is not
 * asked for later.
 */
void pit_catch_up(struct vm *vm);
