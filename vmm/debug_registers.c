#include "vmm/debug_registers.h"

#include "lib/x86.h"
#include "vmm/debugged.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

#define PENDING_DEBUG_POINTS 0xfull

#define DR7_FIXED     BIT(10)
#define DR7_EXACT     BIT(9)
#define DR7_GLOBAL(n) BIT(2 * (n) + 1)
#define DR7_ACCESS(n) (16 + 4 * (n))
#define DR7_LENGTH(n) (18 + 4 * (n))
#define DR7_RW_WRITE  1ull
#define DR7_RW_ACCESS 3ull

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

void debug_registers_take(struct vcpu *vcpu)
{
	struct debugged_vcpu *own = debugged_vcpu(vcpu);
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
	set_dr_exit(vcpu, true);
}

/* A point that was met, whose #DB has not come before the stop: it is none of the guest's. */
static void forget_pending(void)
{
	uint64_t pending = vmcs_read(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS);
	uint64_t kept = pending & ~(PENDING_DEBUG_POINTS | PENDING_DEBUG_ENABLED);

	if (kept != pending)
		vmcs_write(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, kept);
}

void debug_registers_give_back(struct vcpu *vcpu)
{
	struct debugged_vcpu *own = debugged_vcpu(vcpu);

	if (!own->armed)
		return;
	own->armed = false;
	forget_pending();
	set_dr_exit(vcpu, false);
	write_registers(own->dr, own->dr7);
}

void debug_registers_after_init(struct vcpu *vcpu)
{
	const struct debugged_vcpu *own = debugged_vcpu(vcpu);

	if (own && own->armed)
		debug_registers_take(vcpu);
}
