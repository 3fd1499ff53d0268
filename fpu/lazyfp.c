#include "fpu/lazyfp.h"
#include "lib/signature.h"

/*
 * It was only ever found in Intel's family 6: Core since at least Nehalem (INTEL-SA-00145, "Lazy FP
 * state restore"). The models of that family that do not speculate past #NM are here, after the
 * list in Xen's fix (XSA-267, June 2018): Atom and Knights. Nobody is known to have judged a later
 * model.
 *
 * So all else counts as affected: every Core, what came later, relatives of these models that the
 * list leaves out, Intel's other families, other vendors. AMD has said that its CPUs are not
 * affected; they have no VMX and never get here.
 */
static const uint8_t unaffected_models[] = {
	0x1c, /* Atom: Bonnell (Pineview) */
	0x26, /* Bonnell (Lincroft) */
	0x27, /* Saltwell (Penwell) */
	0x35, /* Saltwell (Cloverview) */
	0x36, /* Saltwell (Cedarview) */
	0x37, /* Silvermont (Bay Trail) */
	0x4a, /* Silvermont (Merrifield) */
	0x4c, /* Airmont (Cherry Trail, Braswell) */
	0x4d, /* Silvermont (Avoton, Rangeley) */
	0x5a, /* Silvermont (Moorefield) */
	0x5c, /* Goldmont (Apollo Lake) */
	0x5f, /* Goldmont (Denverton) */
	0x7a, /* Goldmont Plus (Gemini Lake) */
	0x57, /* Knights Landing */
	0x85, /* Knights Mill */
};

bool lazyfp_affects(const char vendor[12], uint32_t signature)
{
	return !signature_is_one_of(vendor, signature, unaffected_models,
				    sizeof(unaffected_models));
}

bool fpu_lazy_leaks(void)
{
	char vendor[12];

	cpuid_vendor(vendor);
	return lazyfp_affects(vendor, cpuid(1).eax);
}
