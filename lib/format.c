#include "lib/format.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/string.h"

struct output {
	char *buf;
	size_t size;
	size_t length;
};

struct spec {
	bool left, plus, space, zero, alternate;
	int width;
	int precision; /* -1: none given */
	char length;   /* H for hh, L for ll, else the letter itself or 0 */
};

static void put(struct output *out, char c)
{
	if (out->length + 1 < out->size)
		out->buf[out->length] = c;
	out->length++;
}

static void put_bytes(struct output *out, const char *bytes, size_t count)
{
	while (count--)
		put(out, *bytes++);
}

static void pad(struct output *out, char c, size_t used, int width)
{
	for (; used < (size_t)width; used++)
		put(out, c);
}

static void put_text(struct output *out, const struct spec *spec, const char *text, size_t length)
{
	if (!spec->left)
		pad(out, ' ', length, spec->width);
	put_bytes(out, text, length);
	if (spec->left)
		pad(out, ' ', length, spec->width);
}

static void put_string(struct output *out, const struct spec *spec, const char *s)
{
	size_t limit = spec->precision < 0 ? SIZE_MAX : (size_t)spec->precision;
	size_t length = 0;

	if (!s)
		s = "(null)";
	/* With a precision the string need not be terminated. */
	while (length < limit && s[length])
		length++;
	put_text(out, spec, s, length);
}

/* prefix is the sign or the 0x: it stands before the zeros, and counts in the width. */
static void put_number(struct output *out, const struct spec *spec, uint64_t value, unsigned base,
		       bool upper, const char *prefix)
{
	const char *alphabet = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char digits[24];
	size_t start = sizeof(digits);
	size_t prefix_length = strlen(prefix);

	for (uint64_t rest = value; rest; rest /= base)
		digits[--start] = alphabet[rest % base];

	size_t count = sizeof(digits) - start;
	size_t wanted = spec->precision < 0 ? 1 : (size_t)spec->precision;

	if (base == 8 && spec->alternate && wanted <= count)
		wanted = count + 1;
	if (spec->precision < 0 && spec->zero && !spec->left &&
	    (size_t)spec->width > prefix_length + wanted)
		wanted = (size_t)spec->width - prefix_length;

	size_t zeros = wanted > count ? wanted - count : 0;
	size_t length = prefix_length + zeros + count;

	if (!spec->left)
		pad(out, ' ', length, spec->width);
	put_bytes(out, prefix, prefix_length);
	while (zeros--)
		put(out, '0');
	put_bytes(out, digits + start, count);
	if (spec->left)
		pad(out, ' ', length, spec->width);
}

/* va_list may be an array type; only inside a structure can it be handed on by address. */
struct arguments {
	va_list list;
};

static uint64_t next_signed(struct arguments *args, char length)
{
	switch (length) {
	case 'H':
		return (uint64_t)(signed char)va_arg(args->list, int);
	case 'h':
		return (uint64_t)(short)va_arg(args->list, int);
	case 'l':
		return (uint64_t)va_arg(args->list, long);
	case 'L':
		return (uint64_t)va_arg(args->list, long long);
	case 'j':
		return (uint64_t)va_arg(args->list, intmax_t);
	case 'z':
	case 't':
		return (uint64_t)va_arg(args->list, ptrdiff_t);
	default:
		return (uint64_t)va_arg(args->list, int);
	}
}

static uint64_t next_unsigned(struct arguments *args, char length)
{
	switch (length) {
	case 'H':
		return (unsigned char)va_arg(args->list, unsigned);
	case 'h':
		return (unsigned short)va_arg(args->list, unsigned);
	case 'l':
		return va_arg(args->list, unsigned long);
	case 'L':
		return va_arg(args->list, unsigned long long);
	case 'j':
		return va_arg(args->list, uintmax_t);
	case 'z':
	case 't':
		return va_arg(args->list, size_t);
	default:
		return va_arg(args->list, unsigned);
	}
}

