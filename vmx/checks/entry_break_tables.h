/*
 * The tables of what breaks a rule: vmx/checks/entry_breaks_*.c. For vmx/checks/entry_breaks.c.
 */
#pragma once

#include "vmx/checks/entry_break.h"

extern const struct entry_breaks entry_breaks_controls, entry_breaks_apic, entry_breaks_host,
	entry_breaks_guest, entry_breaks_segments;
