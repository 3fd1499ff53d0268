/*
 * Control registers and XCR0. Handlers as vmm/exit/dispatch.h has them.
 */
#pragma once

#include <stdint.h>

struct vcpu;

void exit_cr_access(struct vcpu *vcpu);
void exit_xsetbv(struct vcpu *vcpu);

/* CR0.TS as a task switch sets it. */
void cr0_set_ts(struct vcpu *vcpu);

/*
 * CR3 of another task, with paging on outside of IA-32e mode. An error is guest_load_pdptes()'s:
 * CR3 is loaded, and no PDPTE is present.
 */
int cr3_switch(struct vcpu *vcpu, uint32_t value);
