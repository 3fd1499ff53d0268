#include "vmm/gdb/points.h"

#include "lib/errno.h"
#include "lib/x86.h"
#include "vmm/gdb/errand.h"
#include "vmm/gdb/memory.h"
#include "vmm/guest_ram.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

#define DR7_FIXED     BIT(10)
#define DR7_EXACT     BIT(9)
#define DR7_GLOBAL(n) BIT(2 * (n) + 1)
#define DR7_ACCESS(n) (16 + 4 * (n))
#define DR7_LENGTH(n) (18 + 4 * (n))
#define DR7_RW_WRITE  1ull
#define DR7_RW_ACCESS 3ull

static struct debug_point *find(enum debug_kind kind, uint64_t linear, unsigned int length)
{
	for (uint32_t i = 0; i < debugged.count; i++) {
		struct debug_point *point = &debugged.point[i];

		if (point->kind == kind && point->linear == linear && point->length == length)
			return point;
	}
	return NULL;
}

static unsigned int in_registers(void)
{
	unsigned int count = 0;

	for (uint32_t i = 0; i < debugged.count; i++)
		count += debugged.point[i].kind != DEBUG_SOFTWARE;
	return count;
}

static int check(struct vcpu *vcpu, enum debug_kind kind, uint64_t linear, unsigned int length)
{
	uint64_t gpa;

	if (kind == DEBUG_SOFTWARE)
		return memory_gpa(vcpu, linear, &gpa) ? -EFAULT : 0;
	if (length > 8 || (length & (length - 1)) || !length || linear % length)
		return -EINVAL;
	return in_registers() < DEBUG_HARDWARE_MAX ? 0 : -ENOSPC;
}

/* Of a breakpoint gdb tells the length of its instruction, or such: all are of a byte. */
static unsigned int length_of(enum debug_kind kind, unsigned int length)
{
	return kind == DEBUG_SOFTWARE || kind == DEBUG_HARDWARE ? 1 : length;
}

int points_add(struct vcpu *vcpu, enum debug_kind kind, uint64_t linear, unsigned int length)
{
	int error;

	length = length_of(kind, length);
	if (find(kind, linear, length))
		return 0;
	error = check(vcpu, kind, linear, length);
	if (error)
		return error;
	if (debugged.count == DEBUG_POINTS_MAX)
		return -ENOSPC;
	debugged.point[debugged.count++] =
		(struct debug_point){.kind = kind, .linear = linear, .length = length};
	return 0;
}

void points_remove(enum debug_kind kind, uint64_t linear, unsigned int length)
{
	struct debug_point *point = find(kind, linear, length_of(kind, length));

	if (point)
		*point = debugged.point[--debugged.count];
}

void points_remove_all(void)
{
	debugged.count = 0;
}

static void write_int3(struct vcpu *vcpu, struct debug_point *point)
{
	const uint8_t int3 = DEBUG_INT3;

	point->written = !memory_gpa(vcpu, point->linear, &point->gpa) &&
			 !guest_ram_read(&debugged_vm->ram, point->gpa, &point->original, 1) &&
			 !guest_ram_write(&debugged_vm->ram, point->gpa, &int3, 1);
}

/* Where the guest has written something else meanwhile, that stays. */
static void take_int3(struct debug_point *point)
{
	uint8_t now;

	if (point->written && !guest_ram_read(&debugged_vm->ram, point->gpa, &now, 1) &&
	    now == DEBUG_INT3)
		guest_ram_write(&debugged_vm->ram, point->gpa, &point->original, 1);
	point->written = false;
}

static void set_breakpoint_exit(struct vcpu *vcpu, bool on)
{
	uint32_t *bitmap = &vcpu->fpu.cr0.exception_bitmap;

	*bitmap = on ? *bitmap | (uint32_t)BIT(VECTOR_BP) : *bitmap & ~(uint32_t)BIT(VECTOR_BP);
	vmcs_write(VMCS_EXCEPTION_BITMAP, *bitmap);
}

static void set_dr_exit(struct vcpu *vcpu, bool on)
{
	uint32_t *controls = &vcpu->events.primary_controls;

	*controls = on ? *controls | PRIMARY_MOV_DR_EXITING : *controls & ~PRIMARY_MOV_DR_EXITING;
	vmcs_write(VMCS_PRIMARY_CONTROLS, *controls);
}

static void write_registers(const uint64_t dr[4], uint64_t dr7)
{
	write_dr0(dr[0]);
	write_dr1(dr[1]);
	write_dr2(dr[2]);
	write_dr3(dr[3]);
	vmcs_write(VMCS_GUEST_DR7, dr7);
}

/* Length as DR7 has it: 1, 2, 8, 4 bytes. */
static uint64_t length_field(unsigned int length)
{
	return length == 8 ? 2 : length - 1;
}

static void take_registers(struct debugged_vcpu *own)
{
	uint64_t dr[4] = {}, dr7 = DR7_FIXED | DR7_EXACT;
	unsigned int n = 0;

	own->dr[0] = read_dr0();
	own->dr[1] = read_dr1();
	own->dr[2] = read_dr2();
	own->dr[3] = read_dr3();
	own->dr7 = vmcs_read(VMCS_GUEST_DR7);
	own->armed = true;
	for (uint32_t i = 0; i < debugged.count; i++) {
		const struct debug_point *point = &debugged.point[i];

		if (point->kind == DEBUG_SOFTWARE)
			continue;
		dr[n] = point->linear;
		dr7 |= DR7_GLOBAL(n) | length_field(point->length) << DR7_LENGTH(n);
		if (point->kind != DEBUG_HARDWARE)
			dr7 |= (point->kind == DEBUG_WRITE ? DR7_RW_WRITE : DR7_RW_ACCESS)
			       << DR7_ACCESS(n);
		n++;
	}
	write_registers(dr, dr7);
}

static void arm(struct vcpu *vcpu, void *arg)
{
	(void)arg;
	set_breakpoint_exit(vcpu, debugged.count != in_registers());
	if (!in_registers())
		return;
	set_dr_exit(vcpu, true);
	take_registers(debugged_vcpu(vcpu));
}

static void disarm(struct vcpu *vcpu, void *arg)
{
	struct debugged_vcpu *own = debugged_vcpu(vcpu);

	(void)arg;
	set_breakpoint_exit(vcpu, false);
	if (!own->armed)
		return;
	set_dr_exit(vcpu, false);
	write_registers(own->dr, own->dr7);
	own->armed = false;
}

void points_arm(struct vcpu *vcpu)
{
	if (!debugged.count)
		return;
	for (uint32_t i = 0; i < debugged.count; i++)
		if (debugged.point[i].kind == DEBUG_SOFTWARE)
			write_int3(vcpu, &debugged.point[i]);
	for (uint32_t i = 0; i < debugged_vm->vcpu_count; i++)
		errand_loaded(debugged_vm->vcpu[i], arm, NULL);
}

void points_disarm(void)
{
	if (!debugged.count)
		return;
	for (uint32_t i = debugged.count; i--;)
		take_int3(&debugged.point[i]);
	for (uint32_t i = 0; i < debugged_vm->vcpu_count; i++)
		errand_loaded(debugged_vm->vcpu[i], disarm, NULL);
}
