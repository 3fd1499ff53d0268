#include "fpu.h"

#include "guest.h"
#include "lib/format.h"

#define VECTORS (GUEST_BITS == 64 ? 16 : 8) /* those that XMM and YMM have */

#define FCW_INIT   0x037f
#define MXCSR_INIT 0x1f80

uint32_t fpu_components;
static uint32_t mxcsr_mask = 0xffbf;
static uint32_t avx_offset, opmask_offset, zmm_hi_offset, hi16_offset;

/* Fields of the x87 environment that this CPU does not keep. */
#define DROPS_FOP 1u
#define DROPS_FIP 2u
#define DROPS_FDP 4u
#define DROPS_FCS 8u
#define DROPS_FDS 16u
static unsigned drops;

uint64_t fpu_random(uint64_t seed, uint64_t round, uint64_t slot)
{
	uint64_t x = (seed + 1) * 0x9e3779b97f4a7c15 ^ (round + 1) * 0xbf58476d1ce4e5b9 ^
		     (slot + 1) * 0x94d049bb133111eb;

	for (unsigned i = 0; i < 2; i++) {
		x ^= x >> 31;
		x *= 0xd6e8feb86659fd93;
		x ^= x >> 29;
	}
	return x;
}

static void enable_xsave(void)
{
	uint64_t offered;
	uint32_t low, high;

	write_cr4(read_cr4() | CR4_OSXSAVE);
	fpu_components |= FPU_XSAVE;
	low = cpuid(0xd, 0).eax;
	high = cpuid(0xd, 0).edx;
	offered = (uint64_t)high << 32 | low;
	if ((offered & XCR0_AVX) && (cpuid(1, 0).ecx & 1u << 28))
		fpu_components |= FPU_AVX;
	if ((fpu_components & FPU_AVX) && (offered & XCR0_AVX512) == XCR0_AVX512 &&
	    (cpuid(7, 0).ebx & 1u << 16)) {
		fpu_components |= FPU_AVX512;
		if (cpuid(7, 0).ebx & 1u << 30)
			fpu_components |= FPU_K64;
	}
	xsetbv(0, fpu_components & (FPU_X87 | FPU_SSE | FPU_AVX | FPU_AVX512));
	avx_offset = cpuid(0xd, 2).ebx;
	opmask_offset = cpuid(0xd, 5).ebx;
	zmm_hi_offset = cpuid(0xd, 6).ebx;
	hi16_offset = cpuid(0xd, 7).ebx;
}

uint32_t fpu_enable(void)
{
	static struct fxsave area __attribute__((aligned(16)));

	write_cr0((read_cr0() | CR0_MP | CR0_NE) & ~(CR0_EM | CR0_TS));
	write_cr4(read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT);
	fpu_components = FPU_X87 | FPU_SSE;
	if (cpuid(1, 0).ecx & 1u << 26)
		enable_xsave();
	asm volatile("fninit; fxsave %0" : "=m"(area) : : "memory");
	if (area.mxcsr_mask)
		mxcsr_mask = area.mxcsr_mask;
	return fpu_components;
}

static void random_bytes(void *to, size_t count, uint64_t seed, uint64_t round, uint64_t slot)
{
	uint8_t *bytes = to;

	for (size_t i = 0; i < count; i += 8) {
		uint64_t value = fpu_random(seed, round, slot << 8 | i);

		memcpy(bytes + i, &value, count - i < 8 ? count - i : 8);
	}
}

static void make_st(uint8_t st[16], uint64_t mantissa, uint16_t sign_exponent)
{
	memset(st, 0, 16);
	memcpy(st, &mantissa, 8);
	memcpy(st + 8, &sign_exponent, 2);
}

static void pattern_st(struct fpu_registers *to, uint64_t seed, uint64_t round, bool special)
{
	for (unsigned i = 0; i < 8; i++) {
		uint64_t mantissa = fpu_random(seed, round, 100 + i);
		uint16_t exponent = (uint16_t)fpu_random(seed, round, 200 + i);

		if (!special) {
			/* a normal number: its integer bit set, its exponent neither 0 nor 7FFFh */
			mantissa |= 1ull << 63;
			exponent = (exponent & 0x8000) | ((exponent & 0x3fff) + 0x1000);
		} else if ((i + round) % 4 == 0) {
			mantissa = 0;
			exponent = exponent & 0x8000; /* a zero */
		} else if ((i + round) % 4 == 1) {
			mantissa &= ~(1ull << 63);
			exponent = exponent & 0x8000; /* denormal */
		} else if ((i + round) % 4 == 2) {
			mantissa |= 1ull << 63;
			exponent |= 0x7fff; /* a NaN */
		} else {
			mantissa = 1ull << 63;
			exponent |= 0x7fff; /* an infinity */
		}
		make_st(to->fx.st[i], mantissa, exponent);
	}
}

