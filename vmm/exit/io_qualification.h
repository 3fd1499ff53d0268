/*
 * The exit qualification of I/O instructions: SDM Vol. 3C table 27-5.
 */
#pragma once

#include "lib/x86.h"

#define IO_SIZE_LESS_1 0x7
#define IO_SIZE(q)     (((q)&7) + 1)
#define IO_IN	       BIT(3)
#define IO_STRING      BIT(4)
#define IO_REP	       BIT(5)
#define IO_PORT(q)     ((q) >> 16 & 0xffff)
