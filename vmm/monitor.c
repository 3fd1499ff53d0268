#include "vmm/monitor.h"

#include <stddef.h>

#include "boot/clock.h"
#include "lib/console.h"
#include "lib/format.h"
#include "lib/string.h"
#include "lib/x86.h"
#include "vmm/focus.h"
#include "vmm/gdb/gdb.h"
#include "vmm/monitor_commands.h"
#include "vmm/monitor_tables.h"
#include "vmm/output.h"
#include "vmm/vm.h"

#define POLL_US	     1000    /* to read a port takes a PC about a microsecond */
#define IDLE_POLL_US 10000   /* ... and this one is woken for it */
#define TYPING_US    1000000 /* after a character somebody is still typing */
#define POLL_MAX     16	     /* characters a call, so that a flood leaves the CPU to the guests */

#define CTRL(c)	  ((c)&0x1f)
#define BACKSPACE CTRL('h')
#define DELETE	  0x7f

#define PROMPT "resident> "

/* All that follows: by the first CPU. */
uint64_t monitor_due;
static uint64_t period, idle_period, typing; /* the times above in ticks of the TSC */
static uint64_t polled;			     /* when it was looked at last */
static uint64_t typed;			     /* when there was something */
static bool is_open;
static char line[MONITOR_LINE_SIZE];
static size_t length;	  /* as typed: what is beyond the end of `line` is not kept */
static bool after_return; /* "\r\n" ends one line, not two */

void monitor_init(void)
{
	period = clock_us_to_tsc(gdb_is_on() ? GDB_POLL_US : POLL_US);
	idle_period = gdb_is_on() ? period : clock_us_to_tsc(IDLE_POLL_US);
	typing = clock_us_to_tsc(TYPING_US);
	polled = rdtsc();
	monitor_due = console_can_read() || gdb_is_on() ? polled : MONITOR_NEVER;
}

uint64_t monitor_due_idle(void)
{
	if (monitor_due != MONITOR_NEVER && !monitor_table_waits() &&
	    (!typed || polled - typed > typing))
		return polled + idle_period;
	return monitor_due;
}

static void show_foot(void)
{
	char text[sizeof(PROMPT) + sizeof(line)] = "";

	if (is_open)
		format(text, sizeof(text), PROMPT "%s", line);
	output_foot(text);
}

static void set_length(size_t new_length)
{
	length = new_length;
	if (length < sizeof(line))
		line[length] = '\0';
	if (is_open)
		show_foot();
}

static void open_or_close(void)
{
	const struct vm *vm = focus_vm();

	is_open = !is_open;
	if (is_open)
		print("The monitor: help lists its commands, Ctrl-A closes it\n");
	else if (vm)
		print("The monitor is closed: what is typed goes to %s, Ctrl-A opens it\n",
		      vm->config.name);
	set_length(0);
	show_foot();
}

static void end_line(void)
{
	if (is_open)
		print(PROMPT "%s\n", line);
	if (length >= sizeof(line))
		log_error("a command of %zu characters is too long. " MONITOR_USAGE, length);
	else if (is_open && !strcmp(line, "exit"))
		open_or_close();
	else if (length)
		monitor_command(line);
	set_length(0);
}

static void edit(char c)
{
	bool second = c == '\n' && after_return;

	after_return = c == '\r';
	if (c == '\r' || c == '\n') {
		if (!second)
			end_line();
	} else if (c == BACKSPACE || c == DELETE) {
		if (length)
			set_length(length - 1);
	} else if (c == CTRL('u')) {
		set_length(0);
	} else if (c >= ' ' && c < DELETE) {
		if (length < sizeof(line) - 1)
			line[length] = c;
		set_length(length + 1);
	}
}

void monitor_type(char c)
{
	if (c == CTRL('a'))
		open_or_close();
	else if (!is_open && focus_vm())
		focus_type(c);
	else
		edit(c);
}

void monitor_poll(void)
{
	int c;

	polled = rdtsc();
	monitor_due = polled + period;
	if (gdb_is_on())
		gdb_poll();
	if (monitor_table_waits())
		monitor_table_go_on();
	(void)focus_vm(); /* one that has ended loses the focus, and that is told of */
	for (int i = 0; i < POLL_MAX && !monitor_table_waits() && output_own_has_room(); i++) {
		c = console_read();
		if (c < 0)
			break;
		typed = polled;
		monitor_type((char)c);
	}
}
