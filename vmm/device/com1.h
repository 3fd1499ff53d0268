/*
 * A guest's COM1, as the bus sees it: a 16550A whose line goes to the hypervisor's console, and
 * comes from what is typed there for it (vmm/focus.h).
 */
#pragma once

#include <stdint.h>

struct vm;

uint32_t com1_read(struct vm *vm, uint16_t port);
void com1_write(struct vm *vm, uint16_t port, uint32_t value);
