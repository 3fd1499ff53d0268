/* The bounded worlds that are explored: a table that ends with a name of NULL. */
#pragma once

#include "tests/model/world.h"

extern const struct configuration configurations[];
