/* Loads, and changes of one part only. The model follows the SDM's description of each. */
#include "torture.h"

static const enum fpu_kind kinds[] = {FPU_FULL,	   FPU_FULL,	 FPU_PARTIAL,  FPU_MXCSR,
				      FPU_PENDING, FPU_X87_ONLY, FPU_SSE_ONLY, FPU_SPECIAL};

static uint64_t rounds;

static void make_pattern(struct fpu_registers *to)
{
	fpu_pattern(to, draw(), ++rounds, kinds[below(ARRAY_SIZE(kinds))]);
}

static unsigned top(void)
{
	return model.fx.fsw >> 11 & 7;
}

/* The stack's registers stay where they are, and are counted from another one. */
static void move_top(unsigned to)
{
	uint8_t old[8][16];
	unsigned from = top();

	memcpy(old, model.fx.st, sizeof(old));
	for (unsigned i = 0; i < 8; i++)
		memcpy(model.fx.st[i], old[(i + to - from) & 7], 16);
	model.fx.fsw = (uint16_t)((model.fx.fsw & ~0x3800) | to << 11);
}

static void forget_zmm_hi(uint32_t registers)
{
	if ((xcr0_all & ~xcr0_now) & FPU_AVX512)
		loose |= registers;
}

void model_vector(unsigned n, const uint8_t *bytes, unsigned first, unsigned count)
{
	if (bytes)
		memcpy(model.vector[n] + first, bytes, count);
	else
		memset(model.vector[n] + first, 0, count);
	if (n < FPU_LOW_VECTORS)
		memcpy(model.fx.xmm[n], model.vector[n], 16);
}

/* Bits above `width` bytes become zero, as far as XCR0 shows them. */
static void zero_above(unsigned n, unsigned width)
{
	unsigned end = xcr0_now & FPU_AVX512 ? 64 : 32;

	model_vector(n, NULL, width, end - width);
	forget_zmm_hi(1u << n);
}

static void model_x87(const struct fxsave *from)
{
	memcpy(&model.fx, from, offsetof(struct fxsave, mxcsr));
	memcpy(model.fx.st, from->st, sizeof(from->st));
}

void model_component(const struct fpu_registers *from, unsigned bit)
{
	for (unsigned n = 0; n < FPU_ALL_VECTORS; n++) {
		const uint8_t *bytes = from->vector[n];

		if (bit == 1 && n < FPU_LOW_VECTORS)
			model_vector(n, bytes, 0, 16);
		if (bit == 2 && n < FPU_LOW_VECTORS)
			model_vector(n, bytes + 16, 16, 16);
		if (bit == 6 && n < FPU_LOW_VECTORS)
			model_vector(n, bytes + 32, 32, 32);
		if (bit == 7 && n >= 16)
			model_vector(n, bytes, 0, 64);
	}
	if (bit == 0)
		model_x87(&from->fx);
	if (bit == 5)
		memcpy(model.opmask, from->opmask, sizeof(model.opmask));
	if (bit == 6) {
		loose = 0;
		loose_by_interrupt = false;
	}
}

/* FXRSTOR, then vector moves as wide as XCR0 allows. */
void load_everything(void)
{
	static struct fpu_registers fresh;

	make_pattern(&fresh);
	fpu_load(&fresh);
	model_x87(&fresh.fx);
	model.fx.mxcsr = fresh.fx.mxcsr;
	for (unsigned n = 0; n < FPU_LOW_VECTORS; n++) {
		model_vector(n, fresh.vector[n], 0, 16);
		if (!(fpu_components & FPU_AVX))
			continue;
		model_vector(n, fresh.vector[n] + 16, 16, 16);
		zero_above(n, 32);
	}
	if (!(fpu_components & FPU_AVX512))
		return;
	model_component(&fresh, 6);
	model_component(&fresh, 7);
	model_component(&fresh, 5);
}

/*
 * Instructions that compute leave their own address behind, an opcode and condition codes that are
 * partly undefined: taken as they are found, and checked from then on.
 */
