/*
 * CPUID, for a module that is compiled with this file in front: its test is the CPU. See unit.mk.
 */
#pragma once

#define cpuid_count    cpuid_count_of_this_machine
#define cpuid	       cpuid_of_this_machine
#define cpuid_max_leaf cpuid_max_leaf_of_this_machine
#include "lib/x86.h"
#undef cpuid_count
#undef cpuid
#undef cpuid_max_leaf

struct cpuid_regs fake_cpuid(uint32_t leaf, uint32_t subleaf);

#define cpuid_count	 fake_cpuid
#define cpuid(leaf)	 fake_cpuid(leaf, 0)
#define cpuid_max_leaf() (fake_cpuid(0, 0).eax)
