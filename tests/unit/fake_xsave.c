#include <stddef.h>
#include <string.h>

#include "fpu/instructions.h"
#include "fpu/xsave_area.h"
#include "lib/x86.h"
#include "tests/unit/fake_xsave.h"

#define X87_AND_SSE (XCR0_X87 | XCR0_SSE)
#define COMPONENTS  (BIT(FPU_COMPONENTS) - 1)

struct fake_cpu fake_cpu;

/* The registers, as an image of the standard format holds them. */
static union {
	struct fpu_image image;
	uint8_t bytes[4096];
} registers;

static bool lies(enum fake_instruction instruction, enum fake_lie lie)
{
	return fake_cpu.lie == lie && (fake_cpu.liars & BIT(instruction));
}

static bool lies_about(enum fake_instruction instruction, enum fake_lie lie, uint32_t component)
{
	return lies(instruction, lie) && fake_cpu.component_lied_about == component;
}

void fake_cpu_power_on(void)
{
	memset(&registers, 0xd7, sizeof(registers));
	registers.image.mxcsr = 0x5f80;
}

/* A component is up to two pieces, at the same place in the registers and in an image. */
struct pieces {
	struct {
		uint32_t offset, size;
	} piece[2];
};

static struct pieces pieces_of(uint32_t i)
{
	const struct fpu_component *c = &fake_cpu.component[i];

	if (i == 0)
		return (struct pieces){{{0, offsetof(struct fpu_image, mxcsr)},
					{offsetof(struct fpu_image, st), 128}}};
	if (i == 1)
		return (struct pieces){{{offsetof(struct fpu_image, xmm), 256}}};
	return (struct pieces){{{c->offset, c->size}}};
}

static void make_initial(uint32_t i)
{
	struct pieces p = pieces_of(i);

	for (unsigned int n = 0; n < 2; n++)
		memset(registers.bytes + p.piece[n].offset, 0, p.piece[n].size);
	if (i == 0)
		registers.image.fcw = FPU_INITIAL_FCW;
}

static bool is_initial(uint32_t i)
{
	struct pieces p = pieces_of(i);

	if (i == 0 && registers.image.fcw != FPU_INITIAL_FCW)
		return false;
	for (unsigned int n = 0; n < 2; n++)
		for (uint32_t byte = i == 0 && n == 0 ? 2 : 0; byte < p.piece[n].size; byte++)
			if (registers.bytes[p.piece[n].offset + byte])
				return false;
	return true;
}

static uint64_t in_use(void)
{
	uint64_t used = 0;

	for (uint32_t i = 0; i < FPU_COMPONENTS; i++)
		if (fake_cpu.all_in_use || !is_initial(i))
			used |= BIT(i);
	return used;
}

/* How far an image has a component from where the registers have it. */
static int32_t shift_of(enum fake_instruction instruction, uint64_t xcomp_bv, uint32_t i)
{
	const struct fpu_component *c = fake_cpu.component;
	int32_t shift = lies_about(instruction, FAKE_MISPLACES, i) ? 64 : 0;

	if (i < 2 || !(xcomp_bv & FPU_XCOMP_COMPACTED))
		return shift;
	return shift + (int32_t)fpu_compacted_offset(c, xcomp_bv & COMPONENTS, i) -
	       (int32_t)c[i].offset;
}

static void write_component(enum fake_instruction instruction, uint8_t *area, uint64_t xcomp_bv,
			    uint32_t i)
{
	struct pieces p = pieces_of(i);
	int32_t shift = shift_of(instruction, xcomp_bv, i);

	if (i == 2 && lies(instruction, FAKE_SAVE_AVX_OVER_HEADER))
		shift = FPU_LEGACY_SIZE - (int32_t)p.piece[0].offset;
	for (unsigned int n = 0; n < 2; n++) {
		uint32_t size = p.piece[n].size;
		uint8_t *to = area + (int32_t)p.piece[n].offset + shift;

		memcpy(to, registers.bytes + p.piece[n].offset, size);
		if (size && lies_about(instruction, FAKE_SAVE_HALVES, i))
			memset(to + size / 2, 0, size - size / 2);
	}
}

static void read_component(enum fake_instruction instruction, const uint8_t *area,
			   uint64_t xcomp_bv, uint32_t i)
{
	struct pieces p = pieces_of(i);
	int32_t shift = shift_of(instruction, xcomp_bv, i);

	for (unsigned int n = 0; n < 2; n++) {
		uint32_t size = p.piece[n].size;
		uint8_t *to = registers.bytes + p.piece[n].offset;

		memcpy(to, area + (int32_t)p.piece[n].offset + shift, size);
		if (size && lies_about(instruction, FAKE_LOAD_HALVES, i))
			memset(to + size / 2, 0, size - size / 2);
	}
}

