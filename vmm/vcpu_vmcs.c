#include "vmm/vcpu_vmcs.h"

#include "boot/layout.h"
#include "lib/string.h"
#include "lib/x86.h"
#include "vmm/cpuid.h"
#include "vmm/debug_registers.h"
#include "vmm/guest_speculation.h"
#include "vmm/hole_step.h"
#include "vmm/interrupts.h"
#include "vmm/load/parts.h"
#include "vmm/loaded.h"
#include "vmm/pcpu.h"
#include "vmm/vcpu.h"
#include "vmm/vm.h"
#include "vmx/bitmaps.h"
#include "vmx/capabilities.h"
#include "vmx/entry.h"
#include "vmx/mitigate.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

#define INITIAL_CR0    (CR0_PE | CR0_ET)
#define AFTER_INIT_CR0 (CR0_CD | CR0_NW | CR0_ET)
#define INITIAL_PAT    0x0007040600070406ull /* SDM Vol. 3A table 11-12 */
#define INITIAL_DR6    0xffff0ff0ull
#define INITIAL_DR7    0x400ull
#define CODE32_RIGHTS  0xc09bu /* present, DPL 0, code, readable, accessed, 32-bit, 4-KiB limit */
#define DATA32_RIGHTS  0xc093u
#define CODE16_RIGHTS  0x009bu
#define DATA16_RIGHTS  0x0093u
#define LDT_RIGHTS     0x0082u
#define LIMIT_16       0xffffu
#define TSS32_RIGHTS   0x008bu /* busy; the same type number is a 64-bit TSS in IA-32e mode */

/*
 * PAUSEs at most so many TSC ticks apart are one loop, which exits when it has lasted so long: a
 * lock that is held by one that runs is free by then (SDM Vol. 3C 25.1.3).
 */
#define PLE_GAP	   128
#define PLE_WINDOW 4096

/* Always intercepted: what a guest could hang a CPU with, and what is the machine's own. */
#define EXCEPTIONS (BIT(VECTOR_DB) | BIT(VECTOR_AC) | BIT(VECTOR_MC))

void vcpu_write_host_state(const struct pcpu *pcpu)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) idtr;

	__asm__ volatile("sidt %0" : "=m"(idtr));
	vmcs_write(VMCS_HOST_CS_SELECTOR, SELECTOR_CODE);
	vmcs_write(VMCS_HOST_SS_SELECTOR, SELECTOR_DATA);
	vmcs_write(VMCS_HOST_DS_SELECTOR, SELECTOR_DATA);
	vmcs_write(VMCS_HOST_ES_SELECTOR, SELECTOR_DATA);
	vmcs_write(VMCS_HOST_FS_SELECTOR, 0);
	vmcs_write(VMCS_HOST_GS_SELECTOR, 0);
	vmcs_write(VMCS_HOST_TR_SELECTOR, SELECTOR_TSS);
	vmcs_write(VMCS_HOST_FS_BASE, 0);
	vmcs_write(VMCS_HOST_GS_BASE, (uint64_t)pcpu);
	vmcs_write(VMCS_HOST_TR_BASE, (uint64_t)&pcpu->cpu.tss);
	vmcs_write(VMCS_HOST_GDTR_BASE, (uint64_t)pcpu->cpu.gdt);
	vmcs_write(VMCS_HOST_IDTR_BASE, idtr.base);
	/* a vector instruction in root mode outside a host section raises #NM */
	vmcs_write(VMCS_HOST_CR0, read_cr0() | CR0_TS);
	vmcs_write(VMCS_HOST_CR3, read_cr3());
	vmcs_write(VMCS_HOST_CR4, read_cr4());
	vmcs_write(VMCS_HOST_IA32_PAT, rdmsr(MSR_IA32_PAT));
	vmcs_write(VMCS_HOST_IA32_EFER, rdmsr(MSR_EFER));
	vmcs_write(VMCS_HOST_SYSENTER_CS, 0);
	vmcs_write(VMCS_HOST_SYSENTER_ESP, 0);
	vmcs_write(VMCS_HOST_SYSENTER_EIP, 0);
	vmcs_write(VMCS_HOST_RIP, (uint64_t)vmx_way.exit);
}

/*
 * A bit that is masked exits where it is set: those that a guest cannot have, and is #GP; and those
 * that it has not used yet, which the hypervisor need not look at until then.
 */
