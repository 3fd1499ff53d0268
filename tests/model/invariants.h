/*
 * What must hold, by the numbers of docs/model.md: judged by the values that the model knows, not
 * by the core's flags.
 */
#pragma once

#include "tests/model/world.h"

/* After every step of any CPU, in the middle of operations too. */
void invariants_check(void);

/* Around fpu_enter(): the table of states, and how much work it was. */
void invariants_before_entry(struct model_cpu *cpu, const struct model_context *context);
void invariants_after_entry(const struct model_cpu *cpu);
