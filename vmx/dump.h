/*
 * VMX failures in words, and the whole current VMCS.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The VM-instruction error in words. SDM Vol. 3C 30.4. */
const char *vmx_instruction_error_name(uint32_t error);

/* Every field of the current VMCS, one section after the other. */
void vmcs_dump(void);

/* The same in pieces: line 0, 1, ...; false past its end. */
bool vmcs_dump_line(unsigned int line);
