#include "boot/leftovers.h"

#include "lib/console.h"
#include "lib/signature.h"
#include "lib/x86.h"

#define MSR_IA32_TSX_FORCE_ABORT 0x10f
#define MSR_IA32_TSX_CTRL	 0x122
#define MSR_IA32_MISC_ENABLE	 0x1a0

#define MISC_ENABLE_LIMIT_CPUID BIT(22)
#define MISC_ENABLE_XD_DISABLE	BIT(34)

#define LEAF7_RTM_ALWAYS_ABORT BIT(11)
#define LEAF7_TSX_FORCE_ABORT  BIT(13)

#define ARCH_CAPABILITIES_TSX_CTRL BIT(7)
#define TSX_CTRL_RTM_DISABLE	   BIT(0)
#define TSX_CTRL_CPUID_CLEAR	   BIT(1)
#define FORCE_ABORT_RTM		   BIT(0)
#define FORCE_ABORT_CPUID_CLEAR	   BIT(1)

bool leftovers_has_misc_enable(const char vendor[12], uint32_t signature)
{
	uint32_t family = signature_family(signature);

	return vendor_is_intel(vendor) &&
	       (family > 6 || (family == 6 && signature_model(signature) >= 0xd));
}

struct msr_bits leftovers_rtm_off(uint32_t leaf7_edx, uint64_t arch_capabilities)
{
	if (arch_capabilities & ARCH_CAPABILITIES_TSX_CTRL)
		return (struct msr_bits){MSR_IA32_TSX_CTRL,
					 TSX_CTRL_RTM_DISABLE | TSX_CTRL_CPUID_CLEAR};
	if (leaf7_edx & LEAF7_RTM_ALWAYS_ABORT && leaf7_edx & LEAF7_TSX_FORCE_ABORT)
		return (struct msr_bits){MSR_IA32_TSX_FORCE_ABORT, FORCE_ABORT_CPUID_CLEAR};
	if (leaf7_edx & LEAF7_TSX_FORCE_ABORT)
		return (struct msr_bits){MSR_IA32_TSX_FORCE_ABORT, FORCE_ABORT_RTM};
	return (struct msr_bits){0, 0};
}

#define UNWANTED (MISC_ENABLE_LIMIT_CPUID | MISC_ENABLE_XD_DISABLE)

/* The MSR as it was, or 0 if there was nothing to be undone. */
static uint64_t undo_misc_enable(void)
{
	char vendor[12];
	uint64_t misc;

	cpuid_vendor(vendor);
	if (!leftovers_has_misc_enable(vendor, cpuid(1).eax) ||
	    !rdmsr_if_present(MSR_IA32_MISC_ENABLE, &misc) || !(misc & UNWANTED))
		return 0;
	wrmsr(MSR_IA32_MISC_ENABLE, misc & ~UNWANTED);
	return misc;
}

/* Guests are not offered TSX, but an instruction that CPUID hides still runs. */
static void switch_rtm_off(void)
{
	uint32_t edx = cpuid_max_leaf() >= 7 ? cpuid(7).edx : 0;
	struct msr_bits off = leftovers_rtm_off(edx, cpuid_arch_capabilities());
	uint64_t value;

	if (off.msr && rdmsr_if_present(off.msr, &value))
		wrmsr(off.msr, value | off.bits);
}

void leftovers_undo_cpu(struct leftovers *found)
{
	found->misc_enable = undo_misc_enable();
	switch_rtm_off();
	found->nx = cpuid(0x80000000).eax >= 0x80000001 && cpuid(0x80000001).edx & BIT(20);
	if (found->nx)
		wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
}

bool leftovers_report(const struct leftovers *found)
{
	uint64_t wrong = found->misc_enable & UNWANTED;

	if (wrong)
		log_info("firmware had switched off %s%s%s (IA32_MISC_ENABLE=0x%lx): undone",
			 wrong & MISC_ENABLE_XD_DISABLE ? "NX" : "",
			 wrong == UNWANTED ? " and " : "",
			 wrong & MISC_ENABLE_LIMIT_CPUID ? "CPUID leaves above 3" : "",
			 found->misc_enable);
	if (!found->nx)
		log_error("this CPU has no NX (CPUID.80000001h:EDX.20=0): enable Execute Disable "
			  "in the firmware setup, or use a CPU that has it");
	return found->nx;
}
