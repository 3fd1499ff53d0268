#include "vmx/preemption.h"

#include "lib/array.h"
#include "lib/signature.h"

/*
 * The steppings with an erratum of the kind "VMX-Preemption Timer Does Not Count Down at the Rate
 * Specified". The list is the one that Linux's KVM keeps (vmx_preemption_cpu_tfms), from Intel's
 * specification updates.
 */
static const uint32_t broken_signatures[] = {
	0x000106a0, /* Xeon 3500, C0: AAM126 */
	0x000106a1, /* Xeon 3500, C1: AAM126 */
	0x000106a4, /* Core i7-900, C0: AAJ124 */
	0x000106a5, /* Xeon 3500 and 5500, Core i7-900, D0: AAM126, AAK139, AAJ124 */
	0x000106e5, /* Xeon 3400, Core i7-800, i5-700, i7-900 mobile, B1: AAO95, AAN92, AAP86 */
	0x00020652, /* Core i3, i5, i7 of 2010, Xeon L3406, C2: AAX65, AAT59, AAU65 */
	0x00020655, /* Core i5-600, i3-500, Pentium G6950, K0: AAU65 */
	0x000206e6, /* Xeon 7500, D0: BA86 */
	0x000306a8, /* Xeon E3-1220 V2 */
};

bool preemption_timer_broken(const char vendor[12], uint32_t signature)
{
	if (!signature_is_intel_family6(vendor, signature))
		return false;
	for (unsigned int i = 0; i < ARRAY_SIZE(broken_signatures); i++)
		if ((signature & ~SIGNATURE_RESERVED) == broken_signatures[i])
			return true;
	return false;
}

enum preemption preemption_choose(enum preemption wanted, bool offered, bool broken, bool apic,
				  bool nested)
{
	switch (wanted) {
	case PREEMPTION_VMX:
		return offered ? PREEMPTION_VMX : PREEMPTION_NONE;
	case PREEMPTION_APIC:
		return apic ? PREEMPTION_APIC : PREEMPTION_NONE;
	default:
		if (offered && !broken && !(nested && apic))
			return PREEMPTION_VMX;
		return apic ? PREEMPTION_APIC : PREEMPTION_NONE;
	}
}

const char *preemption_name(enum preemption preemption)
{
	static const char *const name[] = {"none", "vmx", "apic", "auto"};

	return name[preemption];
}
