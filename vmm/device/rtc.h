/*
 * The real-time clock at its ports: vmm/chip/mc146818.h. Rows of the table in vmm/device/bus.c.
 */
#pragma once

#include <stdint.h>

struct vm;

uint32_t rtc_read(struct vm *vm, uint16_t port);
void rtc_write(struct vm *vm, uint16_t port, uint32_t value);
