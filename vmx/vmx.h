/*
 * VMX operation of one CPU, and the instructions on whole VMCSs and on cached translations.
 * SDM Vol. 3C chapters 23, 24.11, 28.4.3, 30.
 */
#pragma once

#include <stdint.h>

struct vmcs; /* one page; its format is the CPU's own */

/*
 * Enters VMX root operation on this CPU, with *region as its VMXON region from now on. Returns 0,
 * or -EIO (said on the console) or -ENOMEM.
 */
int vmx_on(struct vmcs **region);

/* An empty, inactive VMCS; NULL: no memory. */
struct vmcs *vmcs_create(void);

/* VMCLEARs it and gives its page back; it must not be current on another CPU. */
void vmcs_destroy(struct vmcs *vmcs);

/* VMPTRLD: makes it current on this CPU. */
void vmcs_make_current(struct vmcs *vmcs);

/* Forgets this CPU's cached translations of one EPT hierarchy, of one VPID. */
void vmx_invalidate_ept(uint64_t ept_pointer);
void vmx_invalidate_vpid(uint16_t vpid);
