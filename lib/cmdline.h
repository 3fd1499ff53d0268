/*
 * Command lines: words, and the values in them.
 *
 * A word ends at white space. Single quotes keep everything, double quotes everything but a
 * backslash; a backslash, outside quotes too, takes the character after it as it is. That undoes
 * what GRUB does to the words of its command lines. Any context.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Copies the next word of *cursor, unquoted, into word[size] (size > 0) and advances *cursor past
 * it. Returns 1; 0 at the end of the line; -ENAMETOOLONG if the word was cut to fit, -EINVAL if a
 * quote is not closed. After an error, too, word is terminated and *cursor has advanced.
 */
int cmdline_next(const char **cursor, char *word, size_t size);

/* Cuts word at its first '=' and returns what follows it; NULL, and word untouched, if none. */
char *cmdline_split(char *word);

/* A number: decimal, or hexadecimal after 0x. 0, -EINVAL (no number), -ERANGE (over 64 bits). */
int cmdline_number(const char *text, uint64_t *value);

/* A number of bytes, with K, M, G or T (either case) for powers of 1024. Errors as above. */
int cmdline_size(const char *text, uint64_t *bytes);

/*
 * A set of CPUs, "0+2-3": bit n of *mask is CPU n. 0, -EINVAL (malformed, a range that runs
 * backwards), -ERANGE (a CPU above 63).
 */
int cmdline_cpus(const char *text, uint64_t *mask);