static void pattern_x87(struct fpu_registers *to, uint64_t seed, uint64_t round, enum fpu_kind kind)
{
	uint64_t r = fpu_random(seed, round, 300);
	uint16_t top = (uint16_t)(r >> 40 & 7);

	/* rounding and precision control, condition codes, exception flags all masked */
	to->fx.fcw = (uint16_t)(0x007f | (r & 0x0f00));
	to->fx.fsw = (uint16_t)((r >> 16 & 0x477f) | (kind == FPU_FULL ? 0 : top << 11));
	to->fx.ftw = 0xff;
	to->fx.fop = (uint16_t)(r >> 48 & 0x7ff);
	to->fx.fip = (uintptr_t)(fpu_random(seed, round, 301) & 0x7fffffffffffull);
	to->fx.fdp = (uintptr_t)(fpu_random(seed, round, 302) & 0x7fffffffffffull);
#ifndef __x86_64__
	to->fx.fcs = (uint16_t)(fpu_random(seed, round, 303) | 1);
	to->fx.fds = (uint16_t)(fpu_random(seed, round, 304) | 1);
#endif
	pattern_st(to, seed, round, kind == FPU_SPECIAL);
	if (kind == FPU_PARTIAL)
		to->fx.ftw = (uint8_t)(r >> 32 & 0x7f);
	if (kind == FPU_MXCSR)
		to->fx.ftw = 0;
	if (kind == FPU_PENDING) {
		to->fx.fcw &= (uint16_t)~0x04; /* division by zero is not masked, and pending */
		to->fx.fsw |= 0x8084;
	}
	if (kind == FPU_SSE_ONLY) {
		memset(&to->fx, 0, offsetof(struct fxsave, mxcsr));
		memset(to->fx.st, 0, sizeof(to->fx.st));
		to->fx.fcw = FCW_INIT;
	}
}

void fpu_pattern(struct fpu_registers *to, uint64_t seed, uint64_t round, enum fpu_kind kind)
{
	unsigned count = fpu_components & FPU_AVX512 && GUEST_BITS == 64 ? 32 : VECTORS;
	size_t width = fpu_components & FPU_AVX512 ? 64 : fpu_components & FPU_AVX ? 32 : 16;
	bool zero = kind == FPU_MXCSR || kind == FPU_X87_ONLY;

	memset(to, 0, sizeof(*to));
	to->kind = (uint8_t)kind;
	pattern_x87(to, seed, round, kind);
	to->fx.mxcsr = MXCSR_INIT;
	if (kind != FPU_X87_ONLY)
		to->fx.mxcsr = ((uint32_t)fpu_random(seed, round, 400) & 0xffff & mxcsr_mask) ^
			       (kind == FPU_MXCSR ? 1 : 0);
	if (kind == FPU_SSE_ONLY)
		width = 16;
	if (!zero)
		for (unsigned i = 0; i < count; i++)
			if (i < VECTORS || width == 64)
				random_bytes(to->vector[i], width, seed, round, 500 + i);
	if (!zero && kind != FPU_SSE_ONLY && fpu_components & FPU_AVX512)
		random_bytes(to->opmask, sizeof(to->opmask), seed, round, 600);
	if (!(fpu_components & FPU_K64))
		for (unsigned i = 0; i < 8; i++)
			to->opmask[i] &= 0xffff;
	to->zero_upper = zero || kind == FPU_SSE_ONLY;
	for (unsigned i = 0; i < VECTORS; i++)
		memcpy(to->fx.xmm[i], to->vector[i], 16);
}

static bool bytes_equal(const void *left, const void *right, size_t count)
{
	const unsigned long *l = left, *r = right;

	for (; count; count -= sizeof(*l))
		if (*l++ != *r++)
			return false;
	return true;
}

