/*
 * The 80x25 text screen at 0xB8000, where boot information says there is one.
 */
#pragma once

#include "lib/text_screen.h"

extern const struct text_device vga_text;
