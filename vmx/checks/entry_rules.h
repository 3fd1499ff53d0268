/*
 * The tables of rules, by the sections of the manual: vmx/checks/entry_rules_*.c. For
 * vmx/checks/entry_checks.c.
 */
#pragma once

#include "vmx/checks/entry_state.h"

extern const struct entry_rules entry_rules_execution, entry_rules_apic, entry_rules_ept,
	entry_rules_exit, entry_rules_entry, entry_rules_host, entry_rules_registers,
	entry_rules_segments, entry_rules_system_segments, entry_rules_rest, entry_rules_activity,
	entry_rules_msrs;
