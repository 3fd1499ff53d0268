/*
 * Faults in the hypervisor, provoked by the boot option `crash=`, to see how they are reported.
 */
#pragma once

#include <stdint.h>

/* `crash` is an enum option_crash; all but OPTION_CRASH_NONE and OPTION_CRASH_NMI end the machine.
 */
void crash_provoke(uint32_t crash);
