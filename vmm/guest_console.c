#include "lib/console.h"
#include "vmm/guest_console.h"

void guest_console_flush(struct guest_console *console, const char *name)
{
	if (!console->length)
		return;
	print("%s| %.*s\n", name, (int)console->length, console->line);
	console->length = 0;
}

void guest_console_write(struct guest_console *console, const char *name, char c)
{
	console->used = true;
	if (c == '\n') {
		if (!console->length && !console->wrapped)
			print("%s|\n", name);
		guest_console_flush(console, name);
		console->wrapped = false;
		return;
	}
	if (c == '\r')
		return;
	if ((c < 0x20 || c > 0x7e) && c != '\t')
		c = '?';
	console->line[console->length++] = c;
	if (console->length == GUEST_LINE_MAX) {
		guest_console_flush(console, name);
		console->wrapped = true;
	}
}
