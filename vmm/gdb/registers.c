#include "vmm/gdb/registers.h"

#include "fpu/features.h"
#include "fpu/guest.h"
#include "fpu/image.h"
#include "fpu/look.h"
#include "fpu/owner.h"
#include "lib/string.h"
#include "lib/x86.h"
#include "vmm/cpuid.h"
#include "vmm/exit/instruction.h"
#include "vmm/gdb/errand.h"
#include "vmm/gdb/fpu_values.h"
#include "vmm/gdb/register_rows.h"
#include "vmm/interrupts.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

#define LINEAR_BITS    48 /* that guests are shown */
#define SELECTORS      6
#define CONTROLS       6
#define RFLAGS_CHANGED 0x240fd5ull /* by who debugs: not IOPL, NT, RF, VM, VIF, VIP */
#define SIZE_MAX_HERE  FPU_VALUE_MAX

/* gdb's order by VMX's numbers */
static const uint8_t general_of_64[] = {0, 3, 1, 2, 6, 7, 5, 4, 8, 9, 10, 11, 12, 13, 14, 15};

/* A vCPU's registers, as they were when it was looked at. */
static struct {
	uint64_t general[16], rip, rflags;
	uint64_t selector[SELECTORS];
	uint64_t base[2];
	uint64_t control[CONTROLS];
	struct fpu_image *fpu;
	bool fpu_is32;
} look;

bool registers_init(void)
{
	look.fpu = fpu_image_create();
	return look.fpu;
}

static void look_loaded(struct vcpu *vcpu, void *arg)
{
	static const enum vmcs_field selector[] = {
		VMCS_GUEST_CS_SELECTOR, VMCS_GUEST_SS_SELECTOR, VMCS_GUEST_DS_SELECTOR,
		VMCS_GUEST_ES_SELECTOR, VMCS_GUEST_FS_SELECTOR, VMCS_GUEST_GS_SELECTOR,
	};

	(void)arg;
	for (unsigned int i = 0; i < 16; i++)
		look.general[i] = vcpu_get_register(vcpu, i);
	look.rip = vmcs_read(VMCS_GUEST_RIP);
	look.rflags = vmcs_read(VMCS_GUEST_RFLAGS);
	for (unsigned int i = 0; i < SELECTORS; i++)
		look.selector[i] = vmcs_read(selector[i]);
	look.base[0] = vmcs_read(VMCS_GUEST_FS_BASE);
	look.base[1] = vmcs_read(VMCS_GUEST_GS_BASE);
	look.control[0] = guest_cr0_read(&vcpu->fpu.cr0);
	look.control[1] = read_cr2();
	look.control[2] = vmcs_read(VMCS_GUEST_CR3);
	look.control[3] = vmcs_read(VMCS_GUEST_CR4) & ~(uint64_t)CR4_VMXE;
	look.control[4] = vcpu_cr8(vcpu);
	look.control[5] = vcpu->efer;
}

static void look_fpu(struct fpu_cpu *cpu, struct vcpu *vcpu, void *arg)
{
	(void)arg;
	fpu_look(cpu, &vcpu->fpu, look.fpu, &look.fpu_is32);
}

static void look_at(struct vcpu *vcpu)
{
	errand_loaded(vcpu, look_loaded, NULL);
	errand_fpu(vcpu, look_fpu, NULL);
}

static unsigned int general_of(bool wide, unsigned int n)
{
	return wide ? general_of_64[n] : n;
}

/* The row of a register, and which of it. */
static const struct register_row *find(bool wide, uint32_t number, unsigned int *n)
{
	for (const struct register_row *row = register_rows(wide); row->feature; row++) {
		if (!register_row_there(row))
			continue;
		*n = number;
		if (number < row->count)
			return row;
		number -= row->count;
	}
	return NULL;
}

static uint64_t *integer_of(const struct register_row *row, bool wide, unsigned int n)
{
	switch (row->kind) {
	case REGISTER_GENERAL:
		return &look.general[general_of(wide, n)];
	case REGISTER_RIP:
		return &look.rip;
	case REGISTER_RFLAGS:
		return &look.rflags;
	case REGISTER_SELECTOR:
		return &look.selector[n];
	case REGISTER_BASE:
		return &look.base[n];
	case REGISTER_CONTROL:
		return &look.control[n];
	case REGISTER_FPU:
		break;
	}
	return NULL;
}

/* As it was looked at. */
static void value_of(const struct register_row *row, bool wide, unsigned int n, uint8_t *bytes)
{
	const uint64_t *integer = integer_of(row, wide, n);

	if (integer)
		memcpy(bytes, integer, row->bytes);
	else
		fpu_value_read(look.fpu, (enum fpu_value)row->fpu, row->first + n, bytes);
}

