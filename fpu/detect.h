/*
 * Which components and which save instruction this CPU has, and which of them to use.
 * Root mode, interrupts off.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Finds the components and the save instruction (CPUID.D), tries it with a pattern in every
 * component, and steps down to a simpler one if the pattern comes back wrong. `wanted` is the
 * method to begin with, or FPU_METHOD_AUTO. Says at most one line. Where not even FXSAVE brings a
 * pattern back (an emulator's may not), fpu_features()->works is false. First CPU.
 */
void fpu_detect(uint32_t wanted);

/* CR4, XCR0 and IA32_XSS of this CPU as saves, loads and host sections need them; CR0.TS set. */
void fpu_init_hardware(void);