static void forget_pointers(struct fpu_image *image)
{
	image->fip = image->fdp = 0;
}

/* What lies leave behind in an image that was else saved as it should be. */
static void spoil(enum fake_instruction instruction, struct fpu_image *image, uint32_t size)
{
	if (lies(instruction, FAKE_SAVE_SPOILS_HEADER))
		image->reserved4[47] = 1;
	if (lies(instruction, FAKE_SAVE_TOO_FAR))
		memset((uint8_t *)image + size, 0x5e, 8);
	if (lies(instruction, FAKE_SAVE_LOSES_POINTERS))
		forget_pointers(image);
	if (lies(instruction, FAKE_SAVE_LOSES_OPCODE))
		image->fop = 0;
	for (uint32_t i = 0; i < FPU_COMPONENTS; i++)
		if (lies(instruction, FAKE_SAVE_EMPTIES))
			make_initial(i);
}

static bool save(enum fake_instruction instruction, struct fpu_image *image, uint64_t mask)
{
	bool compacts = instruction == FAKE_XSAVEC || instruction == FAKE_XSAVES;
	uint64_t rfbm = mask & fake_cpu.xcr0, used = in_use() & rfbm, written, xcomp_bv = 0;
	bool mxcsr = rfbm & (XCR0_SSE | XCR0_AVX);
	uint32_t size = fpu_standard_size(fake_cpu.component, rfbm);

	if (!fake_cpu.xcr0 || lies(instruction, FAKE_SAVE_FAULTS))
		return false;
	if (compacts) {
		if (registers.image.mxcsr != FPU_RESET_MXCSR &&
		    !lies(instruction, FAKE_SAVE_FORGETS_MXCSR))
			used |= rfbm & XCR0_SSE;
		mxcsr = used & XCR0_SSE;
		xcomp_bv = rfbm | FPU_XCOMP_COMPACTED;
		size = fpu_compacted_size(fake_cpu.component, rfbm);
	}
	written = instruction == FAKE_XSAVE ? rfbm : used;
	for (uint32_t i = 0; i < FPU_COMPONENTS; i++) {
		if (lies_about(instruction, FAKE_SAVE_SAYS_INITIAL, i))
			used &= ~BIT(i);
		if ((written & BIT(i)) && !lies_about(instruction, FAKE_SAVE_OMITS, i))
			write_component(instruction, (uint8_t *)image, xcomp_bv, i);
	}
	if (mxcsr && !lies(instruction, FAKE_SAVE_FORGETS_MXCSR))
		image->mxcsr = registers.image.mxcsr;
	if (compacts) {
		image->xstate_bv = used;
		image->xcomp_bv = xcomp_bv;
		if (lies(instruction, FAKE_SAVE_WRONG_LAYOUT))
			image->xcomp_bv |= fake_cpu.xcr0;
	} else {
		image->xstate_bv = (image->xstate_bv & ~rfbm) | used;
	}
	if (lies(instruction, FAKE_SAVE_SAYS_TOO_MUCH))
		image->xstate_bv |= fake_cpu.xcr0;
	if (lies(instruction, FAKE_SAVE_WRONG_FORMAT))
		image->xcomp_bv ^= FPU_XCOMP_COMPACTED;
	if (lies(instruction, FAKE_SAVE_AVX_OVER_HEADER) && (written & XCR0_AVX))
		write_component(instruction, (uint8_t *)image, xcomp_bv, 2);
	spoil(instruction, image, size);
	return true;
}

static bool zeros(const void *bytes, size_t count)
{
	static const uint8_t zero[FPU_HEADER_SIZE];

	return !memcmp(bytes, zero, count);
}

static bool is_malformed(const struct fpu_image *image)
{
	if (image->xstate_bv & ~fake_cpu.xcr0)
		return true;
	if (!(image->xcomp_bv & FPU_XCOMP_COMPACTED))
		return image->xcomp_bv || !zeros(image->reserved4, 8);
	return (image->xcomp_bv & ~FPU_XCOMP_COMPACTED & ~fake_cpu.xcr0) ||
	       (image->xstate_bv & ~image->xcomp_bv) ||
	       !zeros(image->reserved4, sizeof(image->reserved4));
}

static void load_component(enum fake_instruction instruction, const struct fpu_image *image,
			   uint64_t asked, uint32_t i)
{
	if (!(asked & BIT(i))) {
		if ((fake_cpu.xcr0 & BIT(i)) && lies_about(instruction, FAKE_LOAD_TOUCHES, i))
			make_initial(i);
	} else if (image->xstate_bv & BIT(i)) {
		if (!lies_about(instruction, FAKE_LOAD_OMITS, i))
			read_component(instruction, (const uint8_t *)image, image->xcomp_bv, i);
	} else if (!lies_about(instruction, FAKE_LOAD_KEEPS, i)) {
		make_initial(i);
	}
}

