#include "lib/panic.h"

#include <stdarg.h>

#include "lib/format.h"
#include "lib/x86.h"

/* Written at boot. */
static panic_reporter *reporter;

void panic_set_reporter(panic_reporter *new_reporter)
{
	reporter = new_reporter;
}

void panic(const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	format_v(text, sizeof(text), fmt, args);
	va_end(args);
	interrupts_off();
	reporter(text, (uint64_t)__builtin_return_address(0),
		 *(const uint64_t *)__builtin_frame_address(0));
	__builtin_unreachable();
}
