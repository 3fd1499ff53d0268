/* Shared by debug_traps_real.c and debug_traps_real.S. Offsets from REAL_BASE. */
#pragma once

#include "support/real.h"

#define REAL_SEEN     0x800 /* #DBs since the last note: struct real_seen, its `wanted` unused */
#define REAL_NOTES    0x810 /* one struct real_seen a step */
#define REAL_HYPER    0xbf0 /* in: hypercalls may be used */
#define REAL_SELECTOR 0xc00
#define REAL_MEMORY   0xc10

#ifndef __ASSEMBLER__
#include <stdint.h>

struct real_seen {
	uint32_t count, ip, dr6, wanted;
};
#endif
