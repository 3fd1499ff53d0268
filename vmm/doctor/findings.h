/*
 * What the doctor found: a row each, in the order of the page. For a CPU, or for the machine, the
 * same rows come in the same order whatever it has, so that CPUs can be compared.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define FINDINGS_MAX 256

enum finding_kind {
	FINDING_REQUIRED,
	FINDING_OPTIONAL,
	FINDING_TOLD, /* neither good nor bad: not on the page where it is not there */
};

enum finding_verdict {
	VERDICT_OK,
	VERDICT_MISSING,
	VERDICT_OFF,	 /* the CPU has it, and firmware switched it off */
	VERDICT_UNKNOWN, /* what would tell is not there */
};

struct finding {
	const char *group; /* what it is listed under */
	const char *name;
	enum finding_kind kind;
	enum finding_verdict verdict;
	bool there;
	bool own;	/* each CPU has its own: no difference to be told */
	bool quiet;	/* not for the page */
	bool has_value; /* the page shows it as a number */
	uint64_t value;
	char text[24];	    /* a value for a person, or "" */
	const char *remedy; /* what to do where it is missing, or what comes of it; or NULL */
};

struct findings {
	uint32_t count;
	struct finding row[FINDINGS_MAX];
};

/* A row that is there, or is missing. */
struct finding *finding_add(struct findings *findings, const char *group, const char *name,
			    enum finding_kind kind, bool there);

/* One that is there, with its value as text. */
void finding_say(struct findings *findings, const char *group, const char *name, uint64_t value,
		 const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* "ok", "missing", "off" or "unknown". */
const char *finding_verdict_name(enum finding_verdict verdict);

/* Whether the same is said of both. */
bool finding_same(const struct finding *left, const struct finding *right);

/* Whether the page tells of another CPU what it is there. */
bool finding_tells_apart(const struct finding *first, const struct finding *other);

/* A required thing that is not there: nothing runs. */
static inline bool finding_forbids(const struct finding *row)
{
	return row->kind == FINDING_REQUIRED && !row->there && row->verdict != VERDICT_UNKNOWN;
}
