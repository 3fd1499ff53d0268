/*
 * Why something is refused, for the human who has to change it: one line on what is wrong and what
 * would be accepted. Who finds it writes the line and returns an error; who asked says whose it is,
 * and prints it.
 */
#pragma once

#define REFUSAL_SIZE 200

struct refusal {
	char text[REFUSAL_SIZE]; /* longer lines are cut */
};

/* Writes the line, and returns `error` as it is, so that a check is one statement. Any context. */
int refuse(struct refusal *refusal, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
