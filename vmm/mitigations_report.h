/* What is said of speculation at boot. */
#pragma once

#include "vmx/mitigations.h"

/* The @mitigations record, and a warning of what is open. After mitigate_init(). */
void mitigations_report(enum mitigations_wanted wanted);
