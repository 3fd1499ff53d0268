/* The tables of checks, one per topic, each in its own exits_*.c. */
#pragma once

#include "support/fpu.h"
#include "support/guest.h"
#include "support/trap.h"

/* FNSTENV before anything else touched the FPU: control, status and tag words at 0, 2 and 4. */
extern uint16_t fpu_at_start[14];

extern const struct check cpuid_checks[], io_checks[], string_io_checks[], msr_checks[],
	control_checks[], instruction_checks[], event_checks[], debug_checks[], hypercall_checks[],
	mode_checks[], switch_checks[], pkru_checks[], paging_checks[], hidden_checks[],
	compacted_checks[], speculation_checks[];
extern const size_t cpuid_check_count, io_check_count, string_io_check_count, msr_check_count,
	control_check_count, instruction_check_count, event_check_count, debug_check_count,
	hypercall_check_count, mode_check_count, switch_check_count, pkru_check_count,
	paging_check_count, hidden_check_count, compacted_check_count, speculation_check_count;

/* After TRY: this vector, at the tried instruction, and where it has one, this error code. */
static inline bool expect_fault(const char *what, int vector)
{
	if (!expect(trap.vector == vector, "%s: vector %d instead of %d", what, trap.vector,
		    vector))
		return false;
	if (vector != NO_TRAP && vector != VECTOR_DB)
		expect(trap.ip == trap.at, "%s: at 0x%lx instead of 0x%lx", what,
		       (unsigned long)trap.ip, (unsigned long)trap.at);
	if (vector == VECTOR_GP)
		expect(trap.error == 0, "%s: error code 0x%lx", what, (unsigned long)trap.error);
	return true;
}

static inline int try_wrmsr(uint32_t index, uint64_t value)
{
	TRY("wrmsr", : : "c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
	return trap.vector;
}

static inline int try_rdmsr(uint32_t index, uint64_t *value)
{
	uint32_t low = 0, high = 0;

	TRY("rdmsr", : "+a"(low), "+d"(high) : "c"(index) : "memory");
	*value = (uint64_t)high << 32 | low;
	return trap.vector;
}

static inline int try_xsetbv(uint32_t index, uint64_t value)
{
	TRY("xsetbv",
	    :
	    : "c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
	    : "memory");
	return trap.vector;
}
