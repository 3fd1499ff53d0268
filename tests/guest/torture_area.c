/* The guest's own XSAVE family, FXSAVE and FXRSTOR, at random addresses. */
#include "torture.h"

#define PLACES 64

/*
 * Areas to save to and to restore from are not the same: XSAVEOPT may leave out what it takes for
 * unmodified since an XRSTOR from the same address, and the areas here are written by hand.
 */
static uint8_t places[PLACES * 64 + FPU_AREA_SIZE] __attribute__((aligned(64)));
static uint8_t sources[PLACES * 64 + FPU_AREA_SIZE] __attribute__((aligned(64)));
static char why[160];

uint8_t *random_area(void)
{
	return places + 64 * below(PLACES);
}

static uint64_t random_components(void)
{
	return below(3) ? draw() & xcr0_all : ~0ull;
}

/* What saves: the bit of CPUID.D.1:EAX that offers it, or XSAVE. */
enum form { XSAVEOPT = 0, XSAVEC = 1, XSAVES = 3, XSAVE = 32 };

static enum form form_or_xsave(enum form form)
{
	return form != XSAVE && (cpuid(0xd, 1).eax & 1u << form) ? form : XSAVE;
}

static void save(uint8_t *area, uint64_t mask, enum form form)
{
	uint32_t low = (uint32_t)mask, high = (uint32_t)(mask >> 32);

	memset(area + 512, 0, 64);
	if (form == XSAVEOPT)
		asm volatile("xsaveopt" WIDE " (%0)" : : "r"(area), "a"(low), "d"(high) : "memory");
	else if (form == XSAVEC)
		asm volatile("xsavec" WIDE " (%0)" : : "r"(area), "a"(low), "d"(high) : "memory");
	else if (form == XSAVES)
		asm volatile("xsaves" WIDE " (%0)" : : "r"(area), "a"(low), "d"(high) : "memory");
	else
		asm volatile("xsave" WIDE " (%0)" : : "r"(area), "a"(low), "d"(high) : "memory");
}

static void restore(const uint8_t *area, uint64_t mask)
{
	asm volatile("xrstor" WIDE " (%0)"
		     :
		     : "r"(area), "a"((uint32_t)mask), "d"((uint32_t)(mask >> 32))
		     : "memory");
}

static void restore_supervisor(const uint8_t *area)
{
	asm volatile("xrstors" WIDE " (%0)" : : "r"(area), "a"(~0u), "d"(~0u) : "memory");
}

static void save_legacy(void)
{
	const struct fxsave *area = (const struct fxsave *)random_area();

	asm volatile("fxsave" WIDE " (%0)" : : "r"(area) : "memory");
	if (!fpu_x87_equal(&model.fx, area, why, sizeof(why)))
		wrong("by fxsave: %s", why);
	else if (area->mxcsr != model.fx.mxcsr)
		wrong("by fxsave: mxcsr is 0x%x, not 0x%x", area->mxcsr, model.fx.mxcsr);
	else
		for (unsigned i = 0; i < FPU_LOW_VECTORS; i++)
			if (!fpu_part_equal("by fxsave: xmm", i, model.vector[i], area->xmm[i], 16,
					    why, sizeof(why)))
				wrong("%s", why);
}

void area_save(void)
{
	uint8_t *area = random_area();
	uint64_t mask = random_components();

	if (!xcr0_now || below(4) == 0) {
		save_legacy();
		return;
	}
	save(area, mask, below(2) ? form_or_xsave(XSAVEOPT) : XSAVE);
	if (!fpu_area_equal(&model, area, mask & xcr0_now, why, sizeof(why)))
		wrong("mask 0x%llx: %s", (unsigned long long)(mask & xcr0_now), why);
}

