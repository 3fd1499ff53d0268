/* The bounded worlds that are explored: tables that end with a name of NULL. */
#pragma once

#include "tests/model/world.h"

extern const struct configuration configurations[];
extern const struct configuration demon_configurations[];

/* Every policy at once decides, in the place of fpu/policy.c (demon.c). */
extern const bool policy_is_demon;
