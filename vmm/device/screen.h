/*
 * The VGA's registers at their ports, and its text page as a console: vmm/chip/vga_text.h. What a
 * guest draws comes out on its own console, a line at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct vm;

uint32_t screen_read(struct vm *vm, uint16_t port);
void screen_write(struct vm *vm, uint16_t port, uint32_t value);

/*
 * The lines that are new. Now and then while the VM has a turn, on that CPU. True: it has changed,
 * and of what has there may be more to say when it has stood.
 */
bool screen_scan(struct vm *vm);

/*
 * All of it that was not shown: when the VM ends or is reset. False: there may be more, but not
 * before there is room for it.
 */
bool screen_flush(struct vm *vm);
