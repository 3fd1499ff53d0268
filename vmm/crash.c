#include <stddef.h>

#include "boot/apic.h"
#include "boot/fault.h"
#include "boot/layout.h"
#include "boot/options.h"
#include "boot/paging.h"
#include "boot/pic.h"
#include "fpu/instructions.h"
#include "lib/console.h"
#include "lib/x86.h"
#include "vmm/crash.h"
#include "vmm/pcpu.h"
#include "vmx/dump.h"
#include "vmx/entry.h"
#include "vmx/vmcs.h"
#include "vmx/vmx.h"

#define IOAPIC_BASE	    0xfec00000 /* SDM has no chapter on it: 82093AA, 3.0 */
#define IOAPIC_SIZE	    0x20
#define IOAPIC_WINDOW	    0x10
#define IOAPIC_REDIRECTION  0x10
#define IOAPIC_DELIVERY_NMI (4 << 8)
#define NMI_PERIOD	    (PIT_HZ / 5000)

/* Deeper than any stack; the depth is no constant, so that the compiler keeps every frame. */
static __attribute__((noinline)) uint64_t fill_stack(volatile uint64_t *depth)
{
	volatile uint64_t block[64];

	block[0] = *depth - 1;
	return block[0] ? fill_stack(block) + block[0] : 0;
}

/*
 * NMIs from the 8254, one every NMI_PERIOD ticks, for as long as guests run: they strike guests,
 * the exit path and the last steps before an entry alike. It takes an I/O APIC where a PC has it,
 * whose inputs 0 and 2 are where IRQ 0 arrives on one board or another.
 */
static void start_nmis(void)
{
	volatile uint32_t *select = paging_map_device(IOAPIC_BASE, IOAPIC_SIZE);
	volatile uint32_t *window = select + IOAPIC_WINDOW / sizeof(*select);
	static const uint8_t inputs[] = {0, 2};

	if (!apic_present() || !select) {
		log_warning("crash=nmi needs a local APIC and an I/O APIC: ignored");
		return;
	}
	for (unsigned int i = 0; i < sizeof(inputs); i++) {
		*select = IOAPIC_REDIRECTION + 2 * inputs[i] + 1;
		*window = this_cpu()->apic_id << 24;
		*select = IOAPIC_REDIRECTION + 2 * inputs[i];
		*window = IOAPIC_DELIVERY_NMI;
	}
	pit_start_periodic(NMI_PERIOD);
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
		*(volatile uint64_t *)BIT(46) = 0;
		break;
	case OPTION_CRASH_TEXTWRITE:
		*(volatile uint8_t *)text_start = 0;
		break;
	case OPTION_CRASH_STACK:
		fill_stack(&depth);
		break;
	case OPTION_CRASH_VECTOR:
		fpu_clear_sse(vector_target, sizeof(vector_target));
		break;
	case OPTION_CRASH_NMI:
		start_nmis();
		break;
	case OPTION_CRASH_VMENTRY:
		enter_empty_vmcs();
		break;
	case OPTION_CRASH_SECTION:
		fpu_host_begin(&this_pcpu()->fpu);
		fpu_host_begin(&this_pcpu()->fpu);
		break;
	}
}
