/*
 * CR0.TS is set in root mode always but between these two: VMCS HOST_CR0 sets it at every VM exit,
 * so that a stray vector instruction raises #NM. Interrupts off, never in an NMI handler.
 */
#pragma once

#include "boot/cpu.h"
#include "lib/assert.h"
#include "lib/x86.h"

static inline void registers_open(void)
{
	assert((read_cr0() & CR0_TS) && !this_cpu()->in_nmi);
	__asm__ volatile("clts");
}

static inline void registers_close(void)
{
	write_cr0(read_cr0() | CR0_TS);
}
