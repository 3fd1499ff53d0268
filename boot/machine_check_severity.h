/*
 * What a machine-check bank says, as the manual classifies it: no hardware in here.
 * SDM Vol. 3B 16.3.2 (registers), 16.6.3 (classes), 16.9.3 (known codes), 16.10.4.1 (handler).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define MCG_CAP_COUNT  0xffull
#define MCG_CAP_CTL_P  (1ull << 8)
#define MCG_CAP_SER_P  (1ull << 24) /* software error recovery: S and AR mean something */
#define MCG_CAP_LMCE_P (1ull << 27)

#define MCG_STATUS_RIPV (1ull << 0) /* the interrupted stream can be restarted */
#define MCG_STATUS_EIPV (1ull << 1) /* the error is that of the interrupted instruction */
#define MCG_STATUS_MCIP (1ull << 2)

#define MCI_STATUS_VAL	 (1ull << 63)
#define MCI_STATUS_OVER	 (1ull << 62)
#define MCI_STATUS_UC	 (1ull << 61)
#define MCI_STATUS_EN	 (1ull << 60)
#define MCI_STATUS_MISCV (1ull << 59)
#define MCI_STATUS_ADDRV (1ull << 58)
#define MCI_STATUS_PCC	 (1ull << 57) /* processor context corrupt */
#define MCI_STATUS_S	 (1ull << 56) /* signaled by a machine check */
#define MCI_STATUS_AR	 (1ull << 55) /* action required */

#define MCACOD_DATA_LOAD	 0x134
#define MCACOD_INSTRUCTION_FETCH 0x150

/*
 * The first bank whose control the hypervisor writes: on Intel's family 6 before model 1Ah, bank
 * 0's is the platform's (SDM Vol. 3B 16.3.2.1). signature is CPUID.1:EAX.
 */
unsigned int machine_check_first_control(const char vendor[12], uint32_t signature);

/*
 * Whether machine checks may be delivered to the one CPU that they are about, instead of to all:
 * the CPU can, and firmware has allowed it for good (SDM Vol. 3B 16.3.1.5).
 */
bool machine_check_may_be_local(uint64_t mcg_cap, uint64_t feature_control);

struct machine_check_bank {
	uint64_t status, address, misc; /* IA32_MCi_STATUS, _ADDR, _MISC */
};

enum machine_check_severity {
	MACHINE_CHECK_NONE,	       /* nothing is logged */
	MACHINE_CHECK_CORRECTED,       /* the hardware mended it */
	MACHINE_CHECK_NOT_ENABLED,     /* uncorrected, but not what this machine check is about */
	MACHINE_CHECK_NO_ACTION,       /* UCNA: data is lost that nobody has used */
	MACHINE_CHECK_ACTION_OPTIONAL, /* SRAO: the same, found by scrubbing or a write-back */
	MACHINE_CHECK_ACTION_REQUIRED, /* SRAR: whoever owns the memory cannot go on */
	MACHINE_CHECK_FATAL,
};

enum machine_check_severity machine_check_severity(uint64_t mcg_cap, uint64_t status);

/* The word for it on the console. */
const char *machine_check_severity_name(enum machine_check_severity severity);

/*
 * The physical memory that an MACHINE_CHECK_ACTION_REQUIRED is about, as wide as the CPU can tell.
 * False if the bank gives no physical address.
 */
bool machine_check_lost_memory(const struct machine_check_bank *bank, uint64_t *start,
			       uint64_t *size);
