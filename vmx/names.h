/*
 * What VMX has numbers for, in words.
 */
#pragma once

#include <stdint.h>

/* A VM-instruction error. SDM Vol. 3C 30.4. */
const char *vmx_instruction_error_name(uint32_t error);

/* An exception's mnemonic, as "#GP"; where it has none "exception". SDM Vol. 3A table 6-1. */
const char *exception_name(uint8_t vector);

/* A basic exit reason, as vmx/exit_reasons.h has it; "unknown" where it is none of its list. */
const char *exit_reason_name(unsigned int reason);
