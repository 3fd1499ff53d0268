/*
 * What the kernel does around vmm/mail.c and vmm/loaded.c, in worlds with mail: of its run loop,
 * its idle CPUs and the ends of its VMs what matters to them. hypervisor.c does the rest.
 */
#pragma once

#include <stdbool.h>

#include "tests/model/world.h"

/* In the fiber of a CPU: its `operation`, if that is one of these. */
bool run_loop_operation(struct model_cpu *cpu);