static void write_cr4_mask(const struct vcpu *vcpu)
{
	vmcs_write(VMCS_CR4_MASK, ~guest_cr4_allowed() | (vcpu->uses_pkru ? 0 : CR4_PKE) |
					  (vcpu->uses_de ? 0 : CR4_DE));
}

/* Those for a virtual-APIC page are not for a vCPU that has none: MOV CR8 exits then. */
static uint32_t primary_controls(const struct vcpu *vcpu)
{
	const struct vmx_capabilities *c = vmx_capabilities();

	if (!c->apicv || vcpu->apicv.page)
		return c->primary;
	return (c->primary & ~PRIMARY_USE_TPR_SHADOW) | PRIMARY_CR8_LOAD_EXITING |
	       PRIMARY_CR8_STORE_EXITING;
}

static void write_controls(struct vcpu *vcpu, uint64_t ept_pointer)
{
	const struct vmx_capabilities *c = vmx_capabilities();
	uint32_t secondary = c->secondary;

	if (!guest_has_xsaves())
		secondary &= ~SECONDARY_ENABLE_XSAVES;
	if (c->ple && vm_is_shared(vcpu->vm)) {
		secondary |= SECONDARY_PAUSE_LOOP_EXITING;
		vmcs_write(VMCS_PLE_GAP, PLE_GAP);
		vmcs_write(VMCS_PLE_WINDOW, PLE_WINDOW);
	}
	vcpu->events.primary_controls = primary_controls(vcpu);
	vmcs_write(VMCS_PIN_BASED_CONTROLS, c->pin);
	vmcs_write(VMCS_PRIMARY_CONTROLS, vcpu->events.primary_controls);
	vmcs_write(VMCS_SECONDARY_CONTROLS, secondary);
	vmcs_write(VMCS_EXIT_CONTROLS, c->exit);
	vmcs_write(VMCS_ENTRY_CONTROLS, c->entry);
	vmcs_write(VMCS_PAGE_FAULT_ERROR_CODE_MASK, 0);
	vmcs_write(VMCS_PAGE_FAULT_ERROR_CODE_MATCH, 0);
	vmcs_write(VMCS_CR3_TARGET_COUNT, 0);
	vmcs_write(VMCS_EXIT_MSR_STORE_COUNT, 0);
	vmcs_write(VMCS_EXIT_MSR_LOAD_COUNT, 0);
	vmcs_write(VMCS_ENTRY_MSR_LOAD_COUNT, 0);
	vmcs_write(VMCS_ENTRY_INTERRUPTION_INFO, 0);
	vmcs_write(VMCS_IO_BITMAP_A, io_bitmap_a_address());
	vmcs_write(VMCS_IO_BITMAP_B, io_bitmap_b_address());
	vmcs_write(VMCS_MSR_BITMAP, msr_bitmap_address(MSR_BITMAP, false));
	vmcs_write(VMCS_EPT_POINTER, ept_pointer);
	apicv_write_controls(vcpu, secondary);
	vcpu->tsc_adjust = 0;
	vcpu_set_tsc_offset(vcpu, -vcpu->vm->tsc_start); /* a guest's time starts at 0 */
	if (c->secondary & SECONDARY_ENCLS_EXITING)
		vmcs_write(VMCS_ENCLS_BITMAP, ~0ull);
	if (c->secondary & SECONDARY_ENCLV_EXITING)
		vmcs_write(VMCS_ENCLV_BITMAP, ~0ull);
	if (guest_has_xsaves())
		vmcs_write(VMCS_XSS_EXITING_BITMAP, ~0ull);
	if (c->secondary & SECONDARY_ENABLE_VPID)
		vmcs_write(VMCS_VPID, vcpu->vpid);
	write_cr4_mask(vcpu);
	vmcs_write(VMCS_CR4_READ_SHADOW, 0);
}

static void write_segment(enum vmcs_field selector, uint16_t value, uint32_t limit, uint32_t rights)
{
	/* the four fields of a segment lie at the same distance for each of them */
	uint32_t index = selector - VMCS_GUEST_ES_SELECTOR;

	vmcs_write(selector, value);
	vmcs_write(VMCS_GUEST_ES_BASE + index, 0);
	vmcs_write(VMCS_GUEST_ES_LIMIT + index, limit);
	vmcs_write(VMCS_GUEST_ES_ACCESS_RIGHTS + index, rights);
}

