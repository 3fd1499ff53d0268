/*
 * What CPUID promises, tried before it is relied on. First CPU; CR0.TS is set afterwards, and the
 * registers are in their initial state.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fpu/method.h"

/* Whether fpu_trial() finds nothing wrong with this method. The same conditions. */
bool fpu_method_works(enum fpu_save_method method);

/*
 * The offset of PKRU in the standard format, found by saving it; 0 if CPUID.D.9 says otherwise or
 * it does not come back. XCR0 holds PKRU.
 */
uint32_t fpu_find_pkru(void);
