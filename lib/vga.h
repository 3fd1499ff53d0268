/*
 * The 80x25 text screen at 0xB8000, where boot information says there is one.
 */
#pragma once

/* Clears the screen. */
void vga_init(void);

void vga_write(char c);
