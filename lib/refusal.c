#include "lib/refusal.h"

#include <stdarg.h>

#include "lib/format.h"

int refuse(struct refusal *refusal, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	format_v(refusal->text, sizeof(refusal->text), format, args);
	va_end(args);
	return error;
}
