/*
 * The XSAVE area: where things are in an image. SDM Vol. 1 13.4 , 10.5.1.
 */
#pragma once

#include <stdint.h>

#define FPU_LEGACY_SIZE 512
#define FPU_HEADER_SIZE 64

/* The bit of XCOMP_BV that says: compacted format (SDM Vol. 1 13.4.2). */
#define FPU_XCOMP_COMPACTED (1ull << 63)

/* Reset values (SDM Vol. 3A table 9-1), with every tag empty. */
#define FPU_RESET_FCW	0x0040
#define FPU_RESET_MXCSR 0x1f80

/* FCW in the initial configuration of the x87 state, which is not the one after reset (SDM Vol.
 * 1 13.6). */
#define FPU_INITIAL_FCW 0x037f

struct fpu_image {
	uint16_t fcw, fsw;
	uint8_t ftw, reserved0;
	uint16_t fop;
	union {
		struct {
			uint64_t fip, fdp; /* saved by the 64-bit forms */
		};
		struct {
			uint32_t fip32;
			uint16_t fcs, reserved1;
			uint32_t fdp32;
			uint16_t fds, reserved2;
		};
	};
	uint32_t mxcsr, mxcsr_mask;
	uint8_t st[8][16];
	uint8_t xmm[16][16];
	uint8_t reserved3[96];
	uint64_t xstate_bv, xcomp_bv;
	uint8_t reserved4[48];
	uint8_t extended[];
};

_Static_assert(sizeof(struct fpu_image) == FPU_LEGACY_SIZE + FPU_HEADER_SIZE, "SDM Vol. 1 13.4");
