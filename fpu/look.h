/*
 * A look at a context's registers by who must not be noticed.
 */
#pragma once

#include <stdbool.h>

struct fpu_cpu;
struct fpu_guest;
struct fpu_image;

/*
 * Afterwards `to` has the newest value of a guest's FPU state, in one of the two formats of XSAVE
 * areas, and `is32` its width. Where the CPU's registers alone hold it they are read. Nothing
 * changes: who owns what, counters, CR0.TS, XCR0, the guest's image, what the CPU knows of having
 * been modified since a load. On the CPU that is the context's home, if it has one, while the guest
 * is not entered; root mode, interrupts off.
 */
void fpu_look(const struct fpu_cpu *cpu, const struct fpu_guest *guest, struct fpu_image *to,
	      bool *is32);
