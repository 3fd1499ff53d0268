#include "fpu.h"

#include "guest.h"
#include "lib/format.h"

uint32_t fpu_components;
uint32_t fpu_mxcsr_mask = 0xffbf;

/* Fields of the x87 environment that this CPU does not keep. */
#define DROPS_FOP 1u
#define DROPS_FIP 2u
#define DROPS_FDP 4u
#define DROPS_FCS 8u
#define DROPS_FDS 16u
static unsigned drops;

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
}

uint32_t fpu_detect(void)
{
	write_cr0((read_cr0() | CR0_MP | CR0_NE) & ~(CR0_EM | CR0_TS));
	write_cr4(read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT);
	fpu_components = FPU_X87 | FPU_SSE;
	if (cpuid(1, 0).ecx & 1u << 26)
		enable_xsave();
	return fpu_components;
}

uint32_t fpu_enable(void)
{
	static struct fxsave area __attribute__((aligned(16)));

	fpu_detect();
	asm volatile("fninit; fxsave %0" : "=m"(area) : : "memory");
	if (area.mxcsr_mask)
		fpu_mxcsr_mask = area.mxcsr_mask;
	return fpu_components;
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

bool fpu_x87_equal(const struct fxsave *want, const struct fxsave *got, char *why, size_t size)
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
	for (unsigned i = 0; i < 8; i++)
		if (memcmp(want->st[i], got->st[i], 10)) {
			format(why, size, "st%u is %04llx:%016llx, not %04llx:%016llx", i,
			       head(got->st[i] + 8) & 0xffff, head(got->st[i]),
			       head(want->st[i] + 8) & 0xffff, head(want->st[i]));
			return false;
		}
	return true;
}

static bool legacy_equal(const struct fxsave *want, const struct fxsave *got, char *why,
			 size_t size)
{
	if (!fpu_x87_equal(want, got, why, size))
		return false;
	DIFFER(mxcsr, 0xffffffff);
	for (unsigned i = 0; i < FPU_LOW_VECTORS; i++)
		if (!bytes_equal(want->xmm[i], got->xmm[i], 16)) {
			format(why, size, "xmm%u is %016llx..., not %016llx...", i,
			       head(got->xmm[i]), head(want->xmm[i]));
			return false;
		}
	return true;
}

bool fpu_part_equal(const char *name, unsigned n, const void *want, const void *got, size_t bytes,
		    char *why, size_t size)
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
		for (unsigned i = 0; i < FPU_LOW_VECTORS; i++)
			if (!fpu_part_equal("ymm", i, want->vector[i], got->vector[i], 32, why,
					    size))
				return false;
		return true;
	}
	for (unsigned i = 0; i < FPU_ALL_VECTORS; i++)
		if (!fpu_part_equal("zmm", i, want->vector[i], got->vector[i], 64, why, size))
			return false;
	for (unsigned i = 0; i < 8; i++)
		if (!fpu_part_equal("k", i, &want->opmask[i], &got->opmask[i], 8, why, size))
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

unsigned fpu_tags(const struct fxsave *fx)
{
	unsigned tags = 0, top = fx->fsw >> 11 & 7;

	for (unsigned i = 0; i < 8; i++)
		tags |= (fx->ftw >> i & 1 ? tag_of(fx->st[(i - top) & 7]) : 3) << 2 * i;
	return tags;
}

bool fpu_equal_by_tags(const struct fpu_registers *want, char *why, size_t size)
{
	static uint32_t environment[7];
	unsigned tags = fpu_tags(&want->fx);

	asm volatile("fnstenv %0" : "=m"(environment) : : "memory");
	if ((environment[2] & 0xffff) == tags && (environment[1] & 0xffff) == want->fx.fsw)
		return true;
	format(why, size, "by fnstenv: tags 0x%x fsw 0x%x, not 0x%x 0x%x", environment[2] & 0xffff,
	       environment[1] & 0xffff, tags, want->fx.fsw);
	return false;
}

void fpu_calibrate_quietly(uint64_t seed)
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
}

void fpu_calibrate(uint64_t seed)
{
	fpu_calibrate_quietly(seed);
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