/* What is in the mask comes from the area if the area has it, else it becomes initial. */
static void model_restore(const struct fpu_registers *from, uint64_t mask, uint64_t in_use)
{
	static struct fpu_registers initial;

	fpu_initial_state(&initial);
	for (unsigned bit = 0; bit < 8; bit++)
		if (mask & 1u << bit)
			model_component(in_use & 1u << bit ? from : &initial, bit);
	if (mask & (FPU_SSE | FPU_AVX))
		model.fx.mxcsr = from->fx.mxcsr;
}

void area_restore(void)
{
	uint8_t *area = sources + 64 * below(PLACES);
	static struct fpu_registers fresh;
	uint64_t in_use = random_components() & xcr0_now, mask = random_components();

	fpu_pattern(&fresh, draw(), draw(), (enum fpu_kind)below(FPU_KINDS));
	if (!xcr0_now || below(4) == 0) {
		memcpy(area, &fresh.fx, sizeof(fresh.fx));
		asm volatile("fxrstor" WIDE " (%0)" : : "r"(area) : "memory");
		model_restore(&fresh, FPU_X87 | FPU_SSE, FPU_X87 | FPU_SSE);
		return;
	}
	/*
	 * Where bits 511:256 become zero with bits 255:128: only where that makes no difference.
	 */
	if (option("init-zmm-upper") && (mask & ~in_use) & xcr0_now & FPU_AVX) {
		mask |= FPU_AVX512;
		if (!(xcr0_now & FPU_AVX512))
			loose = ~0u;
	}
	fpu_area_make(area, &fresh, in_use);
	pause_here();
	restore(area, mask);
	model_restore(&fresh, mask & xcr0_now, in_use);
}

/* What a kernel does at a task switch: away with everything, something else, and back, compacted or
 * not. */
void area_swap(void)
{
	static const enum form forms[] = {XSAVE, XSAVEC, XSAVES};
	static uint8_t area[FPU_AREA_SIZE] __attribute__((aligned(64)));
	static struct fpu_registers kept;
	uint32_t kept_loose = loose;
	enum form form;

	if (!(xcr0_now & FPU_SSE))
		return;
	form = form_or_xsave(forms[below(ARRAY_SIZE(forms))]);
	save(area, ~0ull, form);
	kept = model;
	load_everything();
	pause_here();
	if (below(2))
		verify();
	if (form == XSAVES)
		restore_supervisor(area);
	else
		restore(area, ~0ull);
	model = kept;
	/* without AVX-512 XRSTOR has brought nothing of it back */
	if (!(xcr0_now & FPU_AVX512)) {
		loose |= kept_loose;
		return;
	}
	loose = 0;
	loose_by_interrupt = false;
}

/* What XRSTOR and FXRSTOR must refuse: #GP there. A bad header changes no register. */
void area_malformed(void)
{
	uint8_t *area = sources + 64 * below(PLACES);
	static struct fpu_registers fresh;
	uint32_t mxcsr = 0x10000u << below(15);
	unsigned what = xcr0_now ? below(5) : 0;

	if (!may_fault())
		return;
	fpu_pattern(&fresh, draw(), draw(), FPU_FULL);
	fpu_area_make(area, &fresh, xcr0_now);
	if (what < 2)
		memcpy(area + offsetof(struct fxsave, mxcsr), &mxcsr, sizeof(mxcsr));
	else if (what == 2)
		area[512 + 1] |= (uint8_t)(1 + below(255)); /* components that are not there */
	else if (what == 3)
		area[512 + 8 + below(16)] = 0x40; /* reserved bytes of the header */
	else
		area += 8; /* not aligned */
	pause_here();
	if (what == 0)
		TRY("fxrstor" WIDE " (%0)", : : "r"(area) : "memory");
	else if (what == 1 && !(xcr0_now & FPU_SSE))
		return; /* MXCSR is not looked at */
	else
		TRY("xrstor" WIDE " (%0)", : : "r"(area), "a"(~0u), "d"(~0u) : "memory");
	if (trap.vector != VECTOR_GP || trap.ip != trap.at)
		wrong("malformed area %u: vector %d", what, trap.vector);
	/* MXCSR may be looked at when others have been loaded already */
	if (what < 2)
		load_everything();
}
