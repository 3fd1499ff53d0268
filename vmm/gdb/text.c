#include "vmm/gdb/text.h"

#include <stdarg.h>

#include "lib/format.h"
#include "lib/string.h"

#define DIGITS_MAX 16

bool gdb_number(const char **text, uint64_t *value)
{
	unsigned int digits = 0;
	int digit;

	*value = 0;
	for (; (digit = gdb_digit(**text)) >= 0; digits++, (*text)++)
		*value = *value << 4 | (uint64_t)digit;
	return digits && digits <= DIGITS_MAX;
}

bool gdb_number_then(const char **text, uint64_t *value, char then)
{
	if (!gdb_number(text, value) || **text != then)
		return false;
	(*text)++;
	return true;
}

bool gdb_bytes(const char **text, uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int high = gdb_digit((*text)[0]), low;

		if (high < 0)
			return false;
		low = gdb_digit((*text)[1]);
		if (low < 0)
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
		*text += 2;
	}
	return true;
}

void gdb_add(struct gdb_reply *reply, const char *fmt, ...)
{
	size_t room = sizeof(reply->text) - reply->length, length;
	va_list args;

	va_start(args, fmt);
	length = (size_t)format_v(reply->text + reply->length, room, fmt, args);
	va_end(args);
	reply->length += length < room ? length : room - 1;
}

void gdb_add_bytes(struct gdb_reply *reply, const uint8_t *bytes, size_t count)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < count; i++) {
		const char pair[] = {digits[bytes[i] >> 4], digits[bytes[i] & 15]};

		gdb_add_raw(reply, pair, sizeof(pair));
	}
}

void gdb_add_raw(struct gdb_reply *reply, const char *bytes, size_t count)
{
	size_t room = sizeof(reply->text) - 1 - reply->length;

	count = count < room ? count : room;
	memcpy(reply->text + reply->length, bytes, count);
	reply->length += count;
	reply->text[reply->length] = '\0';
}
