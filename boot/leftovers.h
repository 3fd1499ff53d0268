/*
 * What firmware may have switched in a CPU, and Resident needs or wants the other way. The control
 * registers are set by boot/start.S before.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* An MSR and the bits to set in it; msr 0: there is none. */
struct msr_bits {
	uint32_t msr;
	uint64_t bits;
};

/*
 * Whether a CPU, by CPUID.0's vendor string and CPUID.1:EAX, has IA32_MISC_ENABLE with Limit CPUID
 * Maxval (bit 22) and XD Bit Disable (bit 34): SDM Vol. 4 table 2-2, Intel's from family 6 model
 * 0Dh on.
 */
bool leftovers_has_misc_enable(const char vendor[12], uint32_t signature);

/*
 * What makes every transaction (RTM) of this CPU abort at once, by CPUID.7.0:EDX and
 * IA32_ARCH_CAPABILITIES (0 if there is none). SDM Vol. 4 table 2-2, IA32_TSX_CTRL and
 * IA32_TSX_FORCE_ABORT.
 */
struct msr_bits leftovers_rtm_off(uint32_t leaf7_edx, uint64_t arch_capabilities);

/* The first CPU's, as the boot loader handed it over: kept by boot/start.S. */
extern uint32_t leftover_cr0, leftover_cr4, leftover_dr7;

/* What was found in a CPU. */
struct leftovers {
	uint64_t misc_enable; /* IA32_MISC_ENABLE as firmware left it, if something was wrong */
	bool nx;
};

/*
 * Undoes the limit of CPUID and the switched-off NX, switches RTM off, and enables NX. On each CPU,
 * before anyone judges CPUID's leaves. Says nothing.
 */
void leftovers_undo_cpu(struct leftovers *found);

/* Tells of it. False if there is no NX, which Resident needs. */
bool leftovers_report(const struct leftovers *found);
