/*
 * HYPERCALL_NO_BIOS: a guest in real mode has come to an entry of vmm/load/firmware_rom.S.
 */
#pragma once

#include <stdint.h>

struct vcpu;

/* Ends the VM with one line on what it wanted. return_address is CS:IP, CS in the high half. */
void bios_call(struct vcpu *vcpu, uint8_t vector, uint16_t ax, uint32_t return_address);
