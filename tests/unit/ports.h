/*
 * The machine's ports, for a module that is compiled with this file in front: its test is the
 * device. See unit.mk.
 */
#pragma once

#include "lib/x86.h"

uint8_t device_inb(uint16_t port);
void device_outb(uint16_t port, uint8_t value);

#define inb  device_inb
#define outb device_outb
