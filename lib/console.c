#include <stdarg.h>

#include "lib/console.h"
#include "lib/format.h"
#include "lib/kept_log.h"
#include "lib/line_colour.h"
#include "lib/serial.h"
#include "lib/string.h"
#include "lib/text_screen.h"
#include "lib/x86.h"

#define PORT_E9 0xe9

/* Written at boot by the first CPU, before any other runs. */
static unsigned int selected;
static unsigned int screen_kind; /* CONSOLE_VGA, CONSOLE_FRAMEBUFFER, or 0: there is none */
static bool screen_held;
static struct kept_log *kept;
static enum log_level level = LOG_INFO;
static console_sink *sink;

static bool in_line;  /* console_send() has sent the beginning of a line */
static bool returned; /* ... and of its end on COM1 the '\r' */

void console_flush(void)
{
	if (selected & CONSOLE_COM1)
		serial_flush();
}

void console_set_screen(enum console_device kind, const struct text_device *screen)
{
	screen_kind = screen ? kind : 0;
	selected &= ~(unsigned int)(CONSOLE_VGA | CONSOLE_FRAMEBUFFER);
	if (screen)
		text_screen_init(screen);
}

void console_hold_screen(bool hold)
{
	screen_held = hold;
}

void console_keep(struct kept_log *log)
{
	kept = log;
}

static void keep(const char *text, size_t length)
{
	if (kept && length)
		kept_log_write(kept, text, length);
}

void console_select(unsigned int devices)
{
	console_flush(); /* resetting the UART drops what it has not sent */
	selected = devices & (CONSOLE_E9 | screen_kind);
	if ((devices & CONSOLE_COM1) && serial_init())
		selected |= CONSOLE_COM1;
}

static bool has_screen(void)
{
	return selected & screen_kind;
}

static bool send_com1(char c, bool wait)
{
	if (!wait)
		return serial_try_write(c);
	serial_write(c);
	return true;
}

static void write_screen(char c)
{
	static struct line_colour colour;

	text_screen_write(c);
	if (line_colour_next(&colour, c))
		text_screen_colour(colour.found);
}

/* False if COM1 has no room: nothing is sent then, or of a '\n' the '\r' only. */
static bool send_one(char c, bool wait)
{
	if (selected & CONSOLE_COM1) {
		if (c == '\n' && !returned)
			returned = send_com1('\r', wait);
		if ((c == '\n' && !returned) || !send_com1(c, wait))
			return false;
		returned = false;
	}
	if (has_screen())
		write_screen(c);
	if (selected & CONSOLE_E9)
		outb(PORT_E9, c);
	return true;
}

static void write_text(const char *text, size_t length)
{
	keep(text, length);
	for (size_t i = 0; i < length; i++)
		send_one(text[i], true);
}

void console_write(const char *text, size_t length)
{
	if (in_line)
		write_text("\n", 1);
	in_line = false;
	write_text(text, length);
	while (console_show())
		;
}

size_t console_send(const char *text, size_t length)
{
	size_t sent = 0;

	while (sent < length && send_one(text[sent], false))
		sent++;
	if (sent)
		in_line = text[sent - 1] != '\n';
	keep(text, sent);
	return sent;
}

size_t console_echo(const char *text, size_t length)
{
	size_t sent = 0;

	if (!(selected & CONSOLE_COM1))
		return length;
	while (sent < length && serial_try_write(text[sent]))
		sent++;
	if (sent)
		in_line = text[sent - 1] != '\r';
	return sent;
}

bool console_show(void)
{
	return has_screen() && !screen_held && text_screen_show();
}

void console_give_up(void)
{
	serial_give_up();
}

void console_set_sink(console_sink *new_sink)
{
	sink = new_sink;
}

int console_read(void)
{
	return selected & CONSOLE_COM1 ? serial_read() : -1;
}

bool console_can_read(void)
{
	return selected & CONSOLE_COM1;
}

void log_set_level(enum log_level new_level)
{
	level = new_level;
}

static void write_formatted(const char *prefix, const char *fmt, va_list args, const char *end)
{
	size_t before = strlen(prefix), after = strlen(end);
	size_t room = CONSOLE_LINE_MAX - before - after;
	char line[CONSOLE_LINE_MAX + 1];
	size_t length;

	memcpy(line, prefix, before);
	length = format_v(line + before, room + 1, fmt, args);
	length = length < room ? length : room;
	memcpy(line + before + length, end, after);
	(sink ? sink : console_write)(line, before + length + after);
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
