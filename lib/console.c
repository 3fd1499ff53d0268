#include <stdarg.h>

#include "lib/console.h"
#include "lib/format.h"
#include "lib/serial.h"
#include "lib/vga.h"
#include "lib/x86.h"

#define PORT_E9	 0xe9
#define LINE_MAX 1024

/* Written at boot by the first CPU, before any other runs. */
static unsigned int selected;
static enum log_level level = LOG_INFO;

void console_flush(void)
{
	if (selected & CONSOLE_COM1)
		serial_flush();
}

void console_select(unsigned int devices, bool vga_text_present)
{
	console_flush(); /* resetting the UART drops what it has not sent */
	selected = devices & CONSOLE_E9;
	if ((devices & CONSOLE_COM1) && serial_init())
		selected |= CONSOLE_COM1;
	if ((devices & CONSOLE_VGA) && vga_text_present) {
		vga_init();
		selected |= CONSOLE_VGA;
	}
}

void console_write(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (selected & CONSOLE_COM1) {
			if (text[i] == '\n')
				serial_write('\r');
			serial_write(text[i]);
		}
		if (selected & CONSOLE_VGA)
			vga_write(text[i]);
		if (selected & CONSOLE_E9)
			outb(PORT_E9, text[i]);
	}
}

int console_read(void)
{
	return selected & CONSOLE_COM1 ? serial_read() : -1;
}

void log_set_level(enum log_level new_level)
{
	level = new_level;
}

static void write_formatted(const char *prefix, const char *fmt, va_list args, const char *end)
{
	char line[LINE_MAX];
	int length = format_v(line, sizeof(line), fmt, args);

	if (length >= (int)sizeof(line))
		length = sizeof(line) - 1;
	for (size_t n = 0; prefix[n]; n++)
		console_write(&prefix[n], 1);
	console_write(line, length);
	for (size_t n = 0; end[n]; n++)
		console_write(&end[n], 1);
}

void log_line(enum log_level line_level, const char *fmt, ...)
{
	static const char *const prefix[] = {"ERROR: ", "warning: ", "", "debug: "};
	va_list args;

	if (line_level > level)
		return;
	va_start(args, fmt);
	write_formatted(prefix[line_level], fmt, args, "\n");
	va_end(args);
}

void record(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	write_formatted("@", fmt, args, "\n");
	va_end(args);
}

void print(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	write_formatted("", fmt, args, "");
	va_end(args);
}
