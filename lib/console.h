/*
 * The hypervisor's consoles: COM1 (16550, 115200 8N1), the screen (VGA text, or a framebuffer),
 * port 0xE9 (Bochs, QEMU). Root mode, interrupts off; one CPU writes at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum console_device {
	CONSOLE_COM1 = 1,
	CONSOLE_VGA = 2,
	CONSOLE_E9 = 4,
	CONSOLE_FRAMEBUFFER = 8,
};

struct text_device;

/*
 * The machine's screen is of this kind; it is cleared. NULL: it has none. Whether it is written on
 * says console_select().
 */
void console_set_screen(enum console_device kind, const struct text_device *screen);

/* What is written stays back from the screen until it is held no more. */
void console_hold_screen(bool hold);

struct kept_log;

/* What is written from now on is also kept there. NULL: nowhere. */
void console_keep(struct kept_log *log);

/* Selects the devices of a mask of enum console_device; one that is not there is left out. */
void console_select(unsigned int devices);

/*
 * Writes bytes, and waits until they are written; a '\n' goes out as "\r\n" on COM1. A line that
 * console_send() has begun is broken off.
 */
void console_write(const char *text, size_t length);

/* Writes what can be written without waiting, and returns how much that is. */
size_t console_send(const char *text, size_t length);

/*
 * The same on COM1 alone: what is being typed, which other consoles do not show. It stands in a
 * line of its own until it ends with '\r'.
 */
size_t console_echo(const char *text, size_t length);

/* Shows a little more of what has been sent on a device that shows it later; false: it has all. */
bool console_show(void);

/* console_send() could send nothing for 200 ms: what has no room is dropped from now on. */
void console_give_up(void);

#define CONSOLE_LINE_MAX 1024

/*
 * What is logged, recorded and printed goes to the sink instead of the devices, up to
 * CONSOLE_LINE_MAX bytes a call, and may be waiting there when the call returns. NULL, as at boot:
 * it is written at once.
 */
typedef void console_sink(const char *text, size_t length);
void console_set_sink(console_sink *sink);

/* A character typed on COM1, or -1: there is none, or COM1 is not selected. */
int console_read(void);

/* Whether COM1 is selected. */
bool console_can_read(void);

/* Waits until the last character has left the machine. Call before ending it. */
void console_flush(void);

enum log_level {
	LOG_ERROR,
	LOG_WARNING,
	LOG_INFO,
	LOG_DEBUG,
};

/* Messages above this level are dropped. */
void log_set_level(enum log_level level);

/* One line for a person; the newline is added. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)	 log_line(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_info(...)	 log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)	 log_line(LOG_DEBUG, __VA_ARGS__)

/* One record for a script: "@kind key=value ...". Never filtered. */
void record(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Text as it is, for tables. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
