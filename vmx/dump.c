#include <stdbool.h>
#include <stddef.h>

#include "lib/console.h"
#include "vmx/dump.h"
#include "vmx/exit_reasons.h"
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

const char *vmx_instruction_error_name(uint32_t error)
{
	static const char *const name[] = {
		[1] = "VMCALL executed in VMX root operation",
		[2] = "VMCLEAR with invalid physical address",
		[3] = "VMCLEAR with VMXON pointer",
		[4] = "VMLAUNCH with non-clear VMCS",
		[5] = "VMRESUME with non-launched VMCS",
		[6] = "VMRESUME after VMXOFF",
		[7] = "VM entry with invalid control field(s)",
		[8] = "VM entry with invalid host-state field(s)",
		[9] = "VMPTRLD with invalid physical address",
		[10] = "VMPTRLD with VMXON pointer",
		[11] = "VMPTRLD with incorrect VMCS revision identifier",
		[12] = "VMREAD/VMWRITE from/to unsupported VMCS component",
		[13] = "VMWRITE to read-only VMCS component",
		[15] = "VMXON executed in VMX root operation",
		[16] = "VM entry with invalid executive-VMCS pointer",
		[17] = "VM entry with non-launched executive VMCS",
		[18] = "VM entry with executive-VMCS pointer not VMXON pointer",
		[19] = "VMCALL with non-clear VMCS",
		[20] = "VMCALL with invalid VM-exit control fields",
		[22] = "VMCALL with incorrect MSEG revision identifier",
		[23] = "VMXOFF under dual-monitor treatment",
		[24] = "VMCALL with invalid SMM-monitor features",
		[25] = "VM entry with invalid VM-execution control fields in executive VMCS",
		[26] = "VM entry with events blocked by MOV SS",
		[28] = "invalid operand to INVEPT/INVVPID",
	};

	if (error >= sizeof(name) / sizeof(name[0]) || !name[error])
		return "unknown VM-instruction error";
	return name[error];
}

const char *exit_reason_name(unsigned int reason)
{
#define REASON_NAME(name, number, text) [number] = text,
	static const char *const name[] = {EXIT_REASONS(REASON_NAME)};

	if (reason >= EXIT_REASON_COUNT || !name[reason])
		return "unknown";
	return name[reason];
}

/* A field of a feature that this CPU lacks does not exist: it reads as zero here. */
static uint64_t read_if_present(enum vmcs_field field)
{
	uint64_t value;
	bool failed;

	__asm__ volatile("vmread %2, %0" : "=r"(value), "=@ccbe"(failed) : "r"((uint64_t)field));
	return failed ? 0 : value;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct section {
	const char *title;
	const struct field_name *field;
	size_t count;
} sections[] = {
	{"guest state", guest_fields, COUNT(guest_fields)},
	{"host state", host_fields, COUNT(host_fields)},
	{"controls", control_fields, COUNT(control_fields)},
	{"exit information", exit_fields, COUNT(exit_fields)},
};

#define VALUE(f) (f).name, read_if_present((f).field)

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
	for (size_t i = 0; i < COUNT(sections); i++) {
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
