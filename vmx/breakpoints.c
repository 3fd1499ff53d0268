#include "vmx/breakpoints.h"

#include "lib/x86.h"
#include "vmx/vmcs_bits.h"
#include "vmx/vmcs.h"

#define DR7_ANY_ENABLED 0xffull
#define DR7_ENABLED(n)	(3ull << 2 * (n))
#define DR7_ACCESS(n)	(16 + 4 * (n))
#define DR7_LENGTH(n)	(18 + 4 * (n))

static bool meets(uint64_t breakpoint, uint64_t dr7, unsigned int n, enum breakpoint_access access,
		  uint64_t address, unsigned int size)
{
	/* a breakpoint of 2, 8 or 4 bytes leaves its low bits out */
	static const uint64_t length_mask[] = {0, 1, 7, 3};
	uint64_t mask = length_mask[dr7 >> DR7_LENGTH(n) & 3];
	uint64_t first = breakpoint & ~mask;
	enum breakpoint_access kind = dr7 >> DR7_ACCESS(n) & 3;

	if (kind != access && !(kind == BREAKPOINT_READ && access == BREAKPOINT_WRITE))
		return false;
	return address <= (first | mask) && address + size - 1 >= first;
}

uint64_t breakpoints_matched(const uint64_t dr[4], uint64_t dr7, enum breakpoint_access access,
			     uint64_t address, unsigned int size)
{
	uint64_t matched = 0;
	bool enabled = false;

	for (unsigned int n = 0; n < 4; n++) {
		if (!meets(dr[n], dr7, n, access, address, size))
			continue;
		matched |= PENDING_DEBUG_B(n);
		enabled |= dr7 & DR7_ENABLED(n);
	}
	return enabled ? matched | PENDING_DEBUG_ENABLED : 0;
}

static uint64_t matched_now(enum breakpoint_access access, uint64_t address, unsigned int size)
{
	uint64_t dr7 = vmcs_read(VMCS_GUEST_DR7);
	uint64_t dr[4];

	if (!(dr7 & DR7_ANY_ENABLED))
		return 0;
	dr[0] = read_dr0();
	dr[1] = read_dr1();
	dr[2] = read_dr2();
	dr[3] = read_dr3();
	return breakpoints_matched(dr, dr7, access, address, size);
}

uint64_t breakpoints_on_memory(uint64_t linear, unsigned int size, bool write)
{
	return matched_now(write ? BREAKPOINT_WRITE : BREAKPOINT_READ, linear, size);
}

uint64_t breakpoints_on_ports(uint16_t port, unsigned int size)
{
	uint64_t matched = matched_now(BREAKPOINT_IO, port, size);

	return matched && (vmcs_read(VMCS_GUEST_CR4) & CR4_DE) ? matched : 0;
}
