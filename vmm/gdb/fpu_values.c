#include "vmm/gdb/fpu_values.h"

#include <stddef.h>

#include "fpu/features.h"
#include "lib/string.h"
#include "lib/x86.h"

#define OPMASK	    5
#define ZMM_LOW	    6 /* the upper halves of ZMM0 to ZMM15 */
#define ZMM_HIGH    7 /* ZMM16 to ZMM31, whole */
#define FSW_TOP(sw) ((sw) >> 11 & 7)
#define MASK_BYTES  8

enum tag {
	TAG_VALID,
	TAG_ZERO,
	TAG_SPECIAL,
	TAG_EMPTY,
};

static bool is_compacted(const struct fpu_image *image)
{
	return image->xcomp_bv & FPU_XCOMP_COMPACTED;
}

/* FXSAVE has no header, and everything there. */
static bool is_there(const struct fpu_image *image, unsigned int component)
{
	return !fpu_features()->superset || (image->xstate_bv & BIT(component));
}

/* MXCSR is loaded with SSE or AVX in the standard format, and is a part of SSE in the other. */
static bool mxcsr_is_there(const struct fpu_image *image)
{
	return !is_compacted(image) || is_there(image, 1);
}

static uint32_t offset_of(const struct fpu_image *image, unsigned int component)
{
	const struct fpu_features *f = fpu_features();

	if (is_compacted(image))
		return fpu_compacted_offset(f->component, image->xcomp_bv & ~FPU_XCOMP_COMPACTED,
					    component);
	return f->component[component].offset;
}

/* Where a register of one of the components beyond the legacy region lies. */
struct place {
	unsigned int component, offset, size;
};

static struct place place_of(enum fpu_value kind, unsigned int n)
{
	if (kind == FPU_VALUE_MASK)
		return (struct place){OPMASK, MASK_BYTES * n, MASK_BYTES};
	if (n >= 16) { /* XMM, YMM_HIGH and ZMM_HIGH behind each other */
		unsigned int at = kind == FPU_VALUE_XMM ? 0 : kind == FPU_VALUE_YMM_HIGH ? 16 : 32;

		return (struct place){ZMM_HIGH, 64 * (n - 16) + at,
				      kind == FPU_VALUE_ZMM_HIGH ? 32 : 16};
	}
	if (kind == FPU_VALUE_ZMM_HIGH)
		return (struct place){ZMM_LOW, 32 * n, 32};
	return (struct place){__builtin_ctz(XCR0_AVX), 16 * n, 16};
}

static bool is_legacy(enum fpu_value kind, unsigned int n)
{
	return kind <= FPU_VALUE_CONTROL || kind == FPU_VALUE_MXCSR ||
	       (kind == FPU_VALUE_XMM && n < 16);
}

/* What FXSAVE's tag word leaves out (SDM Vol. 1 8.1.7, 10.5.1.1). */
static enum tag tag_of(const struct fpu_image *image, unsigned int physical)
{
	const uint8_t *st = image->st[(physical - FSW_TOP(image->fsw)) & 7];
	uint64_t significand;
	uint16_t exponent;

	if (!(image->ftw >> physical & 1))
		return TAG_EMPTY;
	memcpy(&significand, st, sizeof(significand));
	memcpy(&exponent, st + 8, sizeof(exponent));
	exponent &= 0x7fff;
	if (!exponent && !significand)
		return TAG_ZERO;
	return exponent == 0x7fff || !(significand >> 63) ? TAG_SPECIAL : TAG_VALID;
}

static uint32_t read_tags(const struct fpu_image *image)
{
	uint32_t tags = 0;

	for (unsigned int i = 0; i < 8; i++)
		tags |= (uint32_t)tag_of(image, i) << 2 * i;
	return tags;
}

static uint32_t read_control(const struct fpu_image *image, enum fpu_control number)
{
	switch (number) {
	case FPU_FCTRL:
		return image->fcw;
	case FPU_FSTAT:
		return image->fsw;
	case FPU_FTAG:
		return read_tags(image);
	case FPU_FISEG:
		return image->fcs;
	case FPU_FIOFF:
		return image->fip32;
	case FPU_FOSEG:
		return image->fds;
	case FPU_FOOFF:
		return image->fdp32;
	case FPU_FOP:
		return image->fop;
	}
	return 0;
}