static void write_flat_segments(const struct guest_entry *entry)
{
	write_segment(VMCS_GUEST_CS_SELECTOR, entry->code, 0xffffffff, CODE32_RIGHTS);
	write_segment(VMCS_GUEST_SS_SELECTOR, entry->data, 0xffffffff, DATA32_RIGHTS);
	write_segment(VMCS_GUEST_DS_SELECTOR, entry->data, 0xffffffff, DATA32_RIGHTS);
	write_segment(VMCS_GUEST_ES_SELECTOR, entry->data, 0xffffffff, DATA32_RIGHTS);
	write_segment(VMCS_GUEST_FS_SELECTOR, entry->data, 0xffffffff, DATA32_RIGHTS);
	write_segment(VMCS_GUEST_GS_SELECTOR, entry->data, 0xffffffff, DATA32_RIGHTS);
	write_segment(VMCS_GUEST_LDTR_SELECTOR, 0, 0, ACCESS_RIGHTS_UNUSABLE);
	write_segment(VMCS_GUEST_TR_SELECTOR, 0, 0xffff, TSS32_RIGHTS);
	vmcs_write(VMCS_GUEST_GDTR_BASE, entry->gdt);
	vmcs_write(VMCS_GUEST_GDTR_LIMIT, entry->gdt_limit);
	vmcs_write(VMCS_GUEST_IDTR_LIMIT, 0);
}

/* Of real mode; the code's begins at a page's address in the lowest MiB. */
static void write_real_segments(uint8_t page)
{
	write_segment(VMCS_GUEST_CS_SELECTOR, page << 8, LIMIT_16, CODE16_RIGHTS);
	vmcs_write(VMCS_GUEST_CS_BASE, (uint64_t)page << 12);
	write_segment(VMCS_GUEST_SS_SELECTOR, 0, LIMIT_16, DATA16_RIGHTS);
	write_segment(VMCS_GUEST_DS_SELECTOR, 0, LIMIT_16, DATA16_RIGHTS);
	write_segment(VMCS_GUEST_ES_SELECTOR, 0, LIMIT_16, DATA16_RIGHTS);
	write_segment(VMCS_GUEST_FS_SELECTOR, 0, LIMIT_16, DATA16_RIGHTS);
	write_segment(VMCS_GUEST_GS_SELECTOR, 0, LIMIT_16, DATA16_RIGHTS);
	write_segment(VMCS_GUEST_LDTR_SELECTOR, 0, LIMIT_16, LDT_RIGHTS);
	write_segment(VMCS_GUEST_TR_SELECTOR, 0, LIMIT_16, TSS32_RIGHTS);
	vmcs_write(VMCS_GUEST_GDTR_BASE, 0);
	vmcs_write(VMCS_GUEST_GDTR_LIMIT, LIMIT_16);
	vmcs_write(VMCS_GUEST_IDTR_LIMIT, LIMIT_16);
}

/* After INIT too. */
static void write_registers(struct vcpu *vcpu, uint64_t rip)
{
	vmcs_write(VMCS_GUEST_IDTR_BASE, 0);
	vmcs_write(VMCS_GUEST_CR3, 0);
	vmcs_write(VMCS_GUEST_CR4, vmx_capabilities()->cr4_fixed0 | (read_cr4() & CR4_MCE));
	vmcs_write(VMCS_GUEST_DR7, INITIAL_DR7);
	vmcs_write(VMCS_GUEST_RSP, 0);
	vmcs_write(VMCS_GUEST_RIP, rip);
	vmcs_write(VMCS_GUEST_RFLAGS, RFLAGS_FIXED);
	vmcs_write(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, 0);
	vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, 0);
	vmcs_write(VMCS_GUEST_ACTIVITY_STATE, 0);
	vmcs_write(VMCS_GUEST_IA32_DEBUGCTL, 0);
	vcpu_set_efer(vcpu, 0);
}

static void write_guest_state(struct vcpu *vcpu, const struct guest_entry *entry)
{
	if (entry)
		write_flat_segments(entry);
	else
		write_real_segments(0);
	write_registers(vcpu, entry ? entry->eip : 0);
	vmcs_write(VMCS_GUEST_SYSENTER_CS, 0);
	vmcs_write(VMCS_GUEST_SYSENTER_ESP, 0);
	vmcs_write(VMCS_GUEST_SYSENTER_EIP, 0);
	vmcs_write(VMCS_GUEST_IA32_PAT, INITIAL_PAT);
	vmcs_write(VMCS_VMCS_LINK_POINTER, ~0ull);
	guest_cr0_init(&vcpu->fpu.cr0, entry ? INITIAL_CR0 : AFTER_INIT_CR0, EXCEPTIONS);
	if (!entry)
		return;
	vcpu->guest.registers.rax = entry->eax;
	vcpu->guest.registers.rbx = entry->ebx;
	vcpu->guest.registers.rsi = entry->esi;
}

