/*
 * A stand-in for a hypervisor that uses vector code of its own: the boot option hostfpu=exits runs
 * it after every VM exit but for #NM. It leaves a pattern in every register.
 */
#pragma once

#include "fpu/context.h"

/* After fpu_detect(). Returns 0 or -ENOMEM. */
int fpu_clobber_init(void);

/* A host section that overwrites every component. Root mode, interrupts off. */
void fpu_clobber(struct fpu_cpu *cpu);
