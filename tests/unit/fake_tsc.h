/*
 * The TSC, for a module that is compiled with this file in front: its test is the clock. See
 * unit.mk.
 */
#pragma once

#include "lib/x86.h"

uint64_t fake_rdtsc(void);

#define rdtsc fake_rdtsc
