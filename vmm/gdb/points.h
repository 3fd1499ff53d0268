/*
 * Breakpoints and watchpoints of the debugged VM. First CPU, while it stands still.
 */
#pragma once

#include <stdint.h>

#include "vmm/debugged.h"

/*
 * -EINVAL: no CPU has such a one. -ENOSPC: there are too many. -EFAULT: there is no memory where
 * `vcpu` sees this address.
 */
int points_add(struct vcpu *vcpu, enum debug_kind kind, uint64_t linear, unsigned int length);

/* What is not there is no error. */
void points_remove(enum debug_kind kind, uint64_t linear, unsigned int length);

void points_remove_all(void);

/*
 * Before it runs, and after: puts them where they work, and takes them away again. Addresses of
 * software breakpoints are those that `vcpu` sees; one that it does not see now is left out.
 */
void points_arm(struct vcpu *vcpu);
void points_disarm(void);
