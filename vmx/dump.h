/*
 * The whole current VMCS, printed.
 */
#pragma once

#include <stdbool.h>

/* Every field of the current VMCS, one section after the other. */
void vmcs_dump(void);

/* The same in pieces: line 0, 1, ...; false past its end. */
bool vmcs_dump_line(unsigned int line);
