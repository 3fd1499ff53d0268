/*
 * The text screen of a VGA as a console: what a guest draws into the page at B8000h, 80 by 25,
 * comes out as lines. Nobody sees the guest draw: vga_text_scan() looks at the page now and then,
 * some tens of milliseconds apart, and says what is new since. A line is a row without its trailing
 * blanks: ASCII, frames as + - |, anything else as a dot, no colours. A row without characters is
 * no line.
 *
 * A line comes once:
 * - when the screen has scrolled, or a part of it, only new rows count; whatever had not been said
 *   of a row that has left comes first;
 * - a row where there was nothing, or that has more at its end now, comes at once; but not while it
 *   is being written: while the cursor is in it, or if it is the lowest one with characters and the
 *   cursor is not below it;
 * - that one, and a row that was overwritten, come when two scans in a row see the same. So a
 *   counter that runs says nothing until it stands;
 * - but where most rows were overwritten at once, and the cursor is where a terminal has it, more
 *   than a screen was written since the last scan: all of it comes;
 * - what blinks is no news, but after a screen that was empty for two scans everything is.
 * No more than 25 lines come of a scan, and in the long run one a scan of those that overwrite
 * others: the rest waits, and comes if it still stands there.
 *
 * The page is the guest's memory, and may change at any moment, also during a scan. Where in it the
 * screen starts is in the CRT controller (0Ch, 0Dh). The ports are vmm/chip/vga_registers.h. The
 * caller has the lock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/chip/vga_registers.h"

#define VGA_TEXT_PAGE	 0xb8000
#define VGA_TEXT_CELLS	 0x4000 /* characters, each with its colours: 32 KiB */
#define VGA_TEXT_COLUMNS 80
#define VGA_TEXT_ROWS	 25

struct vga_text {
	struct vga_registers registers;
	uint16_t allowance;			     /* lines that may overwrite others */
	char seen[VGA_TEXT_ROWS][VGA_TEXT_COLUMNS];  /* by the last scan */
	char given[VGA_TEXT_ROWS][VGA_TEXT_COLUMNS]; /* the line of the row that came last */
};

/* A screen without characters. */
void vga_text_reset(struct vga_text *vga);

/* The same, and the registers stay as they are. */
void vga_text_begin(struct vga_text *vga);

/* Calls line() for each line that is new. The text ends with a 0, and lives as long as the call. */
void vga_text_scan(struct vga_text *vga, const volatile uint16_t *cells, uint32_t count,
		   void (*line)(void *arg, const char *text), void *arg);

/*
 * All that is on the screen and did not come yet, complete or not: at a VM's end. True: as much as
 * comes of a scan has come, and with the next call there may be more.
 */
bool vga_text_flush(struct vga_text *vga, const volatile uint16_t *cells, uint32_t count,
		    void (*line)(void *arg, const char *text), void *arg);
