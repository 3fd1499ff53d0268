/*
 * Faults in the hypervisor, provoked by the boot option `crash=`, to see how they are reported.
 */
#pragma once

#include <stdint.h>

struct vcpu;

/*
 * `crash` is an enum option_crash. All end the machine but OPTION_CRASH_NONE, and those that go on
 * while guests run: _NMI, _NESTED, _STORM, and _MEMORY, which ends the first guest that an NMI
 * strikes.
 */
void provoke(uint32_t crash);

/* After an NMI that struck a guest: what `crash=` has in store for it. */
void provoke_at_nmi_exit(struct vcpu *vcpu);