static unsigned long long head(const void *bytes)
{
	unsigned long long value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

#define DIFFER(field, mask)                                                                        \
	do {                                                                                       \
		if (((want->field ^ got->field) & (mask)) != 0) {                                  \
			format(why, size, #field " is 0x%llx, not 0x%llx",                         \
			       (unsigned long long)got->field, (unsigned long long)want->field);   \
			return false;                                                              \
		}                                                                                  \
	} while (0)

static bool legacy_equal(const struct fxsave *want, const struct fxsave *got, char *why,
			 size_t size)
{
	DIFFER(fcw, 0xffff);
	DIFFER(fsw, 0xffff);
	DIFFER(ftw, 0xff);
	if (!(drops & DROPS_FOP))
		DIFFER(fop, 0x7ff);
	if (!(drops & DROPS_FIP))
		DIFFER(fip, ~(uintptr_t)0);
	if (!(drops & DROPS_FDP))
		DIFFER(fdp, ~(uintptr_t)0);
#ifndef __x86_64__
	if (!(drops & DROPS_FCS))
		DIFFER(fcs, 0xffff);
	if (!(drops & DROPS_FDS))
		DIFFER(fds, 0xffff);
#endif
	DIFFER(mxcsr, 0xffffffff);
	for (unsigned i = 0; i < 8; i++)
		if (memcmp(want->st[i], got->st[i], 10)) {
			format(why, size, "st%u is %04llx:%016llx, not %04llx:%016llx", i,
			       head(got->st[i] + 8) & 0xffff, head(got->st[i]),
			       head(want->st[i] + 8) & 0xffff, head(want->st[i]));
			return false;
		}
	for (unsigned i = 0; i < VECTORS; i++)
		if (!bytes_equal(want->xmm[i], got->xmm[i], 16)) {
			format(why, size, "xmm%u is %016llx..., not %016llx...", i,
			       head(got->xmm[i]), head(want->xmm[i]));
			return false;
		}
	return true;
}

static bool part_equal(const char *name, unsigned n, const void *want, const void *got,
		       size_t bytes, char *why, size_t size)
{
	if (bytes_equal(want, got, bytes))
		return true;
	for (size_t i = 0; i < bytes; i += 8)
		if (head((const uint8_t *)want + i) != head((const uint8_t *)got + i)) {
			format(why, size, "%s%u byte %u is %016llx, not %016llx", name, n,
			       (unsigned)i, head((const uint8_t *)got + i),
			       head((const uint8_t *)want + i));
			break;
		}
	return false;
}

bool fpu_equal(const struct fpu_registers *want, const struct fpu_registers *got, char *why,
	       size_t size)
{
	if (!legacy_equal(&want->fx, &got->fx, why, size))
		return false;
	if (!(fpu_components & FPU_AVX))
		return true;
	if (!(fpu_components & FPU_AVX512)) {
		for (unsigned i = 0; i < VECTORS; i++)
			if (!part_equal("ymm", i, want->vector[i], got->vector[i], 32, why, size))
				return false;
		return true;
	}
	for (unsigned i = 0; i < (GUEST_BITS == 64 ? 32 : 8); i++)
		if (!part_equal("zmm", i, want->vector[i], got->vector[i], 64, why, size))
			return false;
	for (unsigned i = 0; i < 8; i++)
		if (!part_equal("k", i, &want->opmask[i], &got->opmask[i], 8, why, size))
			return false;
	return true;
}

/* A component that is not in XSTATE_BV is in its initial state: zero. */
static bool component_equal(const char *name, unsigned n, bool in_use, const void *want,
			    const void *got, size_t bytes, char *why, size_t size)
{
	static const uint8_t zero[64] __attribute__((aligned(64)));

	return part_equal(name, n, want, in_use ? got : zero, bytes, why, size);
}

bool fpu_equal_by_xsave(const struct fpu_registers *want, char *why, size_t size)
{
	static uint8_t area[4096] __attribute__((aligned(64)));
	uint64_t in_use;

	if (!(fpu_components & FPU_XSAVE))
		return true;
	memset(area, 0, 576);
#ifdef __x86_64__
	asm volatile("xsave64 %0" : "+m"(area) : "a"(~0u), "d"(~0u) : "memory");
#else
	asm volatile("xsave %0" : "+m"(area) : "a"(~0u), "d"(~0u) : "memory");
#endif
	memcpy(&in_use, area + 512, sizeof(in_use));

	const struct fxsave *got = (const struct fxsave *)area;

	/* only what is in use is written; MXCSR always is with SSE or AVX asked for */
	if (got->mxcsr != want->fx.mxcsr) {
		format(why, size, "by xsave: mxcsr is 0x%x, not 0x%x", got->mxcsr, want->fx.mxcsr);
		return false;
	}
	if ((in_use & 3) == 3 && !legacy_equal(&want->fx, got, why, size))
		return false;
	for (unsigned i = 0; i < VECTORS; i++) {
		if (!component_equal("by xsave: xmm", i, in_use & FPU_SSE, want->vector[i],
				     got->xmm[i], 16, why, size))
			return false;
		if (fpu_components & FPU_AVX &&
		    !component_equal("by xsave: ymm_hi", i, in_use & FPU_AVX, want->vector[i] + 16,
				     area + avx_offset + 16 * i, 16, why, size))
			return false;
		if (fpu_components & FPU_AVX512 &&
		    !component_equal("by xsave: zmm_hi", i, in_use & 0x40, want->vector[i] + 32,
				     area + zmm_hi_offset + 32 * i, 32, why, size))
			return false;
		if (fpu_components & FPU_AVX512 && GUEST_BITS == 64 &&
		    !component_equal("by xsave: zmm16+", i, in_use & 0x80, want->vector[16 + i],
				     area + hi16_offset + 64 * i, 64, why, size))
			return false;
	}
	if (fpu_components & FPU_AVX512)
		for (unsigned i = 0; i < 8; i++)
			if (!component_equal("by xsave: k", i, in_use & 0x20, &want->opmask[i],
					     area + opmask_offset + 8 * i, 8, why, size))
				return false;
	return true;
}

static unsigned tag_of(const uint8_t st[16])
{
	unsigned long long mantissa = head(st);
	unsigned exponent = head(st + 8) & 0x7fff;

	if (!exponent && !mantissa)
		return 1;
	if (!exponent || exponent == 0x7fff || !(mantissa >> 63))
		return 2;
	return 0;
}

bool fpu_equal_by_tags(const struct fpu_registers *want, char *why, size_t size)
{
	static uint32_t environment[7];
	unsigned tags = 0, top = want->fx.fsw >> 11 & 7;

	for (unsigned i = 0; i < 8; i++) {
		unsigned tag = want->fx.ftw >> i & 1 ? tag_of(want->fx.st[(i - top) & 7]) : 3;

		tags |= tag << 2 * i;
	}
	asm volatile("fnstenv %0" : "=m"(environment) : : "memory");
	if ((environment[2] & 0xffff) == tags && (environment[1] & 0xffff) == want->fx.fsw)
		return true;
	format(why, size, "by fnstenv: tags 0x%x fsw 0x%x, not 0x%x 0x%x", environment[2] & 0xffff,
	       environment[1] & 0xffff, tags, want->fx.fsw);
	return false;
}

void fpu_calibrate(uint64_t seed)
{
	static struct fpu_registers want, got;
	unsigned kept = 0;

	for (unsigned round = 0; round < 4; round++) {
		fpu_pattern(&want, seed, 1000000 + round, FPU_FULL);
		fpu_load(&want);
		fpu_store(&got);
		kept |= (got.fx.fop == want.fx.fop ? DROPS_FOP : 0) |
			(got.fx.fip == want.fx.fip ? DROPS_FIP : 0) |
			(got.fx.fdp == want.fx.fdp ? DROPS_FDP : 0);
#ifndef __x86_64__
		kept |= (got.fx.fcs == want.fx.fcs ? DROPS_FCS : 0) |
			(got.fx.fds == want.fx.fds ? DROPS_FDS : 0);
#endif
	}
	if (GUEST_BITS == 64)
		kept |= DROPS_FCS | DROPS_FDS;
	drops = ~kept & 31;
	/* 64-bit XSAVE drops them, and a hypervisor that uses it may: asked for by a word */
	if (option("no-fcs"))
		drops |= DROPS_FCS | DROPS_FDS;
	print("fpu: components=0x%x dropped=%s%s%s%s%s%s\n", fpu_components, drops ? "" : "none",
	      drops & DROPS_FOP ? "fop," : "", drops & DROPS_FIP ? "fip," : "",
	      drops & DROPS_FDP ? "fdp," : "", drops & DROPS_FCS ? "fcs," : "",
	      drops & DROPS_FDS ? "fds," : "");
}

void fpu_touch(unsigned n)
{
	static uint8_t area[64] __attribute__((aligned(64)));

	switch (n % FPU_TOUCHES) {
	case 0:
		asm volatile("fnstsw %%ax" : : : "ax", "memory");
		return;
	case 1:
		asm volatile("movups %%xmm7, %0" : "=m"(area) : : "memory");
		return;
	case 2:
		asm volatile("fnstsw %0" : "=m"(area) : : "memory");
		return;
	case 3:
		asm volatile("stmxcsr %0" : "=m"(area) : : "memory");
		return;
	case 4:
		if (fpu_components & FPU_AVX)
			asm volatile("vmovdqu %%ymm6, %0" : "=m"(area) : : "memory");
		return;
	case 5:
		if (fpu_components & FPU_AVX512)
			asm volatile("kmovw %%k1, %0" : "=m"(area) : : "memory");
		return;
	case 6:
		if (fpu_components & FPU_AVX512)
			asm volatile("vmovdqu64 %%zmm5, %0" : "=m"(area) : : "memory");
		return;
	case 7:
		asm volatile("fnstcw %0" : "=m"(area) : : "memory");
		return;
	default:
		return; /* the FXSAVE of the comparison comes first */
	}
}
