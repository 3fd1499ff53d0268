#include "lib/cmdline.h"

#include <stdbool.h>

#include "lib/errno.h"
#include "lib/string.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

int cmdline_next(const char **cursor, char *word, size_t size)
{
	const char *s = *cursor;
	size_t length = 0;
	char quote = 0;

	while (is_space(*s))
		s++;
	*cursor = s;
	word[0] = '\0';
	if (!*s)
		return 0;
	for (; *s && (quote || !is_space(*s)); s++) {
		if (*s == quote) {
			quote = 0;
			continue;
		}
		if (!quote && (*s == '\'' || *s == '"')) {
			quote = *s;
			continue;
		}
		if (*s == '\\' && quote != '\'' && s[1])
			s++;
		if (length + 1 < size)
			word[length] = *s;
		length++;
	}
	*cursor = s;
	word[length < size ? length : size - 1] = '\0';
	if (quote)
		return -EINVAL;
	return length < size ? 1 : -ENAMETOOLONG;
}

char *cmdline_split(char *word)
{
	char *equals = strchr(word, '=');

	if (!equals)
		return NULL;
	*equals = '\0';
	return equals + 1;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

/* Advances *text past the digits. A number too long is read to its end before it is refused. */
static int read_number(const char **text, uint64_t *value)
{
	const char *s = *text;
	uint64_t number = 0;
	bool overflow = false;
	int base = 10;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
	}
	if (digit_value(*s) >= base)
		return -EINVAL;
	for (; digit_value(*s) < base; s++)
		overflow |= __builtin_mul_overflow(number, (uint64_t)base, &number) ||
			    __builtin_add_overflow(number, (uint64_t)digit_value(*s), &number);
	*text = s;
	*value = number;
	return overflow ? -ERANGE : 0;
}

int cmdline_number(const char *text, uint64_t *value)
{
	uint64_t number;
	int error = read_number(&text, &number);

	if (error == -EINVAL || *text)
		return -EINVAL;
	if (!error)
		*value = number;
	return error;
}

int cmdline_size(const char *text, uint64_t *bytes)
{
	static const char suffixes[] = "KMGT";
	uint64_t number;
	unsigned shift = 0;
	int error = read_number(&text, &number);

	if (error == -EINVAL)
		return error;
	if (*text) {
		const char *suffix = strchr(suffixes, *text & ~0x20);

		if (!suffix || !*suffix || text[1])
			return -EINVAL;
		shift = 10 * (unsigned)(suffix - suffixes + 1);
	}
	if (error || number > UINT64_MAX >> shift)
		return -ERANGE;
	*bytes = number << shift;
	return 0;
}

int cmdline_cpus(const char *text, uint64_t *mask)
{
	uint64_t set = 0;

	for (;;) {
		uint64_t first, last;
		int error = read_number(&text, &first);

		last = first;
		if (!error && *text == '-') {
			text++;
			error = read_number(&text, &last);
		}
		if (error)
			return error;
		if (first > last)
			return -EINVAL;
		if (last > 63)
			return -ERANGE;
		set |= (UINT64_MAX >> (63 - (last - first))) << first;
		if (!*text)
			break;
		if (*text++ != '+')
			return -EINVAL;
	}
	*mask = set;
	return 0;
}
