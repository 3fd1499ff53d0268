/*
 * Patterns in every FPU register, and whether they are still there.
 *
 * fpu_enable() turns on all that CPUID offers. A pattern is made from a seed and a round, put into
 * the registers by fpu_load(), taken out by fpu_store() and compared in integer code, so that the
 * comparison never touches what it judges. The C code of a guest has no vector instruction.
 */
#pragma once

/* Components: bits of XCR0 for what is there, and three more. */
#define FPU_X87	   0x001u
#define FPU_SSE	   0x002u
#define FPU_AVX	   0x004u
#define FPU_AVX512 0x0e0u
#define FPU_XSAVE  0x100u /* XSAVE exists and CR4.OSXSAVE is on */
#define FPU_K64	   0x200u /* opmask registers have 64 bits */
#define FPU_VZERO  0x400u /* fpu_load() ends with VZEROUPPER */

/* Offsets in struct fpu_registers, for fpu_ops.S. */
#define FPU_VECTORS 512
#define FPU_OPMASK  (512 + 32 * 64)

#define FPU_FCW_INITIAL	  0x037f /* after FNINIT */
#define FPU_FCW_RESET	  0x0040
#define FPU_MXCSR_INITIAL 0x1f80

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest.h"

#define FPU_LOW_VECTORS (GUEST_BITS == 64 ? 16 : 8) /* those that XMM and YMM have */
#define FPU_ALL_VECTORS (GUEST_BITS == 64 ? 32 : 8) /* with AVX-512 */
#define FPU_AREA_SIZE	4096 /* more than any XSAVE area of these components */

/* The suffix of XSAVE's and FXSAVE's forms that keep pointers whole. */
#ifdef __x86_64__
#define WIDE "64"
#else
#define WIDE ""
#endif

/* FXSAVE's area. SDM Vol. 1, table 10-2. */
struct fxsave {
	uint16_t fcw, fsw;
	uint8_t ftw, reserved0;
	uint16_t fop;
#ifdef __x86_64__
	uint64_t fip, fdp;
#else
	uint32_t fip;
	uint16_t fcs, reserved1;
	uint32_t fdp;
	uint16_t fds, reserved2;
#endif
	uint32_t mxcsr, mxcsr_mask;
	uint8_t st[8][16];
	uint8_t xmm[16][16];
	uint8_t reserved3[96];
};

struct fpu_registers {
	struct fxsave fx;
	uint8_t vector[32][64]; /* the low 16 bytes of the first ones are xmm again */
	uint64_t opmask[8];
	/* from here on not loaded or stored */
	bool zero_upper; /* upper halves are in their initial state */
	uint8_t kind;
} __attribute__((aligned(64)));

/*
 * Kinds of pattern. FPU_FULL: everything in use, x87 stack full, top at 0. The others put parts
 * into their initial state, or the x87 stack into unusual ones.
 */
enum fpu_kind {
	FPU_FULL,     /* all registers in use */
	FPU_PARTIAL,  /* some x87 registers empty, top elsewhere */
	FPU_MXCSR,    /* x87 empty, all vectors zero, MXCSR not its default */
	FPU_PENDING,  /* an unmasked x87 exception is pending */
	FPU_X87_ONLY, /* vectors zero, MXCSR 1F80h */
	FPU_SSE_ONLY, /* x87 as after FNINIT, upper halves initial */
	FPU_SPECIAL,  /* x87 holds NaNs, denormals, zeros, infinities */
	FPU_KINDS
};

/*
 * What is there and switched on. A guest that takes components out of XCR0 takes them out here too:
 * all below then leaves them alone.
 */
extern uint32_t fpu_components;
extern uint32_t fpu_mxcsr_mask;

/*
 * Sets CR0.MP, clears EM and TS, sets CR4 and XCR0 for all there is. Returns fpu_components.
 * fpu_enable() executes FNINIT besides; fpu_detect() executes no FPU instruction at all.
 */
uint32_t fpu_enable(void);
uint32_t fpu_detect(void);

/* The state that XRSTOR calls initial, and the one after a reset of the processor. */
void fpu_initial_state(struct fpu_registers *to);
void fpu_reset_state(struct fpu_registers *to);

void fpu_pattern(struct fpu_registers *to, uint64_t seed, uint64_t round, enum fpu_kind kind);

/*
 * Finds out which of FCS, FDS, FIP, FDP, FOP this CPU keeps at all (some drop them) and leaves the
 * others out of comparisons. Prints one line; fpu_calibrate_quietly() does not.
 */
void fpu_calibrate(uint64_t seed);
void fpu_calibrate_quietly(uint64_t seed);

/* fpu_ops.S; use the two below. */
void fpu_load_all(const struct fpu_registers *from, uint32_t components);
void fpu_store_all(struct fpu_registers *to, uint32_t components);

static inline void fpu_load(const struct fpu_registers *from)
{
	fpu_load_all(from, fpu_components | (from->zero_upper ? FPU_VZERO : 0));
}

static inline void fpu_store(struct fpu_registers *to)
{
	fpu_store_all(to, fpu_components);
}

/* True if equal; else what differs first, in words, into why[size]. */
bool fpu_equal(const struct fpu_registers *want, const struct fpu_registers *got, char *why,
	       size_t size);

/*
 * The registers by XSAVE too, and by FNSTENV for the tags; stores nothing else and leaves the
 * registers as they were, but masks x87 exceptions: load again before the next comparison.
 */
bool fpu_equal_by_xsave(const struct fpu_registers *want, char *why, size_t size);
bool fpu_equal_by_tags(const struct fpu_registers *want, char *why, size_t size);

/*
 * An XSAVE area of FPU_AREA_SIZE bytes (fpu_area.c). fpu_area_make() makes one that XRSTOR takes,
 * with these components marked as in use. fpu_area_equal() judges what an XSAVE of `asked` has
 * written over an area whose header was zero.
 */
void fpu_area_make(uint8_t *area, const struct fpu_registers *from, uint64_t in_use);
bool fpu_area_equal(const struct fpu_registers *want, const uint8_t *area, uint64_t asked,
		    char *why, size_t size);

/* The tag word that FNSTENV stores. */
unsigned fpu_tags(const struct fxsave *fx);

/* The parts of a comparison. */
bool fpu_x87_equal(const struct fxsave *want, const struct fxsave *got, char *why, size_t size);
bool fpu_part_equal(const char *name, unsigned n, const void *want, const void *got, size_t bytes,
		    char *why, size_t size);

/* One harmless FPU instruction of the n-th class, to be the first after a switch. */
#define FPU_TOUCHES 9
void fpu_touch(unsigned n);

uint64_t fpu_random(uint64_t seed, uint64_t round, uint64_t slot);
#endif
