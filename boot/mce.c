#include <stddef.h>

#include "boot/fault.h"
#include "boot/mce.h"
#include "lib/console.h"
#include "lib/x86.h"

#define MCG_CTL_P	BIT(8)
#define MCG_STATUS_RIPV BIT(0) /* restart is possible */
#define MCG_STATUS_MCIP BIT(2)
#define MCI_VALID	BIT(63)
#define MCI_UNCORRECTED BIT(61)
#define MCI_ADDRV	BIT(58)
#define MCI_PCC		BIT(57) /* processor context corrupt */

static unsigned int bank_count(void)
{
	uint32_t features = cpuid(1).edx;
	uint64_t capabilities;

	if (!(features & BIT(7)) || !(features & BIT(14)) ||
	    !rdmsr_if_present(MSR_IA32_MCG_CAP, &capabilities))
		return 0;
	return capabilities & 0xff;
}

void machine_check_init_cpu(void)
{
	if (bank_count() && (rdmsr(MSR_IA32_MCG_CAP) & MCG_CTL_P))
		wrmsr(MSR_IA32_MCG_CTL, ~0ull);
	for (unsigned int bank = 0; bank < bank_count(); bank++) {
		wrmsr(MSR_IA32_MC0_STATUS + 4 * bank, 0);
		/* bank 0's control is the platform's on old parts (SDM Vol. 3B 16.3.2.1) */
		if (bank)
			wrmsr(MSR_IA32_MC0_CTL + 4 * bank, ~0ull);
	}
	if (cpuid(1).edx & BIT(7))
		write_cr4(read_cr4() | CR4_MCE);
}

void machine_check_handle(const struct trap_frame *frame)
{
	unsigned int banks = bank_count();
	uint64_t status = banks ? rdmsr(MSR_IA32_MCG_STATUS) : 0;
	bool fatal = !(status & MCG_STATUS_RIPV);

	log_error("machine check %s, MCG_STATUS=0x%llx", frame ? "in root mode" : "in a guest",
		  (unsigned long long)status);
	for (unsigned int bank = 0; bank < banks; bank++) {
		uint64_t s = rdmsr(MSR_IA32_MC0_STATUS + 4 * bank);

		if (!(s & MCI_VALID))
			continue;
		log_error("  bank %u: status 0x%llx address 0x%llx (%s)", bank,
			  (unsigned long long)s,
			  s & MCI_ADDRV
				  ? (unsigned long long)rdmsr(MSR_IA32_MC0_STATUS + 4 * bank + 1)
				  : 0ull,
			  s & MCI_UNCORRECTED ? "uncorrected" : "corrected");
		fatal = fatal || (s & MCI_PCC);
		wrmsr(MSR_IA32_MC0_STATUS + 4 * bank, 0);
	}
	if (fatal && frame)
		fault_report(frame);
	if (fatal)
		panic("a machine check that the CPU cannot restart from");
	if (banks)
		wrmsr(MSR_IA32_MCG_STATUS, status & ~MCG_STATUS_MCIP);
	log_warning("the CPU can restart after this machine check: the machine goes on");
}
