#include <stdbool.h>
#include <stddef.h>

#include "lib/array.h"
#include "lib/console.h"
#include "vmx/dump.h"
#include "vmx/vmcs.h"

struct field_name {
	enum vmcs_field field;
	const char *name;
};

#define FIELD_NAME(name, encoding) {VMCS_##name, #name},
static const struct field_name control_fields[] = {VMCS_CONTROL_FIELDS(FIELD_NAME)};
static const struct field_name exit_fields[] = {VMCS_EXIT_FIELDS(FIELD_NAME)};
static const struct field_name guest_fields[] = {VMCS_GUEST_FIELDS(FIELD_NAME)};
static const struct field_name host_fields[] = {VMCS_HOST_FIELDS(FIELD_NAME)};

static const struct section {
	const char *title;
	const struct field_name *field;
	size_t count;
} sections[] = {
	/* first: to read a field that the CPU does not have leaves an error of its own there */
	{"exit information", exit_fields, ARRAY_SIZE(exit_fields)},
	{"guest state", guest_fields, ARRAY_SIZE(guest_fields)},
	{"host state", host_fields, ARRAY_SIZE(host_fields)},
	{"controls", control_fields, ARRAY_SIZE(control_fields)},
};

#define VALUE(f) (f).name, vmcs_read_if_present((f).field)

static void print_fields(const struct field_name *field, bool two)
{
	if (two)
		print("  %-30s %016lx  %-30s %016lx\n", VALUE(field[0]), VALUE(field[1]));
	else
		print("  %-30s %016lx\n", VALUE(field[0]));
}

bool vmcs_dump_line(unsigned int line)
{
	if (!line--) {
		print("VMCS dump\n");
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		const struct section *section = &sections[i];
		size_t lines = 1 + (section->count + 1) / 2, field = 2 * (line - 1);

		if (!line)
			print("%s:\n", section->title);
		else if (line < lines)
			print_fields(&section->field[field], field + 1 < section->count);
		if (line < lines)
			return true;
		line -= lines;
	}
	return false;
}

void vmcs_dump(void)
{
	for (unsigned int line = 0; vmcs_dump_line(line); line++)
		;
}
