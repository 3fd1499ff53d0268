#include "vmm/gdb/description.h"

#include <stdarg.h>

#include "lib/format.h"
#include "lib/string.h"
#include "vmm/gdb/register_rows.h"

#define ROOM 12288

static char text[ROOM];
static size_t length;

static void add(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void add(const char *fmt, ...)
{
	va_list args;
	size_t more;

	va_start(args, fmt);
	more = (size_t)format_v(text + length, ROOM - length, fmt, args);
	va_end(args);
	length += more < ROOM - length ? more : ROOM - 1 - length;
}

struct bit {
	const char *name;
	unsigned int start, end;
};

static const struct bit eflags[] = {
	{"CF", 0, 0},	 {"", 1, 1},	 {"PF", 2, 2},
	{"AF", 4, 4},	 {"ZF", 6, 6},	 {"SF", 7, 7},
	{"TF", 8, 8},	 {"IF", 9, 9},	 {"DF", 10, 10},
	{"OF", 11, 11},	 {"NT", 14, 14}, {"RF", 16, 16},
	{"VM", 17, 17},	 {"AC", 18, 18}, {"VIF", 19, 19},
	{"VIP", 20, 20}, {"ID", 21, 21}, {},
};

static const struct bit mxcsr[] = {
	{"IE", 0, 0},	{"DE", 1, 1},	{"ZE", 2, 2},	{"OE", 3, 3},	{"UE", 4, 4},
	{"PE", 5, 5},	{"DAZ", 6, 6},	{"IM", 7, 7},	{"DM", 8, 8},	{"ZM", 9, 9},
	{"OM", 10, 10}, {"UM", 11, 11}, {"PM", 12, 12}, {"FZ", 15, 15}, {},
};

static void add_flags(const char *id, const struct bit *bit)
{
	add("<flags id=\"%s\" size=\"4\">", id);
	for (; bit->name; bit++)
		add("<field name=\"%s\" start=\"%u\" end=\"%u\"/>", bit->name, bit->start,
		    bit->end);
	add("</flags>");
}

/* The types that gdb does not have of itself, each in the feature that uses it. */
static void add_types(const char *feature)
{
	if (!strcmp(feature, "org.gnu.gdb.i386.core"))
		add_flags("i386_eflags", eflags);
	if (!strcmp(feature, "org.gnu.gdb.i386.sse"))
		add_flags("i386_mxcsr", mxcsr);
	if (!strcmp(feature, "org.gnu.gdb.i386.sse") || !strcmp(feature, "org.gnu.gdb.i386.avx512"))
		add("<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>"
		    "<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
		    "<vector id=\"v16i8\" type=\"int8\" count=\"16\"/>"
		    "<vector id=\"v8i16\" type=\"int16\" count=\"8\"/>"
		    "<vector id=\"v4i32\" type=\"int32\" count=\"4\"/>"
		    "<vector id=\"v2i64\" type=\"int64\" count=\"2\"/>"
		    "<union id=\"vec128\"><field name=\"v4_float\" type=\"v4f\"/>"
		    "<field name=\"v2_double\" type=\"v2d\"/>"
		    "<field name=\"v16_int8\" type=\"v16i8\"/>"
		    "<field name=\"v8_int16\" type=\"v8i16\"/>"
		    "<field name=\"v4_int32\" type=\"v4i32\"/>"
		    "<field name=\"v2_int64\" type=\"v2i64\"/>"
		    "<field name=\"uint128\" type=\"uint128\"/></union>");
	if (!strcmp(feature, "org.gnu.gdb.i386.avx512"))
		add("<vector id=\"v2ui128\" type=\"uint128\" count=\"2\"/>");
}

static void add_register(const struct register_row *row, unsigned int i)
{
	add("<reg name=\"");
	if (row->names)
		add("%s", row->names[i]);
	else
		add("%s%u%s", row->prefix, row->first + i, row->suffix);
	add("\" bitsize=\"%u\" type=\"%s\"/>", 8 * row->bytes, row->type);
}

static void add_features(bool wide)
{
	const char *feature = NULL;

	for (const struct register_row *row = register_rows(wide); row->feature; row++) {
		if (!register_row_there(row))
			continue;
		if (!feature || strcmp(row->feature, feature)) {
			add("%s<feature name=\"%s\">", feature ? "</feature>" : "", row->feature);
			feature = row->feature;
			add_types(feature);
		}
		for (unsigned int i = 0; i < row->count; i++)
			add_register(row, i);
	}
	add("</feature>");
}

const char *description(bool wide, size_t *size)
{
	length = 0;
	add("<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target>"
	    "<architecture>%s</architecture>",
	    wide ? "i386:x86-64" : "i386");
	add_features(wide);
	add("</target>");
	*size = length;
	return text;
}
