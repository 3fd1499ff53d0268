/*
 * A change of a CPU's FPU policy, and the warning that some of them deserve.
 */
#pragma once

#include "fpu/owner.h"

/*
 * Warns if the policy leaves the registers to other trust domains, and this CPU may speculate past
 * #NM (CVE-2018-3665). Once a boot. When the VMs are there.
 */
void fpu_policy_warn(const struct fpu_cpu *cpu);

/* fpu_set_policy(), and the warning. Between two VM entries of this CPU. */
void fpu_policy_set(struct fpu_cpu *cpu, enum fpu_policy policy);
