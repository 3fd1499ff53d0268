/* Patterns: what every register holds, made from a seed and a round. */
#include "fpu.h"

#include "guest.h"

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

static void random_bytes(uint8_t *to, size_t count, uint64_t seed, uint64_t round, uint64_t slot)
{
	uint64_t x = fpu_random(seed, round, slot) | 1;

	for (size_t i = 0; i < count; i += 8) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(to + i, &x, count - i < 8 ? count - i : 8);
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
		to->fx.fcw = FPU_FCW_INITIAL;
	}
}

void fpu_pattern(struct fpu_registers *to, uint64_t seed, uint64_t round, enum fpu_kind kind)
{
	unsigned count = fpu_components & FPU_AVX512 ? FPU_ALL_VECTORS : FPU_LOW_VECTORS;
	size_t width = fpu_components & FPU_AVX512 ? 64 : fpu_components & FPU_AVX ? 32 : 16;
	bool zero = kind == FPU_MXCSR || kind == FPU_X87_ONLY;

	memset(to, 0, sizeof(*to));
	to->kind = (uint8_t)kind;
	pattern_x87(to, seed, round, kind);
	to->fx.mxcsr = FPU_MXCSR_INITIAL;
	if (kind != FPU_X87_ONLY)
		to->fx.mxcsr = ((uint32_t)fpu_random(seed, round, 400) & 0xffff & fpu_mxcsr_mask) ^
			       (kind == FPU_MXCSR ? 1 : 0);
	if (kind == FPU_SSE_ONLY)
		width = 16;
	if (!zero)
		for (unsigned i = 0; i < count; i++)
			if (i < FPU_LOW_VECTORS || width == 64)
				random_bytes(to->vector[i], width, seed, round, 500 + i);
	if (!zero && kind != FPU_SSE_ONLY && fpu_components & FPU_AVX512)
		random_bytes((uint8_t *)to->opmask, sizeof(to->opmask), seed, round, 600);
	if (!(fpu_components & FPU_K64))
		for (unsigned i = 0; i < 8; i++)
			to->opmask[i] &= 0xffff;
	to->zero_upper = zero || kind == FPU_SSE_ONLY;
	for (unsigned i = 0; i < FPU_LOW_VECTORS; i++)
		memcpy(to->fx.xmm[i], to->vector[i], 16);
}

void fpu_initial_state(struct fpu_registers *to)
{
	memset(to, 0, sizeof(*to));
	to->fx.fcw = FPU_FCW_INITIAL;
	to->fx.mxcsr = FPU_MXCSR_INITIAL;
}

void fpu_reset_state(struct fpu_registers *to)
{
	fpu_initial_state(to);
	to->fx.fcw = FPU_FCW_RESET;
}