static void adopt_pointers(void)
{
	static struct fxsave area __attribute__((aligned(16)));

	asm volatile("fxsave" WIDE " %0" : "=m"(area) : : "memory");
	model.fx.fop = area.fop;
	model.fx.fip = area.fip;
	model.fx.fdp = area.fdp;
#ifndef __x86_64__
	model.fx.fcs = area.fcs;
	model.fx.fds = area.fds;
#endif
	model.fx.fsw = (uint16_t)((model.fx.fsw & ~0x4700) | (area.fsw & 0x4700));
}

static void x87_initialised(void)
{
	move_top(0);
	memset(&model.fx, 0, offsetof(struct fxsave, mxcsr));
	model.fx.fcw = FPU_FCW_INITIAL;
}

static void push_one(void)
{
	static const uint8_t one[10] = {0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x3f};
	unsigned to = (top() - 1) & 7;

	/* on a full stack it would be an overflow */
	if (model.fx.ftw & 1u << to)
		return;
	asm volatile("fld1" : : : "memory");
	move_top(to);
	memcpy(model.fx.st[0], one, sizeof(one));
	model.fx.ftw |= (uint8_t)(1u << to);
	adopt_pointers();
}

static void exchange(void)
{
	unsigned n = below(8), other = (top() + n) & 7;
	uint8_t old[16];

	if (!(model.fx.ftw & 1u << top()) || !(model.fx.ftw & 1u << other))
		return;
	register_op(fxch_st, n, NULL);
	memcpy(old, model.fx.st[0], sizeof(old));
	memcpy(model.fx.st[0], model.fx.st[n], sizeof(old));
	memcpy(model.fx.st[n], old, sizeof(old));
	adopt_pointers();
}

/* The environment by its 28-byte form: selectors, and pointers of 32 bits. */
static void load_environment(void)
{
	static struct fpu_registers fresh;
	static uint32_t environment[7];
	uint8_t st[8][16];

	fpu_pattern(&fresh, draw(), ++rounds, below(2) ? FPU_FULL : FPU_PARTIAL);
	fresh.fx.fip = (uint32_t)fresh.fx.fip;
	fresh.fx.fdp = (uint32_t)fresh.fx.fdp;
	environment[0] = fresh.fx.fcw;
	environment[1] = fresh.fx.fsw;
	environment[3] = (uint32_t)fresh.fx.fip;
	environment[4] = (uint32_t)fresh.fx.fop << 16 | ((uint32_t)draw() & 0xffff);
	environment[5] = (uint32_t)fresh.fx.fdp;
	environment[6] = (uint32_t)draw() & 0xffff;
#ifndef __x86_64__
	environment[4] = (uint32_t)fresh.fx.fop << 16 | fresh.fx.fcs;
	environment[6] = fresh.fx.fds;
#endif
	move_top(fresh.fx.fsw >> 11 & 7);
	memcpy(st, model.fx.st, sizeof(st));
	memcpy(&model.fx, &fresh.fx, offsetof(struct fxsave, mxcsr));
	memcpy(model.fx.st, st, sizeof(st));
	environment[2] = fpu_tags(&model.fx);
	asm volatile("fldenv %0" : : "m"(environment) : "memory");
}

/* Out and in again by the 108-byte form, which keeps 32 bits of the pointers. */
static void save_and_restore(void)
{
	static uint32_t image[27];

	asm volatile("fnsave %0" : "=m"(image) : : "memory");
	pause_here();
	asm volatile("frstor %0" : : "m"(image) : "memory");
	model.fx.fip = (uint32_t)model.fx.fip;
	model.fx.fdp = (uint32_t)model.fx.fdp;
}

