#include "vmm/needs.h"

#include "boot/clock.h"
#include "fpu/features.h"

static bool fpu_works(void)
{
	return fpu_features()->works;
}

const struct machine_need machine_needs[] = {
	{"fpu", fpu_works, "the FPU does not keep a pattern through FXSAVE and FXRSTOR"},
	{"timer", clock_can_wake,
	 "neither the local APIC's timer nor the 8254 interrupts: an idle CPU would never wake. "
	 "Enable one of them in the firmware's setup"},
	{},
};
