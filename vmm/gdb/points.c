#include "vmm/gdb/points.h"

#include "lib/errno.h"
#include "lib/x86.h"
#include "vmm/debug_registers.h"
#include "vmm/gdb/errand.h"
#include "vmm/gdb/memory.h"
#include "vmm/guest_ram.h"
#include "vmx/vmcs.h"

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

static void arm(struct vcpu *vcpu, void *arg)
{
	(void)arg;
	set_breakpoint_exit(vcpu, debugged.count != in_registers());
	if (in_registers())
		debug_registers_take(vcpu);
}

static void disarm(struct vcpu *vcpu, void *arg)
{
	(void)arg;
	set_breakpoint_exit(vcpu, false);
	debug_registers_give_back(vcpu);
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
