/*
 * fpu/instructions.S: one function an instruction. CR0.TS clear; images 64-byte aligned.
 */
#pragma once

#include <stdint.h>

struct fpu_image;

void fpu_xsave64(struct fpu_image *image, uint64_t components);
void fpu_xsave32(struct fpu_image *image, uint64_t components);
void fpu_xsaveopt64(struct fpu_image *image, uint64_t components);
void fpu_xrstor64(struct fpu_image *image, uint64_t components);
void fpu_xrstor32(struct fpu_image *image, uint64_t components);

/* The component mask is not looked at. */
void fpu_fxsave64(struct fpu_image *image, uint64_t unused);
void fpu_fxsave32(struct fpu_image *image, uint64_t unused);
void fpu_fxrstor64(struct fpu_image *image, uint64_t unused);
void fpu_fxrstor32(struct fpu_image *image, uint64_t unused);

/* XCR0; needs CR4.OSXSAVE. */
void fpu_xsetbv(uint64_t value);

/* Zeros; address and size multiples of 128, size not 0. Host sections only. */
void fpu_clear_sse(void *address, uint64_t size);
void fpu_clear_avx(void *address, uint64_t size);
