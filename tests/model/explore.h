/* Breadth first through every state that the configuration can reach. */
#pragma once

#include "tests/model/world.h"

enum verdict { VERDICT_HOLDS, VERDICT_VIOLATED, VERDICT_CUT };

/* At most so many states. Prints one line, and the way to the violation if there is one. */
enum verdict explore(const struct configuration *what, uint32_t states_max);
