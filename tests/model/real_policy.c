/* The policies are those of fpu/policy.c. */
#include "tests/model/configurations.h"

const bool policy_is_demon = false;