static const char *parse_flags(struct spec *spec, const char *s)
{
	for (;; s++) {
		switch (*s) {
		case '-':
			spec->left = true;
			break;
		case '+':
			spec->plus = true;
			break;
		case ' ':
			spec->space = true;
			break;
		case '0':
			spec->zero = true;
			break;
		case '#':
			spec->alternate = true;
			break;
		default:
			return s;
		}
	}
}

static const char *parse_number(int *number, const char *s, struct arguments *args)
{
	if (*s == '*') {
		*number = va_arg(args->list, int);
		return s + 1;
	}
	for (*number = 0; *s >= '0' && *s <= '9'; s++)
		*number = *number > INT_MAX / 10 - 1 ? INT_MAX : *number * 10 + (*s - '0');
	return s;
}

static const char *parse_spec(struct spec *spec, const char *s, struct arguments *args)
{
	*spec = (struct spec){.precision = -1};
	s = parse_flags(spec, s);
	s = parse_number(&spec->width, s, args);
	if (spec->width < 0) {
		spec->left = true;
		spec->width = spec->width == INT_MIN ? INT_MAX : -spec->width;
	}
	if (*s == '.')
		s = parse_number(&spec->precision, s + 1, args);
	if (spec->precision < 0)
		spec->precision = -1;
	if (*s && strchr("hlzjt", *s)) {
		spec->length = *s++;
		if (*s == spec->length && (*s == 'h' || *s == 'l'))
			spec->length = *s++ == 'h' ? 'H' : 'L';
	}
	return s;
}

static void put_signed(struct output *out, const struct spec *spec, uint64_t value)
{
	bool negative = (int64_t)value < 0;
	const char *sign = negative ? "-" : spec->plus ? "+" : spec->space ? " " : "";

	put_number(out, spec, negative ? -value : value, 10, false, sign);
}

static void put_hex(struct output *out, const struct spec *spec, uint64_t value, bool upper)
{
	const char *prefix = !spec->alternate || !value ? "" : upper ? "0X" : "0x";

	put_number(out, spec, value, 16, upper, prefix);
}

/* Returns whether the conversion is known. */
static bool convert(struct output *out, const struct spec *spec, char conversion,
		    struct arguments *args)
{
	char c;

	switch (conversion) {
	case 'd':
	case 'i':
		put_signed(out, spec, next_signed(args, spec->length));
		return true;
	case 'u':
		put_number(out, spec, next_unsigned(args, spec->length), 10, false, "");
		return true;
	case 'o':
		put_number(out, spec, next_unsigned(args, spec->length), 8, false, "");
		return true;
	case 'x':
	case 'X':
		put_hex(out, spec, next_unsigned(args, spec->length), conversion == 'X');
		return true;
	case 'p':
		put_number(out, spec, (uintptr_t)va_arg(args->list, void *), 16, false, "0x");
		return true;
	case 'c':
		c = (char)va_arg(args->list, int);
		put_text(out, spec, &c, 1);
		return true;
	case 's':
		put_string(out, spec, va_arg(args->list, const char *));
		return true;
	case '%':
		put(out, '%');
		return true;
	default:
		return false;
	}
}

int format_v(char *buf, size_t size, const char *fmt, va_list list)
{
	struct output out = {buf, size, 0};
	struct arguments args;

	va_copy(args.list, list);
	while (*fmt) {
		const char *start = fmt;
		struct spec spec;

		if (*fmt != '%') {
			put(&out, *fmt++);
			continue;
		}
		fmt = parse_spec(&spec, fmt + 1, &args);
		if (*fmt)
			fmt++;
		if (!convert(&out, &spec, fmt[-1], &args))
			put_bytes(&out, start, (size_t)(fmt - start));
	}
	va_end(args.list);
	if (size)
		buf[out.length < size ? out.length : size - 1] = '\0';
	return out.length > INT_MAX ? INT_MAX : (int)out.length;
}

int format(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	int length;

	va_start(args, fmt);
	length = format_v(buf, size, fmt, args);
	va_end(args);
	return length;
}
