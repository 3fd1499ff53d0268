#include "lib/line_colour.h"

#include "lib/array.h"
#include "lib/string.h"

static const struct beginning {
	const char *text;
	enum text_colour colour;
} beginnings[] = {
	{"ERROR: ", TEXT_ERROR},
	{"warning: ", TEXT_WARNING},
	{"@", TEXT_RECORD},
};

bool line_colour_look(struct line_colour *line, char c)
{
	if (c == '\n') {
		*line = (struct line_colour){};
		return false;
	}
	line->head[line->length++] = c;
	for (size_t i = 0; i < ARRAY_SIZE(beginnings); i++) {
		const struct beginning *b = &beginnings[i];

		if (line->length == strlen(b->text) && !memcmp(line->head, b->text, line->length)) {
			line->found = b->colour;
			return true;
		}
	}
	return false;
}
