/*
 * CR2, for a module that is compiled with this file in front: a test cannot write it. See unit.mk.
 */
#pragma once

#include "lib/x86.h"

void fake_write_cr2(uint64_t value);

#define write_cr2 fake_write_cr2
