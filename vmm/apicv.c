#include "vmm/apicv.h"

#include "boot/layout.h"
#include "vmm/chip/lapic_registers.h"
#include "vmm/pcpu.h"
#include "vmm/vm.h"
#include "vmx/bitmaps.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

/* Words of the virtual-APIC page */
#define WORD(offset) ((offset) / 4)
#define TPR	     WORD(LAPIC_OFFSET_TPR)
#define ISR(n)	     WORD(0x100 + 0x10 * (n))
#define IRR(n)	     WORD(0x200 + 0x10 * (n))
#define ICR	     WORD(0x300)

/* In ICR, before the guest runs: it cannot read it there, and an IPI to itself is another value. */
#define ICR_NOT_WRITTEN 0

/* What is in the EPT at LAPIC_PAGE, for all guests. Its address is what counts: nothing gets here.
 */
static uint8_t access_page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

void apicv_write_controls(struct vcpu *vcpu, uint32_t secondary)
{
	struct apicv *apicv = &vcpu->apicv;

	if (!apicv->page)
		return;
	apicv->own_secondary = apicv->secondary = secondary;
	apicv->bitmap = MSR_BITMAP;
	apicv->threshold = 0;
	for (unsigned int word = 0; word < LAPIC_VECTOR_WORDS; word++)
		apicv->page[ISR(word)] = apicv->page[IRR(word)] = 0;
	vmcs_write(VMCS_VIRTUAL_APIC_ADDRESS, (uint64_t)apicv->page);
	vmcs_write(VMCS_APIC_ACCESS_ADDRESS, (uint64_t)access_page);
	vmcs_write(VMCS_TPR_THRESHOLD, 0);
	/* what is level-triggered is not left to the CPU: give() */
	vmcs_write(VMCS_EOI_EXIT_BITMAP0, 0);
	vmcs_write(VMCS_EOI_EXIT_BITMAP1, 0);
	vmcs_write(VMCS_EOI_EXIT_BITMAP2, 0);
	vmcs_write(VMCS_EOI_EXIT_BITMAP3, 0);
	vmcs_write(VMCS_GUEST_INTERRUPT_STATUS, 0);
}

/* Of those in service the guest may have ended some, the highest first. */
static void look_at_served(const uint32_t *page, struct lapic_service *isr)
{
	while (isr->top &&
	       !(page[ISR(lapic_served(isr) / 32)] & lapic_vector_bit(lapic_served(isr))))
		lapic_service_pop(isr);
}

static void take_served(uint32_t *page, struct lapic_service *isr)
{
	look_at_served(page, isr);
	for (unsigned int i = 1; i <= isr->top; i++)
		page[ISR(isr->vector[i] / 32)] = 0;
}

/*
 * It has sent something to itself, by which others may have come into service, or wait: all of them
 * edge-triggered.
 */
static __attribute__((noinline)) void take_all_vectors(uint32_t *page, struct lapic *lapic)
{
	lapic->icr_low = page[ICR];
	lapic->isr.top = 0;
	for (unsigned int word = 0; word < LAPIC_VECTOR_WORDS; word++) {
		uint32_t served = page[ISR(word)], requested = page[IRR(word)];

		page[ISR(word)] = page[IRR(word)] = 0;
		lapic->tmr[word] &= ~served;
		for (; served; served &= served - 1)
			lapic_service_push_if_room(&lapic->isr, 32 * word + __builtin_ctz(served));
		for (; requested; requested &= requested - 1)
			lapic_request_edge(lapic, 32 * word + __builtin_ctz(requested));
	}
}

static void take_vectors(uint32_t *page, struct lapic *lapic)
{
	if (page[ICR] == ICR_NOT_WRITTEN)
		take_served(page, &lapic->isr);
	else
		take_all_vectors(page, lapic);
}

void apicv_take(struct vcpu *vcpu)
{
	struct apicv *apicv = &vcpu->apicv;

	apicv->given = false;
	if (apicv->secondary & SECONDARY_VIRTUAL_INTERRUPT_DELIVERY)
		take_vectors(apicv->page, &vcpu->lapic);
	vcpu->lapic.tpr = apicv->page[TPR];
	lapic_update_ppr(&vcpu->lapic);
	event_attend(&vcpu->events);
}

static bool serves_level_triggered(const struct lapic *lapic)
{
	for (unsigned int i = 1; i <= lapic->isr.top; i++) {
		uint8_t vector = lapic->isr.vector[i];

		if (lapic->tmr[vector / 32] & lapic_vector_bit(vector))
			return true;
	}
	return false;
}

/*
 * Something is in service, and its EOI makes nothing deliverable. The APIC is to accept what the
 * CPU does: while it is disabled by SVR, an IPI to itself is lost.
 */
static bool delivery_wanted(const struct lapic *lapic, bool virtualized)
{
	return virtualized && lapic_is_enabled(lapic) && !serves_level_triggered(lapic);
}

/* The class below which TPR has to be set for what it alone keeps back, or 0. */
static uint8_t kept_back_by_tpr(const struct vcpu *vcpu)
{
	const struct lapic *lapic = &vcpu->lapic;
	uint8_t class = lapic->irr.highest >> 4;
	uint8_t other = event_highest_interrupt(&vcpu->events) >> 4;

	if (class <= lapic_served(&lapic->isr) >> 4)
		class = 0;
	if (other > class)
		class = other;
	return class <= lapic_tpr(lapic) >> 4 ? class : 0;
}

