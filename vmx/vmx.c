#include <stdbool.h>
#include <stddef.h>

#include "boot/layout.h"
#include "boot/memory.h"
#include "lib/console.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "lib/x86.h"
#include "vmx/capabilities.h"
#include "vmx/controls.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"
#include "vmx/vmx.h"

/* INVEPT and INVVPID types (SDM Vol. 3C 30.3) */
#define INVALIDATE_SINGLE 1
#define INVALIDATE_ALL	  2

struct vmcs {
	uint32_t revision;
	uint32_t abort_indicator;
};

struct invalidate_descriptor {
	uint64_t first, second;
};

/* An instruction that takes a physical address in memory; true if it failed (CF or ZF). */
#define VMX_INSTRUCTION(name)                                                                      \
	static bool name(const void *address)                                                      \
	{                                                                                          \
		uint64_t physical = (uint64_t)address;                                             \
		bool failed;                                                                       \
		__asm__ volatile(#name " %1" : "=@ccbe"(failed) : "m"(physical) : "memory");       \
		return failed;                                                                     \
	}

VMX_INSTRUCTION(vmxon)
VMX_INSTRUCTION(vmclear)
VMX_INSTRUCTION(vmptrld)

/* One that takes a type, and 16 bytes in memory that say of what; true if it failed. */
#define INVALIDATE_INSTRUCTION(name)                                                               \
	static bool name(uint64_t type, uint64_t what)                                             \
	{                                                                                          \
		struct invalidate_descriptor descriptor = {what, 0};                               \
		bool failed;                                                                       \
		__asm__ volatile(#name " %1, %2"                                                   \
				 : "=@ccbe"(failed)                                                \
				 : "m"(descriptor), "r"(type)                                      \
				 : "memory");                                                      \
		return failed;                                                                     \
	}

INVALIDATE_INSTRUCTION(invept)
INVALIDATE_INSTRUCTION(invvpid)

static struct vmcs *allocate_region(void)
{
	struct vmcs *region = memory_alloc_page();

	if (region)
		region->revision = vmx_capabilities()->revision;
	return region;
}

int vmx_on(struct vmcs **region)
{
	const struct vmx_capabilities *c = vmx_capabilities();

	*region = allocate_region();
	if (!*region)
		return -ENOMEM;
	write_cr0(vmx_fixed_apply(read_cr0(), c->cr0_fixed0, c->cr0_fixed1));
	write_cr4(vmx_fixed_apply(read_cr4() | CR4_VMXE, c->cr4_fixed0, c->cr4_fixed1));
	if (vmxon(*region)) {
		log_error("VMXON failed: VMX is in use by something below, or "
			  "IA32_FEATURE_CONTROL does not allow it");
		return -EIO;
	}
	return 0;
}

struct vmcs *vmcs_create(void)
{
	struct vmcs *vmcs = allocate_region();

	/* makes the launch state "clear", which only the CPU knows how to write */
	if (vmcs && vmclear(vmcs))
		panic("VMCLEAR failed");
	return vmcs;
}

void vmcs_destroy(struct vmcs *vmcs)
{
	if (vmclear(vmcs))
		panic("VMCLEAR failed");
	memory_free_page(vmcs);
}

void vmcs_make_current(struct vmcs *vmcs)
{
	if (vmptrld(vmcs))
		panic("VMPTRLD failed: this is no VMCS");
}

void vmx_invalidate_ept(uint64_t ept_pointer)
{
	bool single = vmx_capabilities()->ept_vpid & EPT_CAP_INVEPT_SINGLE;

	if (invept(single ? INVALIDATE_SINGLE : INVALIDATE_ALL, single ? ept_pointer : 0))
		panic("INVEPT failed");
}

void vmx_invalidate_vpid(uint16_t vpid)
{
	bool single = vmx_capabilities()->ept_vpid & VPID_CAP_INVVPID_SINGLE;

	if (!(vmx_capabilities()->secondary & SECONDARY_ENABLE_VPID))
		return;
	if (invvpid(single ? INVALIDATE_SINGLE : INVALIDATE_ALL, single ? vpid : 0))
		panic("INVVPID failed");
}

void vmcs_access_failed(enum vmcs_field field, bool write)
{
	panic("%s of VMCS field 0x%x failed", write ? "VMWRITE" : "VMREAD", field);
}
