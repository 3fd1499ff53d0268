#include "vmm/doctor/findings.h"

#include <stdarg.h>

#include "lib/assert.h"
#include "lib/format.h"
#include "lib/string.h"

struct finding *finding_add(struct findings *findings, const char *group, const char *name,
			    enum finding_kind kind, bool there)
{
	struct finding *row = &findings->row[findings->count];

	assert(findings->count < FINDINGS_MAX);
	findings->count++;
	*row = (struct finding){
		.group = group,
		.name = name,
		.kind = kind,
		.there = there,
		.value = there,
		.verdict = there || kind == FINDING_TOLD ? VERDICT_OK : VERDICT_MISSING,
	};
	return row;
}

void finding_say(struct findings *findings, const char *group, const char *name, uint64_t value,
		 const char *fmt, ...)
{
	struct finding *row = finding_add(findings, group, name, FINDING_TOLD, true);
	va_list args;

	row->value = value;
	va_start(args, fmt);
	format_v(row->text, sizeof(row->text), fmt, args);
	va_end(args);
	for (char *c = row->text; *c; c++)
		if (*c <= ' ' || *c >= 0x7f)
			*c = '_'; /* a record's values have no spaces */
}

const char *finding_verdict_name(enum finding_verdict verdict)
{
	static const char *const name[] = {"ok", "missing", "off", "unknown"};

	return name[verdict];
}

/* The value may be a word of which the row is one bit. */
bool finding_same(const struct finding *left, const struct finding *right)
{
	return left->there == right->there && left->verdict == right->verdict &&
	       (!left->has_value || left->value == right->value) &&
	       !strcmp(left->text, right->text);
}

bool finding_tells_apart(const struct finding *first, const struct finding *other)
{
	return !first->own && !first->quiet && !finding_same(first, other);
}
