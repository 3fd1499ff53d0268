#include "vmx/entry_checks.h"

#include <stddef.h>

#include "lib/array.h"
#include "lib/errno.h"
#include "lib/refusal.h"
#include "lib/x86.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

#define PAGING_BITS 48 /* no guest has 5-level paging */

/* Fields that must hold a canonical address. LDTR's is last: only if it is usable. */
static const struct {
	enum vmcs_field field;
	const char *name, *section;
} canonical[] = {
	{VMCS_GUEST_FS_BASE, "FS base", "26.3.1.2"},
	{VMCS_GUEST_GS_BASE, "GS base", "26.3.1.2"},
	{VMCS_GUEST_TR_BASE, "TR base", "26.3.1.2"},
	{VMCS_GUEST_GDTR_BASE, "GDTR base", "26.3.1.3"},
	{VMCS_GUEST_IDTR_BASE, "IDTR base", "26.3.1.3"},
	{VMCS_GUEST_SYSENTER_ESP, "IA32_SYSENTER_ESP", "26.3.1.1"},
	{VMCS_GUEST_SYSENTER_EIP, "IA32_SYSENTER_EIP", "26.3.1.1"},
	{VMCS_GUEST_LDTR_BASE, "LDTR base", "26.3.1.2"},
};

bool entry_checks_explain(struct refusal *refusal, unsigned int loaded_bits)
{
	size_t count = ARRAY_SIZE(canonical);

	if (vmcs_read(VMCS_GUEST_LDTR_ACCESS_RIGHTS) & ACCESS_RIGHTS_UNUSABLE)
		count--;
	for (size_t i = 0; i < count; i++) {
		uint64_t address = vmcs_read(canonical[i].field);

		if (is_canonical(address, PAGING_BITS))
			continue;
		refuse(refusal, -EINVAL,
		       "%s 0x%lx is not canonical in %u bits, though what loads it allows %u "
		       "here [SDM Vol. 3C %s]",
		       canonical[i].name, address, PAGING_BITS, loaded_bits, canonical[i].section);
		return true;
	}
	return false;
}
