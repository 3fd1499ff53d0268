/*
 * INS and OUTS.
 */
#pragma once

#include <stdint.h>

struct vcpu;

/* Does one element of it, from the I/O exit with this qualification. The vCPU's VMCS is current. */
void exit_string_io(struct vcpu *vcpu, uint64_t qualification);