static void give_vectors(uint32_t *page, const struct lapic *lapic)
{
	for (unsigned int i = 1; i <= lapic->isr.top; i++) {
		uint8_t vector = lapic->isr.vector[i];

		page[ISR(vector / 32)] |= lapic_vector_bit(vector);
	}
	page[ICR] = ICR_NOT_WRITTEN;
	vmcs_write(VMCS_GUEST_INTERRUPT_STATUS, lapic_served(&lapic->isr) << 8);
}

static __attribute__((noinline)) void set_controls(struct vcpu *vcpu, uint32_t secondary)
{
	struct apicv *apicv = &vcpu->apicv;
	bool at_page = secondary & SECONDARY_VIRTUALIZE_APIC_ACCESSES;
	uint8_t bitmap = MSR_BITMAP;

	if (secondary & SECONDARY_VIRTUALIZE_X2APIC_MODE)
		bitmap = secondary & SECONDARY_VIRTUAL_INTERRUPT_DELIVERY ? MSR_BITMAP_X2APIC_EOI
									  : MSR_BITMAP_X2APIC;
	vmcs_write(VMCS_SECONDARY_CONTROLS, secondary);
	if (bitmap != apicv->bitmap)
		vmcs_write(VMCS_MSR_BITMAP,
			   msr_bitmap_address(bitmap, vcpu->guest.spec_ctrl_passed));
	apicv->secondary = secondary;
	apicv->bitmap = bitmap;
	ept_set_device(&vcpu->vm->ept, vcpu->pcpu->cpu.id, at_page ? (uint64_t)access_page : 0);
}

static void set_threshold(struct apicv *apicv, uint8_t threshold)
{
	if (threshold == apicv->threshold)
		return;
	vmcs_write(VMCS_TPR_THRESHOLD, threshold);
	apicv->threshold = threshold;
}

/*
 * What comes while all is given is looked at before the next entry if it is above PPR, which is set
 * for that: to what makes an exit where it ends, by EOI or by TPR below the threshold.
 */
static void look_above(struct lapic *lapic, uint8_t threshold)
{
	lapic->ppr = lapic_served(&lapic->isr) & 0xf0;
	if (lapic->ppr < threshold << 4)
		lapic->ppr = threshold << 4;
}

/* By the page of xAPIC mode, under virtual-interrupt delivery, there is another look anyway. */
void apicv_keep_back(struct vcpu *vcpu)
{
	struct apicv *apicv = &vcpu->apicv;
	struct lapic *lapic = &vcpu->lapic;
	bool delivery = apicv->secondary & SECONDARY_VIRTUAL_INTERRUPT_DELIVERY;
	uint8_t class;

	if (delivery && !lapic_is_x2apic(lapic))
		return;
	if (delivery)
		look_at_served(apicv->page, &lapic->isr);
	lapic->tpr = apicv->page[TPR];
	class = kept_back_by_tpr(vcpu);
	if (class <= apicv->threshold)
		return;
	if (delivery) {
		take_served(apicv->page, &lapic->isr);
		set_controls(vcpu, apicv->secondary & ~SECONDARY_VIRTUAL_INTERRUPT_DELIVERY);
	}
	set_threshold(apicv, class);
	look_above(lapic, class);
}

/*
 * Under virtual-interrupt delivery EOI makes no exit: all that comes is looked at. By the page of
 * xAPIC mode an IPI to itself makes none either: it may wait, and is seen after the next exit.
 */
void apicv_give(struct vcpu *vcpu, bool waits)
{
	struct apicv *apicv = &vcpu->apicv;
	struct lapic *lapic = &vcpu->lapic;
	uint32_t secondary = apicv->own_secondary;
	bool aside = apicv->aside == APICV_TO_GO_ASIDE;
	bool at_page = lapic_is_at(lapic, LAPIC_PAGE) && !aside;
	uint8_t threshold = 0;

	if (lapic->irr.words || vcpu->events.irq_words) {
		waits = true;
		threshold = kept_back_by_tpr(vcpu);
	}
	look_above(lapic, threshold);
	if (at_page)
		secondary |= SECONDARY_VIRTUALIZE_APIC_ACCESSES;
	else if (lapic_is_x2apic(lapic))
		secondary |= SECONDARY_VIRTUALIZE_X2APIC_MODE;
	if (lapic->isr.top && !waits && delivery_wanted(lapic, secondary != apicv->own_secondary)) {
		secondary |= SECONDARY_VIRTUAL_INTERRUPT_DELIVERY;
		lapic->ppr = 0;
		give_vectors(apicv->page, lapic);
		if (at_page)
			vcpu->events.attend = true;
	}
	apicv->page[TPR] = lapic_tpr(lapic);
	set_threshold(apicv, threshold);
	if (secondary != apicv->secondary)
		set_controls(vcpu, secondary);
	if (aside)
		vcpu->events.attend = true;
	apicv->aside = aside ? APICV_ASIDE : APICV_THERE;
	apicv->given = true;
}

void apicv_step_aside(struct vcpu *vcpu)
{
	vcpu->apicv.aside = APICV_TO_GO_ASIDE;
	event_attend(&vcpu->events);
}
