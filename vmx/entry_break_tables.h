/*
 * The tables of what breaks a rule: vmx/entry_breaks_*.c. For vmx/entry_breaks.c.
 */
#pragma once

#include "vmx/entry_break.h"

extern const struct entry_breaks entry_breaks_controls, entry_breaks_apic, entry_breaks_host,
	entry_breaks_guest, entry_breaks_segments;