/*
 * PKRU heeds no CR0.TS, so it cannot wait for a #NM. Reading it takes two writes of CR4, which a
 * vCPU that never could change it does without.
 */
void vcpu_use_pkru(struct vcpu *vcpu)
{
	if (vcpu->uses_pkru)
		return;
	vcpu->uses_pkru = true;
	vcpu->uses_more = true;
	write_cr4_mask(vcpu);
}

/* CR4.DE is on in few guests, and to read it on every access to a port takes a VMREAD. */
void vcpu_use_de(struct vcpu *vcpu)
{
	vcpu->uses_de = true;
	write_cr4_mask(vcpu);
}

void vcpu_reset(struct pcpu *pcpu, struct vcpu *vcpu, const struct guest_entry *entry,
		uint64_t ept_pointer)
{
	loaded_fetch(pcpu, vcpu);
	fpu_guest_reset(&pcpu->fpu, &vcpu->fpu);
	loaded_give_up(pcpu, vcpu);
	vcpu->guest.registers = (struct guest_registers){};
	vcpu->events = (struct vmx_events){.entries_left = &vcpu->guest.entries_left};
	vcpu->long_mode = false;
	vcpu->uses_pkru = false;
	vcpu->uses_more = false;
	vcpu->uses_de = false;
	fpu_tiles_reset(&vcpu->tiles);
	vcpu->unswitched = (struct unswitched){.dr6 = INITIAL_DR6, .domain = vcpu->vm->domain};
	speculation_reset(vcpu);
	interrupts_reset(vcpu);
	loaded_take(pcpu, vcpu);
	vcpu_write_host_state(pcpu);
	write_controls(vcpu, ept_pointer);
	write_guest_state(vcpu, entry);
	vcpu->state = entry ? VCPU_RUNNABLE : VCPU_WAITS;
}

/* A single step that another vCPU waits for is over. */
static void forget_hole_step(struct pcpu *pcpu, struct vcpu *vcpu)
{
	bool locked = vm_lock_pc(vcpu->vm);

	if (vcpu->vm->hole_step.whose == vcpu)
		hole_step_forget(vcpu->vm, pcpu->cpu.id);
	vm_unlock_pc(vcpu->vm, locked);
}

void vcpu_start_up(struct pcpu *pcpu, struct vcpu *vcpu)
{
	const struct vmx_capabilities *c = vmx_capabilities();

	vcpu->lapic.signals &= ~LAPIC_STARTUP;
	forget_hole_step(pcpu, vcpu);
	loaded_fetch(pcpu, vcpu);
	loaded_give_up(pcpu, vcpu);
	vcpu->guest.registers = (struct guest_registers){.rdx = guest_cpuid_basic[1].eax};
	vcpu->events = (struct vmx_events){.entries_left = &vcpu->guest.entries_left,
					   .primary_controls = primary_controls(vcpu)};
	vcpu->long_mode = false;
	vcpu->unswitched.cr2 = 0;
	memset(vcpu->unswitched.dr, 0, sizeof(vcpu->unswitched.dr));
	vcpu->unswitched.dr6 = INITIAL_DR6;
	loaded_take(pcpu, vcpu);
	vmcs_write(VMCS_PRIMARY_CONTROLS, vcpu->events.primary_controls);
	vmcs_write(VMCS_ENTRY_CONTROLS, c->entry);
	vmcs_write(VMCS_ENTRY_INTERRUPTION_INFO, 0);
	vmcs_write(VMCS_CR4_READ_SHADOW, 0);
	write_real_segments(vcpu->lapic.startup_vector);
	write_registers(vcpu, 0);
	/* CD and NW stay as they were */
	guest_cr0_write(&vcpu->fpu.cr0,
			(guest_cr0_read(&vcpu->fpu.cr0) & (CR0_CD | CR0_NW)) | CR0_ET,
			vcpu->fpu.context.state);
	debug_registers_after_init(vcpu);
	vcpu->state = VCPU_RUNNABLE;
}
