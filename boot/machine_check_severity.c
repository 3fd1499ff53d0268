#include "boot/machine_check_severity.h"

#include "lib/signature.h"

/* IA32_MCi_MISC (SDM Vol. 3B figure 16-7) */
#define MISC_ADDRESS_LSB      0x3f
#define MISC_ADDRESS_MODE     (7 << 6)
#define MISC_ADDRESS_PHYSICAL (2 << 6)

/* bit 12 only says whether corrected errors are filtered */
#define MCACOD 0xefff

/* UC=1, PCC=0, S=1, AR=1: an error code that is not known must stop the machine. */
static enum machine_check_severity action_required(uint64_t status)
{
	uint64_t code = status & MCACOD;

	if ((code != MCACOD_DATA_LOAD && code != MCACOD_INSTRUCTION_FETCH) ||
	    !(status & MCI_STATUS_ADDRV) || !(status & MCI_STATUS_MISCV))
		return MACHINE_CHECK_FATAL;
	return MACHINE_CHECK_ACTION_REQUIRED;
}

unsigned int machine_check_first_control(const char vendor[12], uint32_t signature)
{
	return signature_is_intel_family6(vendor, signature) && signature_model(signature) < 0x1a;
}

bool machine_check_may_be_local(uint64_t mcg_cap, uint64_t feature_control)
{
	const uint64_t allowed = FEATURE_CONTROL_LOCK | FEATURE_CONTROL_LMCE_ON;

	return mcg_cap & MCG_CAP_LMCE_P && (feature_control & allowed) == allowed;
}

enum machine_check_severity machine_check_severity(uint64_t mcg_cap, uint64_t status)
{
	if (!(status & MCI_STATUS_VAL))
		return MACHINE_CHECK_NONE;
	if (!(status & MCI_STATUS_UC))
		return status & MCI_STATUS_PCC ? MACHINE_CHECK_FATAL : MACHINE_CHECK_CORRECTED;
	if (!(mcg_cap & MCG_CAP_SER_P))
		return MACHINE_CHECK_FATAL;
	if (!(status & MCI_STATUS_EN))
		return MACHINE_CHECK_NOT_ENABLED;
	/* what came after the first error, or before the second, is lost */
	if (status & (MCI_STATUS_PCC | MCI_STATUS_OVER))
		return MACHINE_CHECK_FATAL;
	switch (status & (MCI_STATUS_S | MCI_STATUS_AR)) {
	case 0:
		return MACHINE_CHECK_NO_ACTION;
	case MCI_STATUS_S:
		return MACHINE_CHECK_ACTION_OPTIONAL;
	case MCI_STATUS_S | MCI_STATUS_AR:
		return action_required(status);
	default: /* there is no such combination */
		return MACHINE_CHECK_FATAL;
	}
}

const char *machine_check_severity_name(enum machine_check_severity severity)
{
	static const char *const name[] = {
		[MACHINE_CHECK_NONE] = "none",
		[MACHINE_CHECK_CORRECTED] = "corrected",
		[MACHINE_CHECK_NOT_ENABLED] = "uncorrected, not enabled",
		[MACHINE_CHECK_NO_ACTION] = "uncorrected, no action required",
		[MACHINE_CHECK_ACTION_OPTIONAL] = "uncorrected, action optional",
		[MACHINE_CHECK_ACTION_REQUIRED] = "uncorrected, action required",
		[MACHINE_CHECK_FATAL] = "uncorrected, fatal",
	};

	return name[severity];
}

bool machine_check_lost_memory(const struct machine_check_bank *bank, uint64_t *start,
			       uint64_t *size)
{
	if (!(bank->status & MCI_STATUS_ADDRV) || !(bank->status & MCI_STATUS_MISCV) ||
	    (bank->misc & MISC_ADDRESS_MODE) != MISC_ADDRESS_PHYSICAL)
		return false;
	*size = 1ull << (bank->misc & MISC_ADDRESS_LSB);
	*start = bank->address & ~(*size - 1);
	return true;
}
