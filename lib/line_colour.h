/*
 * The colour of a line on a screen, by how it begins: as log_line() and record() of lib/console.h
 * begin theirs. A guest's line begins with the guest's name.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/text_screen.h"

#define LINE_COLOUR_HEAD 9 /* the longest beginning: "warning: " */

/* All zeros at the beginning of a line. */
struct line_colour {
	size_t length; /* of the line so far, as far as it fits into head */
	char head[LINE_COLOUR_HEAD];
	enum text_colour found;
};

bool line_colour_look(struct line_colour *line, char c);

/* Looks at the next character; true if the line is now known to be in the colour `found`. */
static inline bool line_colour_next(struct line_colour *line, char c)
{
	return (line->length < LINE_COLOUR_HEAD || c == '\n') && line_colour_look(line, c);
}
