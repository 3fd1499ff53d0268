/*
 * Where NMIs have struck the hypervisor, for crash=: each instruction once.
 */
#pragma once

#include <stdint.h>

/* In the NMI handler, of any CPU. Addresses outside of the hypervisor's text are left out. */
void struck_note(uint64_t rip);

/* What was struck of some functions of interest: records @struck, one or more a function. */
void struck_print(void);
