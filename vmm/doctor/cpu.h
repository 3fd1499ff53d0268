/*
 * What is found of each CPU: pure functions of its facts.
 */
#pragma once

#include <stdbool.h>

#include "vmm/doctor/facts.h"
#include "vmm/doctor/findings.h"

/* All of the rows of a CPU. `several`: there are others, and it is compared with the first. */
void doctor_examine_cpu(struct findings *findings, const struct cpu_facts *facts, bool several);
