/*
 * Memory and string functions: the C standard's, and copy_string. A host build takes the standard
 * ones from its libc. Any context; no vector registers are used.
 */
#pragma once

#include <stddef.h>

#if __STDC_HOSTED__
#include <string.h>
#else
void *memcpy(void *restrict to, const void *restrict from, size_t count);
void *memmove(void *to, const void *from, size_t count);
void *memset(void *to, int value, size_t count);
int memcmp(const void *left, const void *right, size_t count);
size_t strlen(const char *s);
int strcmp(const char *left, const char *right);
int strncmp(const char *left, const char *right, size_t count);
char *strchr(const char *s, int c);
#endif

/*
 * Copies src into dst[size], cut short if need be and always terminated if size > 0. Returns
 * strlen(src): it was cut if that is >= size.
 */
size_t copy_string(char *dst, size_t size, const char *src);
