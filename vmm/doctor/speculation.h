/*
 * What a CPU says of how it speculates, and what that means here. Pure functions of its facts.
 */
#pragma once

#include "vmm/doctor/facts.h"
#include "vmm/doctor/findings.h"

/* A row for each bit of IA32_ARCH_CAPABILITIES, CPUID.7.0:EDX and CPUID.7.2:EDX. */
void doctor_examine_speculation(struct findings *findings, const struct cpu_facts *facts);

/* A line to print() for each that is set, and for each that is not though it matters. */
void doctor_explain_speculation(const struct cpu_facts *facts);
