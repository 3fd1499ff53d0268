#include <stdbool.h>
#include <stddef.h>

#include "boot/layout.h"
#include "lib/array.h"
#include "lib/string.h"
#include "lib/x86.h"
#include "vmx/bitmaps.h"
#include "vmx/mitigations.h"

#define HIGH_MSR_FIRST	 0xc0000000u
#define READ_LOW_OFFSET	 0
#define READ_HIGH_OFFSET 1024
#define WRITE_OFFSET	 2048

#define MSR_X2APIC_TPR 0x808
#define MSR_X2APIC_EOI 0x80b

static uint8_t msr_bitmap[2][MSR_BITMAPS][PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
static uint8_t io_bitmap[2][PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

/* What a guest may touch without an exit, and why that is safe. */
static const struct {
	uint32_t msr;
	bool read, write;
} passed_through[] = {
	/* VM entry loads and VM exit saves them; the CPU checks what is written */
	{MSR_FS_BASE, true, true},
	{MSR_GS_BASE, true, true},
	{MSR_IA32_SYSENTER_CS, true, true},
	{MSR_IA32_PAT, true, true},
	/* the same, but KVM below us takes a non-canonical value: writes exit, and are checked */
	{MSR_IA32_SYSENTER_ESP, true, false},
	{MSR_IA32_SYSENTER_EIP, true, false},
	/* SWAPGS changes it without an exit anyway: it is read back when the vCPU leaves the CPU */
	{MSR_KERNEL_GS_BASE, true, true},
	/* the guest's own value is in the register while it runs; writes exit, so that it is known
	 */
	{MSR_STAR, true, false},
	{MSR_LSTAR, true, false},
	{MSR_CSTAR, true, false},
	{MSR_FMASK, true, false},
	/* TSC offsetting applies to RDMSR too */
	{MSR_IA32_TSC, true, false},
};

static void pass(uint8_t *bitmap, uint32_t msr, uint32_t base)
{
	uint32_t bit = msr & 0x1fff;

	base += msr >= HIGH_MSR_FIRST ? READ_HIGH_OFFSET : READ_LOW_OFFSET;
	bitmap[base + bit / 8] &= ~(1u << bit % 8);
}

static void pass_those_of_all(uint8_t *bitmap)
{
	memset(bitmap, 0xff, PAGE_SIZE);
	for (size_t i = 0; i < ARRAY_SIZE(passed_through); i++) {
		if (passed_through[i].read)
			pass(bitmap, passed_through[i].msr, 0);
		if (passed_through[i].write)
			pass(bitmap, passed_through[i].msr, WRITE_OFFSET);
	}
}

static void fill_msr_bitmaps(uint8_t bitmap[MSR_BITMAPS][PAGE_SIZE])
{
	for (unsigned int i = 0; i < MSR_BITMAPS; i++) {
		pass_those_of_all(bitmap[i]);
		if (i == MSR_BITMAP)
			continue;
		pass(bitmap[i], MSR_X2APIC_TPR, 0);
		pass(bitmap[i], MSR_X2APIC_TPR, WRITE_OFFSET);
	}
	pass(bitmap[MSR_BITMAP_X2APIC_EOI], MSR_X2APIC_EOI, WRITE_OFFSET);
}

void bitmaps_init(void)
{
	memset(io_bitmap, 0xff, sizeof(io_bitmap));
	for (unsigned int i = 0; i < 2; i++)
		fill_msr_bitmaps(msr_bitmap[i]);
	for (unsigned int i = 0; i < MSR_BITMAPS; i++) {
		pass(msr_bitmap[1][i], MSR_IA32_SPEC_CTRL, 0);
		pass(msr_bitmap[1][i], MSR_IA32_SPEC_CTRL, WRITE_OFFSET);
	}
}

uint64_t msr_bitmap_address(enum msr_bitmap which, bool passes_spec_ctrl)
{
	return (uint64_t)msr_bitmap[passes_spec_ctrl][which];
}

uint64_t io_bitmap_a_address(void)
{
	return (uint64_t)io_bitmap[0];
}

uint64_t io_bitmap_b_address(void)
{
	return (uint64_t)io_bitmap[1];
}
