#include "vmx/checks/entry_breaks.h"

#include "lib/array.h"
#include "lib/x86.h"
#include "vmx/checks/entry_break_tables.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

static const struct entry_breaks *const tables[] = {
	&entry_breaks_controls, &entry_breaks_apic,	&entry_breaks_host,
	&entry_breaks_guest,	&entry_breaks_segments,
};

const struct entry_break *entry_break_at(size_t number)
{
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		if (number < tables[i]->count)
			return &tables[i]->row[number];
		number -= tables[i]->count;
	}
	return NULL;
}

bool entry_fact_holds(const struct entry_cpu *cpu, enum entry_fact fact)
{
	switch (fact) {
	case FACT_NONE:
		return true;
	case FACT_LEGACY:
		return !cpu->long_mode;
	case FACT_TRACED:
		return cpu->pt_enabled;
	case FACT_NO_ACCESSED_DIRTY:
		return !(cpu->ept_vpid & EPT_CAP_ACCESSED_DIRTY);
	case FACT_NO_SHADOW_STACK:
		return !(cpu->ept_vpid & EPT_CAP_SHADOW_STACK);
	case FACT_MONITOR_TRAP:
		return cpu->primary >> 32 & PRIMARY_MONITOR_TRAP_FLAG;
	case FACT_ERROR_CODES:
		return !(cpu->basic & BASIC_ANY_ERROR_CODE);
	case FACT_NESTED:
		return cpu->basic & BASIC_NESTED_EXCEPTION;
	case FACT_NO_LENGTH_0:
		return !(cpu->misc & MISC_INSTRUCTION_LENGTH_0);
	case FACT_HLT:
		return cpu->misc & MISC_ACTIVITY_STATE(ACTIVITY_HLT);
	case FACT_SHUTDOWN:
		return cpu->misc & MISC_ACTIVITY_STATE(ACTIVITY_SHUTDOWN);
	case FACT_WAIT_FOR_SIPI:
		return cpu->misc & MISC_ACTIVITY_STATE(ACTIVITY_WAIT_FOR_SIPI);
	case FACT_SGX:
		return cpu->sgx;
	case FACT_NO_SGX:
		return !cpu->sgx;
	case FACT_RTM:
		return cpu->rtm;
	case FACT_NO_RTM:
		return !cpu->rtm;
	}
	return false;
}

/* Which bits of a field have to be 1, and may be 1. */
struct limits {
	uint64_t must, may;
};

static struct limits of_msr(uint64_t capability)
{
	return (struct limits){(uint32_t)capability, capability >> 32};
}

static struct limits limits_of(const struct entry_cpu *cpu, uint32_t field)
{
	switch (field) {
	case VMCS_PIN_BASED_CONTROLS:
		return of_msr(cpu->pin);
	case VMCS_PRIMARY_CONTROLS:
		return of_msr(cpu->primary);
	case VMCS_SECONDARY_CONTROLS:
		return of_msr(cpu->secondary);
	case VMCS_TERTIARY_CONTROLS:
		return (struct limits){0, cpu->tertiary};
	case VMCS_VM_FUNCTION_CONTROLS:
		return (struct limits){0, cpu->vm_functions};
	case VMCS_EXIT_CONTROLS:
		return of_msr(cpu->exit);
	case VMCS_SECONDARY_EXIT_CONTROLS:
		return (struct limits){0, cpu->exit2};
	case VMCS_ENTRY_CONTROLS:
		return of_msr(cpu->entry);
	case VMCS_GUEST_CR4:
	case VMCS_HOST_CR4:
		return (struct limits){0, cpu->cr4_fixed1};
	default:
		return (struct limits){0, UINT64_MAX};
	}
}

static unsigned int width_of(uint32_t field)
{
	switch (field >> 13 & 3) { /* SDM Vol. 3D Appendix B */
	case 0:
		return 16;
	case 2:
		return 32;
	default:
		return 64;
	}
}

/* False: the CPU does not have the field, or does not keep every bit of it. */
static bool put(const struct entry_target *target, uint32_t field, uint64_t value)
{
	return target->write(target->arg, field, value) &&
	       target->read(target->arg, field) == value;
}

static bool set_forbidden(const struct entry_target *target, uint32_t field, uint64_t value)
{
	uint64_t forbidden = ~limits_of(target->cpu, field).may & ~value;

	if (width_of(field) < 64)
		forbidden &= BIT(width_of(field)) - 1;
	return forbidden && put(target, field, value | (forbidden & -forbidden));
}

static bool clear_required(const struct entry_target *target, uint32_t field, uint64_t value)
{
	uint64_t required = limits_of(target->cpu, field).must & value;

	return required && put(target, field, value & ~(required & -required));
}

static bool make(const struct entry_target *target, const struct entry_change *change)
{
	const struct entry_cpu *cpu = target->cpu;
	struct limits limits = limits_of(cpu, change->field);
	uint32_t field = change->field;
	uint64_t value = target->read(target->arg, field);

	switch (change->how) {
	case HOW_SET:
		return !(change->value & ~limits.may) && put(target, field, value | change->value);
	case HOW_CLEAR:
		return !(change->value & limits.must) && put(target, field, value & ~change->value);
	case HOW_PUT:
		return put(target, field, change->value);
	case HOW_PAGE:
		return put(target, field, target->page[change->value]);
	case HOW_CURRENT:
		return put(target, field, target->current_vmcs);
	case HOW_WIDE:
		return put(target, field, value | BIT(cpu->physical_bits));
	case HOW_TOP:
		return put(target, field, BIT(cpu->physical_bits) - 16);
	case HOW_NOT_CANONICAL:
		return put(target, field, BIT(cpu->linear_bits - 1));
	case HOW_BEYOND_LINEAR:
		return put(target, field, BIT(cpu->linear_bits));
	case HOW_FORBIDDEN:
		return set_forbidden(target, field, value);
	case HOW_REQUIRED:
		return clear_required(target, field, value);
	default:
		return false;
	}
}

/* Page and offset are in `field`. */
static void change_memory(const struct entry_target *target, const struct entry_change *change)
{
	uint64_t *word = &target->memory[change->field & 0xfff][(change->field >> 12) / 8];

	*word = change->how == HOW_FLIP ? *word ^ change->value : change->value;
}

bool entry_changes_make(const struct entry_target *target, const struct entry_change *change)
{
	for (unsigned int i = 0; i < ENTRY_CHANGES && change[i].how != HOW_END; i++) {
		if (change[i].how == HOW_MEMORY || change[i].how == HOW_FLIP)
			change_memory(target, &change[i]);
		else if (!make(target, &change[i]))
			return false;
	}
	return true;
}
