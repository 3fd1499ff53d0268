#include "lib/string.h"

#if !__STDC_HOSTED__

/* The compiler must not turn the loop inside memset into a call of memset. */
#pragma GCC optimize("no-tree-loop-distribute-patterns")

#ifdef __x86_64__
#define WORD "q"
#else
#define WORD "l"
#endif

/* Words first: not every CPU is fast by bytes. */
void *memcpy(void *restrict to, const void *restrict from, size_t count)
{
	void *result = to;
	size_t words = count / sizeof(long);

	count %= sizeof(long);
	__asm__ volatile("rep movs" WORD "\n\tmov %3, %2\n\trep movsb"
			 : "+&D"(to), "+&S"(from), "+&c"(words)
			 : "r"(count)
			 : "memory");
	return result;
}

void *memmove(void *to, const void *from, size_t count)
{
	unsigned char *d = to;
	const unsigned char *s = from;

	if (d <= s || d >= s + count)
		return memcpy(to, from, count);
	while (count--)
		d[count] = s[count];
	return to;
}

void *memset(void *to, int value, size_t count)
{
	void *result = to;
	unsigned long pattern = ~0ul / 0xff * (unsigned char)value;
	size_t words = count / sizeof(long);

	count %= sizeof(long);
	__asm__ volatile("rep stos" WORD "\n\tmov %2, %1\n\trep stosb"
			 : "+&D"(to), "+&c"(words)
			 : "r"(count), "a"(pattern)
			 : "memory");
	return result;
}

int memcmp(const void *left, const void *right, size_t count)
{
	const unsigned char *l = left, *r = right;

	for (size_t i = 0; i < count; i++)
		if (l[i] != r[i])
			return l[i] < r[i] ? -1 : 1;
	return 0;
}

size_t strlen(const char *s)
{
	size_t length = 0;

	while (s[length])
		length++;
	return length;
}

int strcmp(const char *left, const char *right)
{
	return strncmp(left, right, (size_t)-1);
}

int strncmp(const char *left, const char *right, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		unsigned char l = left[i], r = right[i];

		if (l != r)
			return l < r ? -1 : 1;
		if (!l)
			break;
	}
	return 0;
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)s;
		if (!*s)
			return NULL;
	}
}

#endif

size_t copy_string(char *dst, size_t size, const char *src)
{
	size_t length = strlen(src);

	if (size) {
		size_t copied = length < size ? length : size - 1;

		memcpy(dst, src, copied);
		dst[copied] = '\0';
	}
	return length;
}