/* False: it would load a reserved bit. */
static bool load_mxcsr(enum fake_instruction instruction, const struct fpu_image *image,
		       uint64_t asked)
{
	bool compacted = image->xcomp_bv & FPU_XCOMP_COMPACTED, used = image->xstate_bv & XCR0_SSE;
	uint32_t value = compacted && !used ? FPU_RESET_MXCSR : image->mxcsr;

	if (!(asked & (compacted ? XCR0_SSE : XCR0_SSE | XCR0_AVX)) ||
	    (!used && lies(instruction, FAKE_LOAD_KEEPS_MXCSR)))
		return true;
	registers.image.mxcsr = value & 0xffff;
	return !(value >> 16);
}

static bool load(enum fake_instruction instruction, const struct fpu_image *image, uint64_t mask)
{
	bool compacted = image->xcomp_bv & FPU_XCOMP_COMPACTED;
	uint64_t asked = mask & fake_cpu.xcr0;

	if (instruction == FAKE_XRSTOR && compacted)
		instruction = FAKE_XRSTOR_COMPACTED;
	if (!fake_cpu.xcr0 || lies(instruction, FAKE_LOAD_FAULTS) || is_malformed(image) ||
	    (instruction == FAKE_XRSTORS && !compacted))
		return false;
	if (lies(instruction, FAKE_LOAD_ALL))
		asked = fake_cpu.xcr0;
	for (uint32_t i = 0; i < FPU_COMPONENTS; i++)
		load_component(instruction, image, asked, i);
	if (lies(instruction, FAKE_LOAD_LOSES_POINTERS))
		forget_pointers(&registers.image);
	return load_mxcsr(instruction, image, asked);
}

bool fpu_fxsave64(struct fpu_image *image, uint64_t unused)
{
	(void)unused;
	if (lies(FAKE_FXSAVE, FAKE_SAVE_FAULTS))
		return false;
	for (uint32_t i = 0; i < 2; i++)
		if (!lies_about(FAKE_FXSAVE, FAKE_SAVE_OMITS, i))
			write_component(FAKE_FXSAVE, (uint8_t *)image, 0, i);
	if (!lies(FAKE_FXSAVE, FAKE_SAVE_FORGETS_MXCSR))
		image->mxcsr = registers.image.mxcsr;
	spoil(FAKE_FXSAVE, image, FPU_LEGACY_SIZE);
	return true;
}

bool fpu_fxrstor64(struct fpu_image *image, uint64_t unused)
{
	(void)unused;
	if (lies(FAKE_FXRSTOR, FAKE_LOAD_FAULTS) || image->mxcsr >> 16)
		return false;
	for (uint32_t i = 0; i < 2; i++)
		if (!lies_about(FAKE_FXRSTOR, FAKE_LOAD_OMITS, i))
			read_component(FAKE_FXRSTOR, (const uint8_t *)image, 0, i);
	registers.image.mxcsr = image->mxcsr;
	if (lies(FAKE_FXRSTOR, FAKE_LOAD_LOSES_POINTERS))
		forget_pointers(&registers.image);
	return true;
}

bool fpu_xsave64(struct fpu_image *image, uint64_t components)
{
	return save(FAKE_XSAVE, image, components);
}

bool fpu_xsaveopt64(struct fpu_image *image, uint64_t components)
{
	return save(FAKE_XSAVEOPT, image, components);
}

bool fpu_xsavec64(struct fpu_image *image, uint64_t components)
{
	return save(FAKE_XSAVEC, image, components);
}

bool fpu_xsaves64(struct fpu_image *image, uint64_t components)
{
	return save(FAKE_XSAVES, image, components);
}

bool fpu_xrstor64(struct fpu_image *image, uint64_t components)
{
	return load(FAKE_XRSTOR, image, components);
}

bool fpu_xrstors64(struct fpu_image *image, uint64_t components)
{
	return load(FAKE_XRSTORS, image, components);
}

/* What fpu/image.c calls besides, and no trial calls. */
bool fpu_xsave32(struct fpu_image *image, uint64_t components)
{
	return save(FAKE_XSAVE, image, components);
}

bool fpu_xrstor32(struct fpu_image *image, uint64_t components)
{
	return load(FAKE_XRSTOR, image, components);
}

bool fpu_fxsave32(struct fpu_image *image, uint64_t unused)
{
	return fpu_fxsave64(image, unused);
}

bool fpu_fxrstor32(struct fpu_image *image, uint64_t unused)
{
	return fpu_fxrstor64(image, unused);
}

void fpu_clear_sse(void *address, uint64_t size)
{
	memset(address, 0, size);
}

void fpu_clear_avx(void *address, uint64_t size)
{
	memset(address, 0, size);
}
