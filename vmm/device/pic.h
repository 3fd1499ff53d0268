/*
 * The 8259 pair at its ports: vmm/chip/i8259.h. Rows of the table in vmm/device/bus.c.
 */
#pragma once

#include <stdint.h>

struct vm;

uint32_t pic_read(struct vm *vm, uint16_t port);
void pic_write(struct vm *vm, uint16_t port, uint32_t value);