static void add(const struct register_row *row, bool wide, unsigned int n, struct gdb_reply *reply)
{
	uint8_t bytes[SIZE_MAX_HERE];

	value_of(row, wide, n, bytes);
	gdb_add_bytes(reply, bytes, row->bytes);
}

bool registers_add(struct vcpu *vcpu, bool wide, uint32_t number, struct gdb_reply *reply)
{
	unsigned int n;
	const struct register_row *row = find(wide, number, &n);

	if (!row)
		return false;
	look_at(vcpu);
	add(row, wide, n, reply);
	return true;
}

void registers_add_all(struct vcpu *vcpu, bool wide, struct gdb_reply *reply)
{
	look_at(vcpu);
	for (const struct register_row *row = register_rows(wide); row->feature; row++)
		for (unsigned int n = 0; register_row_there(row) && n < row->count; n++)
			add(row, wide, n, reply);
}

struct change {
	const struct register_row *row;
	unsigned int n;
	const uint8_t *bytes;
	uint64_t value;
	bool wide, done;
};

static void change_integer(struct vcpu *vcpu, void *arg)
{
	struct change *change = arg;

	change->done = true;
	switch (change->row->kind) {
	case REGISTER_GENERAL:
		vcpu_set_register(vcpu, general_of(change->wide, change->n), change->value);
		break;
	case REGISTER_RIP:
		change->done = vcpu_in_64bit_mode(vcpu) ? is_canonical(change->value, LINEAR_BITS)
							: !(change->value >> 32);
		if (change->done)
			vmcs_write(VMCS_GUEST_RIP, change->value);
		break;
	case REGISTER_RFLAGS:
		change->done = !((change->value ^ look.rflags) & ~RFLAGS_CHANGED);
		if (change->done)
			vmcs_write(VMCS_GUEST_RFLAGS, change->value);
		/* nor is one that was about to be delivered (26.3.1.4) */
		if (change->done && !(change->value & RFLAGS_IF))
			event_keep_interrupt(&vcpu->events);
		/* STI blocks nothing while interrupts are off (SDM Vol. 3C 26.3.1.5) */
		if (change->done && !(change->value & RFLAGS_IF))
			vmcs_write(VMCS_GUEST_INTERRUPTIBILITY,
				   vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) & ~BLOCKING_BY_STI);
		event_go_on();
		break;
	case REGISTER_BASE: /* in virtual-8086 mode it is the selector's (26.3.1.2) */
		change->done = is_canonical(change->value, LINEAR_BITS) &&
			       !(vmcs_read(VMCS_GUEST_RFLAGS) & RFLAGS_VM);
		if (change->done)
			vmcs_write(change->n ? VMCS_GUEST_GS_BASE : VMCS_GUEST_FS_BASE,
				   change->value);
		break;
	default: /* a selector alone makes no segment, and CRs have rules of their own */
		change->done = false;
		break;
	}
}

static void change_fpu(struct fpu_cpu *cpu, struct vcpu *vcpu, void *arg)
{
	struct change *change = arg;

	fpu_write(cpu, &vcpu->fpu.context);
	change->done = fpu_value_write(vcpu->fpu.image, (enum fpu_value)change->row->fpu,
				       change->row->first + change->n, change->bytes);
}

/* After look_at(). One that is what it was is not written. */
static bool write(struct vcpu *vcpu, const struct register_row *row, bool wide, unsigned int n,
		  const char **text)
{
	uint8_t bytes[SIZE_MAX_HERE] = {}, before[SIZE_MAX_HERE];
	struct change change = {.row = row, .n = n, .bytes = bytes, .wide = wide};

	if (!gdb_bytes(text, bytes, row->bytes))
		return false;
	value_of(row, wide, n, before);
	if (!memcmp(bytes, before, row->bytes))
		return true;
	memcpy(&change.value, bytes, sizeof(change.value));
	if (row->kind == REGISTER_FPU)
		errand_fpu(vcpu, change_fpu, &change);
	else
		errand_loaded(vcpu, change_integer, &change);
	return change.done;
}

bool registers_write(struct vcpu *vcpu, bool wide, uint32_t number, const char *text)
{
	unsigned int n;
	const struct register_row *row = find(wide, number, &n);

	if (!row)
		return false;
	look_at(vcpu);
	return write(vcpu, row, wide, n, &text) && !*text;
}

bool registers_write_all(struct vcpu *vcpu, bool wide, const char *text)
{
	look_at(vcpu);
	for (const struct register_row *row = register_rows(wide); row->feature; row++)
		for (unsigned int n = 0; register_row_there(row) && n < row->count; n++)
			if (!write(vcpu, row, wide, n, &text))
				return false;
	return !*text;
}

bool registers_set_rip(struct vcpu *vcpu, uint64_t rip)
{
	static const struct register_row row = {.kind = REGISTER_RIP};
	struct change change = {.row = &row, .value = rip};

	errand_loaded(vcpu, change_integer, &change);
	return change.done;
}
