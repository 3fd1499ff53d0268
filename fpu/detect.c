#include "boot/machine.h"
#include "fpu/detect.h"
#include "fpu/features.h"
#include "fpu/instructions.h"
#include "fpu/selftest.h"
#include "fpu/tiles_hw.h"
#include "fpu/xsave_area.h"
#include "lib/assert.h"
#include "lib/console.h"
#include "lib/signature.h"
#include "lib/string.h"
#include "lib/x86.h"

#define CPUID1_XSAVE	  BIT(26) /* ECX */
#define CPUID7_NO_FCS_FDS BIT(13) /* EBX: FCS and FDS are deprecated */
#define CPUID7_PKU	  BIT(3)  /* ECX */
#define CPUIDD1_XSAVEOPT  BIT(0)  /* EAX */
#define CPUIDD1_XSAVEC	  BIT(1)
#define CPUIDD1_XSAVES	  BIT(3)
#define CPUIDDI_ALIGNED	  BIT(1) /* ECX */

static bool has_xsave(void)
{
	return (cpuid(1).ecx & CPUID1_XSAVE) && cpuid_max_leaf() >= 0xd;
}

static bool has_pku(void)
{
	return cpuid_max_leaf() >= 7 && (cpuid(7).ecx & CPUID7_PKU);
}

/* Whether the CPU has the instruction. An emulator may have XSAVES without its MSR. */
static bool has_method(enum fpu_save_method method)
{
	uint32_t extensions = has_xsave() ? cpuid_count(0xd, 1).eax : 0;
	uint64_t xss;

	switch (method) {
	case FPU_XSAVES:
		return (extensions & CPUIDD1_XSAVES) && rdmsr_if_present(MSR_IA32_XSS, &xss);
	case FPU_XSAVEOPT:
		return extensions & CPUIDD1_XSAVEOPT;
	case FPU_XSAVEC:
		return extensions & CPUIDD1_XSAVEC;
	case FPU_XSAVE:
		return has_xsave();
	case FPU_FXSAVE:
		return true;
	}
	return false;
}

/* Components come with those they need, or not at all (SDM Vol. 1 13.3). */
static uint64_t offered_components(void)
{
	struct cpuid_regs r = cpuid_count(0xd, 0);
	uint64_t offered = (uint64_t)r.edx << 32 | r.eax;
	uint64_t superset = XCR0_X87 | XCR0_SSE;

	if (offered & XCR0_AVX)
		superset |= XCR0_AVX;
	if ((superset & XCR0_AVX) && (offered & XCR0_AVX512) == XCR0_AVX512)
		superset |= XCR0_AVX512;
	if ((offered & XCR0_PKRU) && has_pku())
		superset |= XCR0_PKRU;
	return superset;
}

void fpu_init_hardware(void)
{
	const struct fpu_features *f = fpu_features();
	uint64_t cr4 = read_cr4() & ~(CR4_OSXSAVE | CR4_PKE), xss;

	cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT;
	write_cr4(f->superset ? cr4 | CR4_OSXSAVE : cr4);
	if (f->superset) {
		__asm__ volatile("clts");
		fpu_xsetbv(f->superset | f->tiles);
		/* firmware may have left a bit, and we use no supervisor state */
		if ((cpuid_count(0xd, 1).eax & CPUIDD1_XSAVES) &&
		    rdmsr_if_present(MSR_IA32_XSS, &xss) && xss)
			wrmsr(MSR_IA32_XSS, 0);
		if (f->tiles)
			fpu_tiles_init_cpu();
	}
	write_cr0((read_cr0() | CR0_TS | CR0_MP) & ~CR0_EM);
}

static void enable_components(uint64_t superset)
{
	struct fpu_features *f = &fpu_features_found;

	f->superset = superset;
	f->save_mask = superset & ~XCR0_PKRU;
	fpu_init_hardware();
}

