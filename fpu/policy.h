/*
 * The policies' names: `fpu=` on the command line, policy= in @ records.
 */
#pragma once

#include "fpu/owner.h"

const char *fpu_policy_name(enum fpu_policy policy);
