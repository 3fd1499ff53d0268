/*
 * Which FPU policy the CPUs follow: chosen at boot, on the console, or by a guest that may.
 */
#pragma once

#include "fpu/context.h"

/*
 * The policy of all CPUs from now on; returns the one before. Warns, once a boot, if it leaves the
 * registers to other trust domains and the CPUs may speculate past #NM (CVE-2018-3665). After
 * vms_create(), between two VM entries of this CPU.
 */
enum fpu_policy fpu_policy_set(enum fpu_policy policy);
