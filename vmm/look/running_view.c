#include "vmm/look/running_view.h"

#include "lib/string.h"
#include "lib/x86.h"
#include "vmm/cpuid.h"
#include "vmm/vm.h"
#include "vmx/vmcs.h"

static const struct guest_ram nothing;

static bool lost_memory(const struct vm *vm)
{
	return vm->end_cause && !strcmp(vm->end_cause, "machine-check");
}

void running_view(const struct vcpu *vcpu, struct guest_view *view)
{
	*view = (struct guest_view){
		.ram = lost_memory(vcpu->vm) ? &nothing : &vcpu->vm->ram,
		.paging = vmcs_read(VMCS_GUEST_CR0) & CR0_PG,
		.state =
			{
				.cr0 = vmcs_read(VMCS_GUEST_CR0),
				.cr3 = vmcs_read(VMCS_GUEST_CR3),
				.cr4 = vmcs_read(VMCS_GUEST_CR4),
				.efer = vcpu->efer,
				.physical_bits = guest_physical_bits(),
				.pages_1g = guest_has_1g_pages(),
			},
	};
	if (!vcpu->long_mode && (view->state.cr4 & CR4_PAE))
		for (unsigned int i = 0; i < 4; i++)
			view->pdpte[i] = vmcs_read(VMCS_GUEST_PDPTE0 + 2 * i);
}
