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

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

extern uint32_t fpu_components;

/* Sets CR0.MP, clears EM and TS, sets CR4 and XCR0 for all there is. Returns fpu_components. */
uint32_t fpu_enable(void);

void fpu_pattern(struct fpu_registers *to, uint64_t seed, uint64_t round, enum fpu_kind kind);

/*
 * Finds out which of FCS, FDS, FIP, FDP, FOP this CPU keeps at all (some drop them) and leaves the
 * others out of comparisons. Prints one line.
 */
void fpu_calibrate(uint64_t seed);

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

/* One harmless FPU instruction of the n-th class, to be the first after a switch. */
#define FPU_TOUCHES 9
void fpu_touch(unsigned n);

uint64_t fpu_random(uint64_t seed, uint64_t round, uint64_t slot);
#endif
