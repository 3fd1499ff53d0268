/*
 * What a CPU forbids itself in root mode where it can: SMEP and SMAP, to execute or to touch pages
 * of user mode, of which the hypervisor has none; UMIP, to tell user mode where its tables are. SDM
 * Vol. 3A 2.5, 4.6. NX is boot/leftovers.h's.
 */
#pragma once

#include <stdint.h>

/* The bits of CR4, by CPUID.07H:EBX and ECX. */
uint64_t protect_cr4(uint32_t leaf7_ebx, uint32_t leaf7_ecx);

/* Sets them. On each CPU, after leftovers_undo_cpu(). */
void protect_cpu(void);
