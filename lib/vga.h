/*
 * The 80x25 text screen at 0xB8000, where boot information says there is one. Its memory is slow:
 * text goes into a copy of the screen, and from there to the screen only where the two differ.
 */
#pragma once

#include <stdbool.h>

/* Clears the screen. */
void vga_init(void);

/* Writes into the copy. */
void vga_write(char c);

/* Looks at the next row of the copy, and shows what is new in it; false: all is shown. */
bool vga_show(void);
