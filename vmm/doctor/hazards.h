/*
 * What the machine's CPUs let guests see by speculation, and what is done about it: the verdicts of
 * vmx/mitigations.h, as the boot goes by them. Pure functions of these.
 */
#pragma once

#include "vmm/doctor/findings.h"
#include "vmx/mitigations.h"

/* A row for each hazard, on the page only if the machine has it. */
void doctor_examine_hazards(struct findings *findings, const struct mitigations *m);

/* A line to print() for each that the machine has: what is done, or what is wanting. */
void doctor_explain_hazards(const struct mitigations *m);