/* Fills in where each component lies. PKRU is left out if it cannot be placed. */
static void find_components(void)
{
	struct fpu_features *f = &fpu_features_found;
	uint64_t superset = offered_components();
	struct fpu_component *pkru = &f->component[FPU_COMPONENT_PKRU];

	enable_components(superset);
	for (uint32_t i = 2; i < FPU_COMPONENTS; i++) {
		struct cpuid_regs r = cpuid_count(0xd, i);

		if ((superset & BIT(i)) && i != FPU_COMPONENT_PKRU)
			f->component[i] = (struct fpu_component){
				.size = r.eax,
				.offset = r.ebx,
				.aligned = r.ecx & CPUIDDI_ALIGNED,
			};
	}
	if (!(superset & XCR0_PKRU))
		return;
	pkru->offset = fpu_find_pkru();
	pkru->size = 8; /* SDM Vol. 1 13.5.7 */
	pkru->aligned = cpuid_count(0xd, FPU_COMPONENT_PKRU).ecx & CPUIDDI_ALIGNED;
	if (pkru->offset)
		return;
	log_warning("PKRU has no place in an XSAVE area: guests do not get protection keys");
	*pkru = (struct fpu_component){};
	enable_components(superset & ~XCR0_PKRU);
}

static void set_method(enum fpu_save_method method)
{
	struct fpu_features *f = &fpu_features_found;

	f->method = method;
	f->method_name = fpu_method_name(method);
	if (method == FPU_FXSAVE) {
		enable_components(0);
		f->image_size = FPU_LEGACY_SIZE;
	} else if (fpu_method_compacts(method)) {
		f->image_size = fpu_compacted_size(f->component, f->save_mask);
	} else {
		f->image_size = fpu_standard_size(f->component, f->save_mask);
	}
}

static const char *failure(enum fpu_save_method method)
{
	set_method(method);
	return fpu_method_works(method) ? NULL : "does not bring the FPU's state back";
}

/* One line on the first method that was refused; nothing on what the CPU merely does not have. */
static void tell(enum fpu_save_method refused, const char *why, bool expected)
{
	log_line(expected ? LOG_INFO : LOG_WARNING, "%s %s: %s is used instead",
		 fpu_method_name(refused), why, fpu_features()->method_name);
}

static uint32_t methods_there(void)
{
	uint32_t methods = 0;

	for (uint32_t method = FPU_FXSAVE; method <= FPU_XSAVES; method++)
		if (has_method((enum fpu_save_method)method))
			methods |= BIT(method);
	return methods;
}

void fpu_detect(uint32_t wanted)
{
	struct fpu_features *f = &fpu_features_found;
	bool automatic = wanted == FPU_METHOD_AUTO, in_bochs = !strcmp(machine_name(), "bochs");
	enum fpu_save_method method = automatic ? FPU_XSAVES : wanted, refused = method;
	struct fpu_method_facts facts = {.methods = methods_there(), .forced = !automatic};
	const char *why = NULL, *reason = NULL;

	f->selectors = cpuid_max_leaf() < 7 || !(cpuid(7).ebx & CPUID7_NO_FCS_FDS);
	f->nested = cpuid_has_hypervisor();
	facts.selectors = f->selectors;
	facts.nested = f->nested;
	if (method != FPU_FXSAVE && has_xsave())
		find_components();
	for (;; method--) {
		bool tried;

		why = fpu_method_obstacle(method, &facts);
		tried = !why;
		if (tried)
			why = failure(method);
		if (!why)
			break;
		if (method == FPU_FXSAVE)
			return;
		if (!reason && (tried || !automatic)) {
			refused = method;
			reason = why;
		}
	}
	f->works = true;
	if (reason)
		tell(refused, reason, automatic && in_bochs);
	if (facts.forced && facts.nested && fpu_method_skips_unmodified(method))
		log_warning("xsave=%s under another hypervisor: a guest's XRSTOR at the address of "
			    "an image may be taken for ours, and what it changed is then not saved",
			    f->method_name);
	if (!f->superset)
		return;
	f->xsavec_works = has_method(FPU_XSAVEC) && fpu_method_works(FPU_XSAVEC);
	f->xsaves_works = has_method(FPU_XSAVES) && fpu_method_works(FPU_XSAVES);
}