void change_x87(void)
{
	static uint16_t control;
	unsigned what = below(10), n = below(8);

	/* what waits would raise the pending exception: wait_for_nothing() does that */
	if (x87_pending() && what > 3)
		what %= 4;
	switch (what) {
	case 0:
		asm volatile("fninit" : : : "memory");
		x87_initialised();
		return;
	case 1:
		asm volatile("fnclex" : : : "memory");
		model.fx.fsw &= 0x7f00;
		adopt_pointers();
		return;
	case 2:
	case 3:
		save_and_restore();
		return;
	case 4:
		load_environment();
		return;
	case 5:
		control = (uint16_t)(0x007f | (draw() & 0x0f00));
		asm volatile("fldcw %0" : : "m"(control) : "memory");
		model.fx.fcw = control;
		return;
	case 6:
		push_one();
		return;
	case 7:
		exchange();
		return;
	case 8:
		register_op(ffree_st, n, NULL);
		model.fx.ftw &= (uint8_t) ~(1u << ((top() + n) & 7));
		adopt_pointers();
		return;
	default:
		asm volatile("fincstp" : : : "memory");
		move_top((top() + 1) & 7);
		adopt_pointers();
		return;
	}
}

static const uint8_t *random_bytes(void)
{
	static uint8_t bytes[64] __attribute__((aligned(64)));
	bool zero = below(8) == 0;

	for (unsigned i = 0; i < sizeof(bytes); i += 8) {
		uint64_t value = zero ? 0 : draw();

		memcpy(bytes + i, &value, 8);
	}
	return bytes;
}

void change_sse(void)
{
	unsigned n = below(FPU_LOW_VECTORS);
	uint32_t mxcsr;

	if (below(4) == 0) {
		mxcsr = (uint32_t)draw() & 0xffff & fpu_mxcsr_mask;
		asm volatile("ldmxcsr %0" : : "m"(mxcsr) : "memory");
		model.fx.mxcsr = mxcsr;
		return;
	}
	for (unsigned count = 1 + below(3); count; count--, n = below(FPU_LOW_VECTORS)) {
		const uint8_t *bytes = random_bytes();

		register_op(movups_load, n, (void *)bytes);
		model_vector(n, bytes, 0, 16); /* and nothing above */
	}
}

void change_vex(void)
{
	unsigned n = below(FPU_LOW_VECTORS), what = below(8);
	const uint8_t *bytes = random_bytes();

	if (!(fpu_components & FPU_AVX))
		return;
	if (what == 0) {
		asm volatile("vzeroupper" : : : "memory");
		for (unsigned i = 0; i < FPU_LOW_VECTORS; i++)
			zero_above(i, 16);
	} else if (what == 1) {
		asm volatile("vzeroall" : : : "memory");
		for (unsigned i = 0; i < FPU_LOW_VECTORS; i++)
			zero_above(i, 0);
	} else if (what < 5) {
		register_op(vmov_xmm_load, n, (void *)bytes);
		model_vector(n, bytes, 0, 16);
		zero_above(n, 16);
	} else {
		register_op(vmov_ymm_load, n, (void *)bytes);
		model_vector(n, bytes, 0, 32);
		zero_above(n, 32);
	}
}

void change_evex(void)
{
	unsigned n = below(FPU_ALL_VECTORS), k = below(8);
	const uint8_t *bytes = random_bytes();

	if (!(fpu_components & FPU_AVX512))
		return;
	if (below(2)) {
		register_op(vmov_zmm_load, n, (void *)bytes);
		model_vector(n, bytes, 0, 64);
	} else {
		bool wide = fpu_components & FPU_K64;

		register_op(wide ? kmovq_load : kmovw_load, k, (void *)bytes);
		model.opmask[k] = 0;
		memcpy(&model.opmask[k], bytes, wide ? 8 : 2);
	}
}

/* Any MMX instruction: TOP = 0 and all tags valid; EMMS: all empty. SDM Vol. 3A 12.2. */
void change_mmx(void)
{
	unsigned n = below(8);

	if (x87_pending())
		return; /* it waits */
	if (below(4) == 0) {
		asm volatile("emms" : : : "memory");
		move_top(0);
		model.fx.ftw = 0;
		return;
	}
	const uint8_t *bytes = random_bytes();

	register_op(movq_mm_load, n, (void *)bytes);
	move_top(0);
	model.fx.ftw = 0xff;
	memcpy(model.fx.st[n], bytes, 8);
	memset(model.fx.st[n] + 8, 0xff, 2);
}
