#include "vmx/multihit.h"

#include "lib/signature.h"

#define ARCH_CAPABILITIES_PSCHANGE_NO BIT(6) /* IF_PSCHANGE_MC_NO */

/*
 * A CPU that is not affected says so by a bit of IA32_ARCH_CAPABILITIES (SDM Vol. 4, table 2-2), or
 * is one of these models of family 6: the Atoms and Knights that Linux lists (NO_ITLB_MULTIHIT in
 * its arch/x86/kernel/cpu/common.c), and Tiger Lake, whose specification update does not have the
 * erratum. All else counts as affected: Core since Nehalem is, and nobody has judged the rest.
 */
static const uint8_t unaffected_models[] = {
	0x1c, /* Atom: Bonnell */
	0x26, /* Bonnell (Lincroft) */
	0x27, /* Saltwell (Penwell) */
	0x35, /* Saltwell (Cloverview) */
	0x36, /* Saltwell (Cedarview) */
	0x37, /* Silvermont (Bay Trail) */
	0x4a, /* Silvermont (Merrifield) */
	0x4c, /* Airmont (Cherry Trail, Braswell) */
	0x4d, /* Silvermont (Avoton, Rangeley) */
	0x5a, /* Airmont (Moorefield) */
	0x5c, /* Goldmont (Apollo Lake) */
	0x5f, /* Goldmont (Denverton) */
	0x75, /* Airmont (Lightning Mountain) */
	0x7a, /* Goldmont Plus (Gemini Lake) */
	0x86, /* Tremont (Jacobsville) */
	0x57, /* Knights Landing */
	0x85, /* Knights Mill */
	0x8c, /* Tiger Lake */
	0x8d, /* Tiger Lake */
};

bool multihit_affects(const char vendor[12], uint32_t signature, uint64_t arch_capabilities)
{
	return !(arch_capabilities & ARCH_CAPABILITIES_PSCHANGE_NO) &&
	       !signature_is_one_of(vendor, signature, unaffected_models,
				    sizeof(unaffected_models));
}

bool multihit_affects_this_cpu(void)
{
	char vendor[12];

	cpuid_vendor(vendor);
	return multihit_affects(vendor, cpuid(1).eax, cpuid_arch_capabilities());
}
