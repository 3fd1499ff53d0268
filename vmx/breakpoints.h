/*
 * Data and I/O breakpoints in DR0 to DR3 that an access meets which is made for a guest, by an
 * instruction that is completed for it. SDM Vol. 3B 17.2.4, 17.2.5.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Kinds of access, and of breakpoint: DR7's R/W fields. */
enum breakpoint_access {
	BREAKPOINT_WRITE = 1,
	BREAKPOINT_IO = 2,
	BREAKPOINT_READ = 3, /* read or written */
};

/*
 * The breakpoints met by [address, address + size), as pending debug exceptions: B0 to B3, also of
 * those that DR7 does not enable, with PENDING_DEBUG_ENABLED. 0 if none of them is enabled.
 */
uint64_t breakpoints_matched(const uint64_t dr[4], uint64_t dr7, enum breakpoint_access access,
			     uint64_t address, unsigned int size);

/* The same for the vCPU whose VMCS is current and whose DR0 to DR3 are in the registers. */
uint64_t breakpoints_on_memory(uint64_t linear, unsigned int size, bool write);
uint64_t breakpoints_on_ports(uint16_t port, unsigned int size); /* none without CR4.DE */
