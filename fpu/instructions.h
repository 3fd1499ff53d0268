/*
 * fpu/instructions.S: one function an instruction. CR0.TS clear; images 64-byte aligned.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct fpu_image;

/* False: the instruction raised #GP (a malformed image) or #UD (there is no such instruction). */
bool fpu_xsave64(struct fpu_image *image, uint64_t components);
bool fpu_xsave32(struct fpu_image *image, uint64_t components);
bool fpu_xsaveopt64(struct fpu_image *image, uint64_t components);
bool fpu_xsavec64(struct fpu_image *image, uint64_t components);
bool fpu_xsaves64(struct fpu_image *image, uint64_t components);
bool fpu_xrstors64(struct fpu_image *image, uint64_t components);
bool fpu_xrstor64(struct fpu_image *image, uint64_t components);
bool fpu_xrstor32(struct fpu_image *image, uint64_t components);

/* The component mask is not looked at. */
bool fpu_fxsave64(struct fpu_image *image, uint64_t unused);
bool fpu_fxsave32(struct fpu_image *image, uint64_t unused);
bool fpu_fxrstor64(struct fpu_image *image, uint64_t unused);
bool fpu_fxrstor32(struct fpu_image *image, uint64_t unused);

/* XCR0; needs CR4.OSXSAVE. */
void fpu_xsetbv(uint64_t value);

/* PKRU, which CR0.TS does not guard. The CPU has protection keys. */
uint32_t fpu_rdpkru(void);
void fpu_wrpkru(uint32_t value);

/* Zeros; address and size multiples of 128, size not 0. Host sections only. */
void fpu_clear_sse(void *address, uint64_t size);
void fpu_clear_avx(void *address, uint64_t size);
