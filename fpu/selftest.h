/*
 * What CPUID promises, tried before it is relied on. First CPU; CR0.TS is set afterwards, and the
 * registers are in their initial state.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fpu/method.h"

/*
 * Whether a pattern in every component of the superset survives a save and a load by this method.
 * It may raise exceptions. XCR0 = superset, fpu_features() filled in but for the method.
 */
bool fpu_method_works(enum fpu_save_method method);

/*
 * The offset of PKRU in the standard format, found by saving it; 0 if CPUID.D.9 says otherwise or
 * it does not come back. XCR0 holds PKRU.
 */
uint32_t fpu_find_pkru(void);
