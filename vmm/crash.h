/*
 * Faults in the hypervisor, provoked by the boot option `crash=`, to see how they are reported.
 */
#pragma once

#include <stdint.h>

/* `crash` is an enum option_crash; OPTION_CRASH_NONE and OPTION_CRASH_NMI return. */
void crash_provoke(uint32_t crash);
