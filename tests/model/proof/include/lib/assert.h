/*
 * lib/assert.h for the proof: a condition that the code itself must keep is a proof obligation.
 */
#pragma once

/*@ requires holds: condition;
    assigns \nothing;
    ensures condition; */
void proof_assert(_Bool condition);

#define assert(condition) proof_assert(condition)
