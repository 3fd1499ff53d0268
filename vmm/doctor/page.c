#include "vmm/doctor/page.h"

#include <stdarg.h>
#include <stdbool.h>

#include "lib/array.h"
#include "lib/console.h"
#include "lib/format.h"
#include "lib/string.h"
#include "vmm/doctor/findings.h"

#define INDENT 6

/* A line that is not full yet. */
struct line {
	char text[PAGE_COLUMNS + 1];
	uint32_t length;
	bool begun; /* it has a word */
};

static void begin(struct line *line, const char *label)
{
	line->length = (uint32_t)format(line->text, sizeof(line->text), "%-*s", INDENT, label);
	line->begun = false;
}

static void end(struct line *line)
{
	if (line->begun)
		print("%s\n", line->text);
}

static void add(struct line *line, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add(struct line *line, const char *fmt, ...)
{
	char word[64];
	uint32_t length, space = line->begun;
	va_list args;

	va_start(args, fmt);
	format_v(word, sizeof(word), fmt, args);
	va_end(args);
	length = (uint32_t)strlen(word);
	if (line->length + space + length > PAGE_COLUMNS) {
		end(line);
		begin(line, "");
		space = 0;
	}
	line->length +=
		(uint32_t)format(line->text + line->length, sizeof(line->text) - line->length,
				 "%s%s", space ? " " : "", word);
	line->begun = true;
}

static const char *mark(const struct finding *row)
{
	if (row->there)
		return "";
	if (row->verdict == VERDICT_UNKNOWN)
		return "?";
	return row->kind == FINDING_REQUIRED ? "!" : "-";
}

static void add_row(struct line *line, const struct finding *row)
{
	if (row->text[0])
		add(line, "%s%s=%s", mark(row), row->name, row->text);
	else if (row->has_value && row->there)
		add(line, "%s%s=0x%lx", mark(row), row->name, row->value);
	else
		add(line, "%s%s", mark(row), row->name);
}

/* Of what is not known only how much it is, and of what is needed and there. */
struct counts {
	uint32_t unknown, needed, missing;
};

/* Of what is missing there too: its names would be most of the page. */
static bool is_counted(const char *group)
{
	return !strcmp(group, "speculation");
}

static void add_group(struct line *line, const char *group, const struct findings *findings,
		      struct counts *counts)
{
	for (uint32_t i = 0; i < findings->count; i++) {
		const struct finding *row = &findings->row[i];

		if (strcmp(row->group, group) || row->quiet || row->own)
			continue;
		if (row->verdict == VERDICT_UNKNOWN)
			counts->unknown += row->kind != FINDING_TOLD;
		else if (row->kind == FINDING_REQUIRED && row->there)
			counts->needed++;
		else if (row->kind == FINDING_OPTIONAL && !row->there && is_counted(group))
			counts->missing++;
		else if (row->kind != FINDING_TOLD || row->there)
			add_row(line, row);
	}
}

static void add_counts(struct line *line, const struct counts *counts)
{
	if (counts->unknown)
		add(line, "?%u", counts->unknown);
	if (counts->needed)
		add(line, "+%u", counts->needed);
	if (counts->missing)
		add(line, "-%u", counts->missing);
}

void page_print(const struct findings *cpu, const struct findings *machine)
{
	static const struct {
		const char *label, *groups[3];
	} paragraphs[] = {
		{"needs", {"required"}},
		{"uses", {"optional"}},
		{"time", {"apic", "tsc"}},
		{"fpu", {"fpu"}},
		{"spec", {"errata", "hazards", "speculation"}},
		{"cpus", {"alike"}},
		{"pc", {"memory", "firmware"}},
		{"acpi", {"acpi"}},
		{"left", {"left-on"}},
	};

	for (uint32_t i = 0; i < ARRAY_SIZE(paragraphs); i++) {
		struct counts counts = {};
		struct line line;

		begin(&line, paragraphs[i].label);
		for (uint32_t j = 0;
		     j < ARRAY_SIZE(paragraphs[i].groups) && paragraphs[i].groups[j]; j++) {
			add_group(&line, paragraphs[i].groups[j], cpu, &counts);
			add_group(&line, paragraphs[i].groups[j], machine, &counts);
		}
		add_counts(&line, &counts);
		end(&line);
	}
}

void page_print_difference(uint32_t number, bool left_out, const struct findings *first,
			   const struct findings *other)
{
	struct line line;
	char label[INDENT + 1];

	format(label, sizeof(label), "cpu%u", number);
	begin(&line, label);
	if (left_out)
		add(&line, "left out at boot:");
	for (uint32_t i = 0; i < first->count; i++)
		if (finding_tells_apart(&first->row[i], &other->row[i]))
			add_row(&line, &other->row[i]);
	end(&line);
}

static bool told_before(const struct findings *findings, uint32_t index)
{
	for (uint32_t i = 0; i < index; i++)
		if (finding_forbids(&findings->row[i]) &&
		    findings->row[i].remedy == findings->row[index].remedy)
			return true;
	return false;
}

static void add_words(struct line *line, const char *text)
{
	while (*text) {
		uint32_t length = 0;

		while (text[length] && text[length] != ' ')
			length++;
		add(line, "%.*s", (int)length, text);
		text += length;
		while (*text == ' ')
			text++;
	}
}

void page_print_remedies(const struct findings *findings)
{
	for (uint32_t i = 0; i < findings->count; i++) {
		const char *remedy = findings->row[i].remedy;
		struct line line;

		if (!finding_forbids(&findings->row[i]) || !remedy || told_before(findings, i))
			continue;
		begin(&line, "do");
		for (uint32_t j = i; j < findings->count; j++)
			if (finding_forbids(&findings->row[j]) && findings->row[j].remedy == remedy)
				add(&line, "%s", findings->row[j].name);
		add(&line, "-");
		add_words(&line, remedy);
		end(&line);
	}
}
