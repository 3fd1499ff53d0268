/*
 * The ports by which a guest ends, or resets, its machine: a status written to the exit port, and
 * the chipset's reset register; the keyboard controller has another. Each is decoded by the whole
 * access: a dword at CF8h is the address of PCI's configuration mechanism, and no reset.
 */
#pragma once

#include <stdint.h>

#define EXIT_PORT	   0xf4 /* as QEMU's isa-debug-exit; any width, the low byte is the status */
#define RESET_CONTROL_PORT 0xcf9 /* 82371AB (PIIX4) */

struct vm;

void exit_port_write(struct vm *vm, uint16_t port, uint32_t value);
void reset_control_write(struct vm *vm, uint16_t port, uint32_t value);
