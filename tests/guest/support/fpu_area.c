/* XSAVE areas in the standard format: SDM Vol. 1 13.4. */
#include "fpu.h"

#include "guest.h"
#include "lib/format.h"

#define HEADER	    512
#define HEADER_SIZE 64

#define OPMASK 0x20u
#define ZMM_HI 0x40u
#define HI16   0x80u

static uint32_t avx_offset, opmask_offset, zmm_hi_offset, hi16_offset;

static void find_offsets(void)
{
	if (avx_offset || !(fpu_components & FPU_XSAVE))
		return;
	avx_offset = cpuid(0xd, 2).ebx;
	opmask_offset = cpuid(0xd, 5).ebx;
	zmm_hi_offset = cpuid(0xd, 6).ebx;
	hi16_offset = cpuid(0xd, 7).ebx;
}

void fpu_area_make(uint8_t *area, const struct fpu_registers *from, uint64_t in_use)
{
	find_offsets();
	memcpy(area, &from->fx, HEADER);
	memset(area + HEADER, 0, HEADER_SIZE);
	memcpy(area + HEADER, &in_use, sizeof(in_use));
	for (unsigned i = 0; i < FPU_LOW_VECTORS; i++) {
		if (fpu_components & FPU_AVX)
			memcpy(area + avx_offset + 16 * i, from->vector[i] + 16, 16);
		if (fpu_components & FPU_AVX512)
			memcpy(area + zmm_hi_offset + 32 * i, from->vector[i] + 32, 32);
	}
	if (fpu_components & FPU_AVX512) {
		memcpy(area + opmask_offset, from->opmask, sizeof(from->opmask));
		memcpy(area + hi16_offset, from->vector[16], 16 * sizeof(from->vector[0]));
	}
}

/* A component that is not in XSTATE_BV is in its initial state: zero. */
static bool component_equal(const char *name, unsigned n, bool in_use, const void *want,
			    const void *got, size_t bytes, char *why, size_t size)
{
	static const uint8_t zero[64] __attribute__((aligned(64)));

	return fpu_part_equal(name, n, want, in_use ? got : zero, bytes, why, size);
}

static bool vector_equal(unsigned n, const struct fpu_registers *want, const uint8_t *area,
			 uint64_t asked, uint64_t in_use, char *why, size_t size)
{
	const uint8_t *vector = want->vector[n];
	const struct fxsave *legacy = (const struct fxsave *)area;

	if ((asked & FPU_SSE) && !component_equal("by xsave: xmm", n, in_use & FPU_SSE, vector,
						  legacy->xmm[n], 16, why, size))
		return false;
	if ((asked & FPU_AVX) &&
	    !component_equal("by xsave: ymm_hi", n, in_use & FPU_AVX, vector + 16,
			     area + avx_offset + 16 * n, 16, why, size))
		return false;
	if ((asked & ZMM_HI) &&
	    !component_equal("by xsave: zmm_hi", n, in_use & ZMM_HI, vector + 32,
			     area + zmm_hi_offset + 32 * n, 32, why, size))
		return false;
	return !(asked & HI16) || GUEST_BITS == 32 ||
	       component_equal("by xsave: zmm16+", n, in_use & HI16, want->vector[16 + n],
			       area + hi16_offset + 64 * n, 64, why, size);
}

bool fpu_area_equal(const struct fpu_registers *want, const uint8_t *area, uint64_t asked,
		    char *why, size_t size)
{
	const struct fxsave *legacy = (const struct fxsave *)area;
	static struct fpu_registers initial;
	uint64_t in_use;

	find_offsets();
	memcpy(&in_use, area + HEADER, sizeof(in_use));
	if (in_use & ~asked) {
		format(why, size, "by xsave: XSTATE_BV is 0x%llx, 0x%llx was asked for",
		       (unsigned long long)in_use, (unsigned long long)asked);
		return false;
	}
	/* MXCSR is written with SSE or AVX asked for, in use or not */
	if ((asked & (FPU_SSE | FPU_AVX)) && legacy->mxcsr != want->fx.mxcsr) {
		format(why, size, "by xsave: mxcsr is 0x%x, not 0x%x", legacy->mxcsr,
		       want->fx.mxcsr);
		return false;
	}
	fpu_initial_state(&initial);
	if ((asked & FPU_X87) &&
	    !fpu_x87_equal(&want->fx, in_use & FPU_X87 ? legacy : &initial.fx, why, size))
		return false;
	for (unsigned i = 0; i < FPU_LOW_VECTORS; i++)
		if (!vector_equal(i, want, area, asked, in_use, why, size))
			return false;
	if (asked & OPMASK)
		for (unsigned i = 0; i < 8; i++)
			if (!component_equal("by xsave: k", i, in_use & OPMASK, &want->opmask[i],
					     area + opmask_offset + 8 * i, 8, why, size))
				return false;
	return true;
}

bool fpu_equal_by_xsave(const struct fpu_registers *want, char *why, size_t size)
{
	static uint8_t area[FPU_AREA_SIZE] __attribute__((aligned(64)));
	uint64_t all = fpu_components & (FPU_X87 | FPU_SSE | FPU_AVX | FPU_AVX512);

	if (!(fpu_components & FPU_XSAVE))
		return true;
	memset(area, 0, HEADER + HEADER_SIZE);
#ifdef __x86_64__
	asm volatile("xsave64 %0" : "+m"(area) : "a"(~0u), "d"(~0u) : "memory");
#else
	asm volatile("xsave %0" : "+m"(area) : "a"(~0u), "d"(~0u) : "memory");
#endif
	return fpu_area_equal(want, area, all, why, size);
}
