#include "vmm/vcpu.h"

#include <stddef.h>

#include "boot/layout.h"
#include "boot/memory.h"
#include "fpu/instructions.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "lib/x86.h"
#include "vmm/pcpu.h"
#include "vmx/capabilities.h"
#include "vmx/vmx.h"

struct vcpu *vcpu_allocate(struct vm *vm, uint32_t id, bool alone)
{
	static uint16_t last_vpid; /* 0 is the host's; at boot */
	struct vcpu *vcpu = memory_alloc_page();
	void *kept = memory_alloc_page();
	/* the APIC's page is in the EPT or not, which vCPUs share */
	bool apicv = vmx_capabilities()->apicv && alone;
	void *page = apicv ? memory_alloc_page() : NULL;

	_Static_assert(sizeof(*vcpu) <= PAGE_SIZE, "a vCPU is a page");
	if (!vcpu || !kept || (apicv && !page)) /* at boot: nothing is given back */
		return NULL;
	*vcpu = (struct vcpu){
		.vm = vm, .id = id, .vpid = ++last_vpid, .kept = kept, .apicv.page = page};
	return vcpu;
}

int vcpu_create(struct vcpu *vcpu, uint32_t trace_id, uint32_t domain)
{
	*vcpu = (struct vcpu){.vm = vcpu->vm,
			      .id = vcpu->id,
			      .vpid = vcpu->vpid,
			      .kept = vcpu->kept,
			      .apicv.page = vcpu->apicv.page,
			      .at = vcpu->at,
			      .place = vcpu->place};
	memset(vcpu->kept, 0, PAGE_SIZE);
	if (vcpu->apicv.page)
		memset(vcpu->apicv.page, 0, PAGE_SIZE);
	vcpu->vmcs = vmcs_create();
	if (!vcpu->vmcs)
		return -ENOMEM;
	if (fpu_tiles_create(&vcpu->tiles))
		return -ENOMEM;
	return fpu_guest_create(&vcpu->fpu, trace_id, domain, &vcpu->guest.entries_left);
}

void vcpu_destroy(struct vcpu *vcpu)
{
	assert(!vcpu->pcpu);
	if (vcpu->vmcs)
		vmcs_destroy(vcpu->vmcs);
	vcpu->vmcs = NULL;
	fpu_tiles_destroy(&vcpu->tiles);
	fpu_guest_destroy(&vcpu->fpu);
}

uint32_t vcpu_read_pkru(const struct vcpu *vcpu)
{
	return vcpu->uses_pkru ? fpu_rdpkru() : vcpu->unswitched.pkru;
}

void vcpu_count_entries(struct vcpu *vcpu)
{
	fpu_entered(&vcpu->pcpu->fpu, &vcpu->fpu.context,
		    vmx_entries_made(&vcpu->guest, vcpu->uncounted));
	vcpu->uncounted = vcpu->guest.entries_left & INT32_MAX;
}
