#include <stddef.h>

#include "boot/apic.h"
#include "boot/fault.h"
#include "boot/layout.h"
#include "boot/options.h"
#include "fpu/instructions.h"
#include "lib/console.h"
#include "lib/x86.h"
#include "vmm/crash.h"
#include "vmm/pcpu.h"
#include "vmx/dump.h"
#include "vmx/entry.h"
#include "vmx/vmcs.h"
#include "vmx/vmx.h"

/* Deeper than any stack; the depth is no constant, so that the compiler keeps every frame. */
static __attribute__((noinline)) uint64_t fill_stack(volatile uint64_t *depth)
{
	volatile uint64_t block[64];

	block[0] = *depth - 1;
	return block[0] ? fill_stack(block) + block[0] : 0;
}

/* An NMI to this CPU, which the next check before a VM entry sees and tells of. */
static void send_nmi(void)
{
	uint64_t before = this_cpu()->nmi_count;

	apic_send_nmi(this_cpu()->apic_id);
	while (this_cpu()->nmi_count == before)
		cpu_relax();
}

/* A VMCS with nothing in it: the controls are not valid. */
static void enter_empty_vmcs(void)
{
	struct guest_registers registers = {};

	vmcs_make_current(vmcs_create());
	if (vmx_enter(&registers, false, &this_cpu()->nmi_count, this_cpu()->nmi_count) !=
	    VMX_FAIL_VALID)
		panic("a VM entry with an empty VMCS did not fail as it must");
	log_error("VM entry failed: %s",
		  vmx_instruction_error_name(vmcs_read(VMCS_INSTRUCTION_ERROR)));
	vmcs_dump();
	panic("crash=vmentry");
}

void crash_provoke(uint32_t crash)
{
	static uint8_t vector_target[128] __attribute__((aligned(128)));
	volatile uint64_t depth = 1 << 20;

	switch (crash) {
	case OPTION_CRASH_PAGEFAULT:
		*(volatile uint64_t *) BIT(46) = 0;
		break;
	case OPTION_CRASH_TEXTWRITE:
		*(volatile uint8_t *) text_start = 0;
		break;
	case OPTION_CRASH_STACK:
		fill_stack(&depth);
		break;
	case OPTION_CRASH_VECTOR:
		fpu_clear_sse(vector_target, sizeof(vector_target));
		break;
	case OPTION_CRASH_NMI:
		if (apic_present())
			send_nmi();
		break;
	case OPTION_CRASH_VMENTRY:
		enter_empty_vmcs();
		break;
	}
}
