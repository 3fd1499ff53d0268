/* The first FPU instruction of a life, one of many. */
#include "leak.h"

/* Ways to look first. What they look at is in `own`, and `own` follows what they change. */
static uint8_t area[FPU_AREA_SIZE] __attribute__((aligned(64)));

static void expect_bytes(const char *what, unsigned n, const void *want, unsigned size)
{
	char why[128];

	expect(fpu_part_equal(what, n, want, area, size, why, sizeof(why)), "first of all: %s%s",
	       why, whose(area, size));
}

static void by_fxsave(void)
{
	const struct fxsave *got = (const struct fxsave *)area;
	char why[128];

	asm volatile("fxsave %0" : "=m"(area) : : "memory");
	expect(fpu_x87_equal(&own.fx, got, why, sizeof(why)), "first of all: %s%s", why,
	       whose(got, sizeof(*got)));
}

static void expect_area(uint64_t asked)
{
	char why[128];

	expect(fpu_area_equal(&own, area, asked & xcr0_all, why, sizeof(why)), "first of all: %s%s",
	       why, whose(area, sizeof(area)));
}

static void by_xsave(void)
{
	asm volatile("xsave %0" : "+m"(area) : "a"(~0u), "d"(~0u) : "memory");
	expect_area(~0ull);
}

static void by_xsaveopt(void)
{
	asm volatile("xsaveopt %0" : "+m"(area) : "a"(~0u), "d"(~0u) : "memory");
	expect_area(~0ull);
}

static void by_xsave_of_avx512(void)
{
	asm volatile("xsave %0" : "+m"(area) : "a"(FPU_AVX512), "d"(0) : "memory");
	expect_area(FPU_AVX512);
}

/* It initialises the x87 state after it has saved it. */
static void by_fnsave(void)
{
	static const uint32_t reset[27] = {0xffff0040, 0xffff0000, 0xffffffff, 0, 0, 0xffff0000};
	uint32_t *got = (uint32_t *)area;

	asm volatile("fnsave %0" : "=m"(area) : : "memory");
	got[4] &= 0x07ffffff;
	expect((got[0] & 0xffff) == (reset[0] & 0xffff) && !(got[1] & 0xffff) &&
		       (got[2] & 0xffff) == 0xffff && !got[3] && !got[4] && !got[5] &&
		       !(got[6] & 0xffff),
	       "first of all: fnsave has %08x %08x %08x %08x %08x %08x %08x", got[0], got[1],
	       got[2], got[3], got[4], got[5], got[6]);
	for (unsigned i = 0; i < 80; i++)
		expect(!area[28 + i], "first of all: fnsave byte %u of the stack is 0x%02x", i,
		       area[28 + i]);
	own.fx.fcw = FPU_FCW_INITIAL;
}

static void by_fnstcw(void)
{
	asm volatile("fnstcw %0" : "=m"(area) : : "memory");
	expect_bytes("fcw", 0, (uint64_t[]){FPU_FCW_RESET}, 8);
}

static void by_stmxcsr(void)
{
	asm volatile("stmxcsr %0" : "=m"(area) : : "memory");
	expect_bytes("mxcsr", 0, (uint64_t[]){FPU_MXCSR_INITIAL}, 8);
}

static const uint8_t zero[64] __attribute__((aligned(64)));

/* An MMX instruction makes all tags valid. */
static void by_mmx(void)
{
	asm volatile("movq %%mm5, %0" : "=m"(area) : : "memory");
	expect_bytes("mm", 5, zero, 8);
	own.fx.ftw = 0xff;
}

static void by_xmm(void)
{
	asm volatile("movups %%xmm6, %0" : "=m"(area) : : "memory");
	expect_bytes("xmm", 6, zero, 16);
}

static void by_ymm(void)
{
	asm volatile("vmovdqu %%ymm7, %0" : "=m"(area) : : "memory");
	expect_bytes("ymm", 7, zero, 32);
}

static void by_zmm(void)
{
	asm volatile("vmovdqu64 %%zmm3, %0" : "=m"(area) : : "memory");
	expect_bytes("zmm", 3, zero, 64);
}

#ifdef __x86_64__
static void by_zmm16(void)
{
	asm volatile("vmovdqu64 %%zmm29, %0" : "=m"(area) : : "memory");
	expect_bytes("zmm", 29, zero, 64);
}
#endif

static void by_opmask(void)
{
	asm volatile("kmovw %%k4, %0" : "=m"(area) : : "memory");
	expect_bytes("k", 4, zero, 8);
}

static const struct look {
	const char *name;
	void (*run)(void);
	uint32_t needs;
} looks[] = {
	{"fxsave", by_fxsave, 0},
	{"xsave", by_xsave, FPU_XSAVE},
	{"xsaveopt", by_xsaveopt, FPU_XSAVE},
	{"xsave-avx512", by_xsave_of_avx512, FPU_AVX512},
	{"fnsave", by_fnsave, 0},
	{"fnstcw", by_fnstcw, 0},
	{"stmxcsr", by_stmxcsr, 0},
	{"mmx", by_mmx, 0},
	{"xmm", by_xmm, 0},
	{"ymm", by_ymm, FPU_AVX},
	{"zmm", by_zmm, FPU_AVX512},
#ifdef __x86_64__
	{"zmm16", by_zmm16, FPU_AVX512},
#endif
	{"opmask", by_opmask, FPU_AVX512},
};

void first_look(void)
{
	char name[24];

	let_others_run();
	for (unsigned i = 0; i < ARRAY_SIZE(looks); i++) {
		copy_string(name, sizeof(name), looks[i].name);
		if (!option_lists("first", name))
			continue;
		if ((looks[i].needs & ~fpu_components) ||
		    (looks[i].run == by_xsaveopt && !(cpuid(0xd, 1).eax & 1))) {
			skip("this CPU does not have it");
			return;
		}
		looks[i].run();
		look_everywhere("after the first look");
		return;
	}
	fail("first= names nothing that is known");
}
