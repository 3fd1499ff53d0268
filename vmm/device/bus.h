/*
 * A guest's ports, and the devices at them. What is there is a table, a row a device (bus.c), the
 * same for every VM; the state is the VM's.
 *
 * An access is 1, 2 or 4 bytes at port, and those that follow, as on the ISA bus: a device answers
 * the bytes at its own ports. Some devices decode an access as a whole and see nothing of others.
 * Where no device answers any byte, a read gives all ones, a write is lost, and it is counted
 * (vm->unhandled_io). Root mode of the CPU that the VM runs on.
 */
#pragma once

#include <stdint.h>

struct vm;

uint32_t bus_read(struct vm *vm, uint16_t port, unsigned int size);
void bus_write(struct vm *vm, uint16_t port, unsigned int size, uint32_t value);