static void write_control(struct fpu_image *image, enum fpu_control number, uint32_t value)
{
	switch (number) {
	case FPU_FCTRL:
		image->fcw = (uint16_t)value;
		break;
	case FPU_FSTAT:
		image->fsw = (uint16_t)value;
		break;
	case FPU_FTAG:
		image->ftw = 0;
		for (unsigned int i = 0; i < 8; i++)
			image->ftw |= (uint8_t)(((value >> 2 * i & 3) != TAG_EMPTY) << i);
		break;
	case FPU_FISEG:
		image->fcs = (uint16_t)value;
		break;
	case FPU_FIOFF:
		image->fip32 = value;
		break;
	case FPU_FOSEG:
		image->fds = (uint16_t)value;
		break;
	case FPU_FOOFF:
		image->fdp32 = value;
		break;
	case FPU_FOP:
		image->fop = value & 0x7ff;
		break;
	}
}

/* The legacy region with what is in its initial state as that says. */
static void complete(const struct fpu_image *image, struct fpu_image *legacy)
{
	*legacy = *image;
	if (!is_there(image, 0)) {
		memset(legacy, 0, offsetof(struct fpu_image, mxcsr));
		memset(legacy->st, 0, sizeof(legacy->st));
		legacy->fcw = FPU_INITIAL_FCW;
	}
	if (!is_there(image, 1))
		memset(legacy->xmm, 0, sizeof(legacy->xmm));
	if (!mxcsr_is_there(image))
		legacy->mxcsr = FPU_RESET_MXCSR;
}

static void read_legacy(const struct fpu_image *image, enum fpu_value kind, unsigned int n,
			uint8_t *bytes)
{
	uint32_t control;

	switch (kind) {
	case FPU_VALUE_ST:
		memcpy(bytes, image->st[n], 10);
		break;
	case FPU_VALUE_CONTROL:
		control = read_control(image, (enum fpu_control)n);
		memcpy(bytes, &control, sizeof(control));
		break;
	case FPU_VALUE_XMM:
		memcpy(bytes, image->xmm[n], sizeof(image->xmm[n]));
		break;
	default:
		memcpy(bytes, &image->mxcsr, sizeof(image->mxcsr));
		break;
	}
}

void fpu_value_read(const struct fpu_image *image, enum fpu_value kind, unsigned int number,
		    uint8_t *bytes)
{
	struct place place;
	struct fpu_image legacy;

	if (is_legacy(kind, number)) {
		complete(image, &legacy);
		read_legacy(&legacy, kind, number, bytes);
		return;
	}
	place = place_of(kind, number);
	if (is_there(image, place.component))
		memcpy(bytes,
		       (const uint8_t *)image + offset_of(image, place.component) + place.offset,
		       place.size);
	else
		memset(bytes, 0, place.size);
}

/* A mask of 0 in an image stands for the first CPUs that had SSE (SDM Vol. 1 11.6.6). */
static bool mxcsr_valid(const struct fpu_image *image, uint32_t value)
{
	return !(value & ~(image->mxcsr_mask ? image->mxcsr_mask : 0xffbf));
}

static bool write_legacy(struct fpu_image *image, enum fpu_value kind, unsigned int n,
			 const uint8_t *bytes)
{
	struct fpu_image legacy;
	uint32_t value;

	complete(image, &legacy);
	memcpy(&value, bytes, sizeof(value));
	if (kind == FPU_VALUE_MXCSR && !mxcsr_valid(image, value))
		return false;
	switch (kind) {
	case FPU_VALUE_ST:
		memcpy(legacy.st[n], bytes, 10);
		break;
	case FPU_VALUE_CONTROL:
		write_control(&legacy, (enum fpu_control)n, value);
		break;
	case FPU_VALUE_XMM:
		memcpy(legacy.xmm[n], bytes, sizeof(legacy.xmm[n]));
		break;
	default:
		legacy.mxcsr = value;
		break;
	}
	if (fpu_features()->superset)
		legacy.xstate_bv |= kind <= FPU_VALUE_CONTROL ? XCR0_X87 : XCR0_SSE;
	*image = legacy;
	return true;
}

bool fpu_value_write(struct fpu_image *image, enum fpu_value kind, unsigned int number,
		     const uint8_t *bytes)
{
	struct place place;
	uint8_t *component;

	if (is_legacy(kind, number))
		return write_legacy(image, kind, number, bytes);
	place = place_of(kind, number);
	component = (uint8_t *)image + offset_of(image, place.component);
	if (!is_there(image, place.component))
		memset(component, 0, fpu_features()->component[place.component].size);
	memcpy(component + place.offset, bytes, place.size);
	image->xstate_bv |= BIT(place.component);
	return true;
}
