/* A VMCS that is an array, pages that are arrays, and a CPU that has every control. */
#pragma once

#include "tests/unit/unit.h"

#include "lib/x86.h"
#include "vmx/checks/entry_bases.h"
#include "vmx/checks/entry_breaks.h"
#include "vmx/checks/entry_checks.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

#define PAGE_AT(page)	  (0x10000ull * ((page) + 1))
#define CURRENT_VMCS	  0x4000
#define FOUND_MAX	  64
#define ALL_BUT(bits)	  (~(uint64_t)(bits))
#define MSR_OF(must, may) ((uint64_t)(uint32_t)(may) << 32 | (uint32_t)(must))

static uint64_t fields[0x8000];
static uint64_t pages[ENTRY_PAGES][512];
static struct entry_finding found[FOUND_MAX];
static struct entry_source source;
static struct entry_target target;

static uint64_t read_field(void *arg, uint32_t field)
{
	(void)arg;
	return fields[field];
}

static bool write_field(void *arg, uint32_t field, uint64_t value)
{
	(void)arg;
	fields[field] = value;
	return true;
}

static bool read_pages(void *arg, uint64_t physical, void *to, size_t length)
{
	(void)arg;
	for (unsigned int i = 0; i < ENTRY_PAGES; i++) {
		if (physical < PAGE_AT(i) || physical + length > PAGE_AT(i) + sizeof(pages[i]))
			continue;
		memcpy(to, (const char *)pages[i] + physical - PAGE_AT(i), length);
		return true;
	}
	return false;
}

static const struct entry_cpu every_control = {
	.basic = 0x1234 | BASIC_NESTED_EXCEPTION,
	.misc = MISC_ACTIVITY_STATE(1) | MISC_ACTIVITY_STATE(2) | MISC_ACTIVITY_STATE(3) | 4 << 16,
	.ept_vpid = EPT_CAP_WALK_LENGTH_4 | EPT_CAP_WRITE_BACK,
	.vm_functions = VM_FUNCTION_EPTP_SWITCHING,
	.pin = MSR_OF(0x16, 0xff),
	.primary = MSR_OF(0x0401e172 & ~(3 << 15), ALL_BUT(1)),
	.secondary = MSR_OF(0, ALL_BUT(BIT(31))),
	.tertiary = ALL_BUT(BIT(40)),
	.exit = MSR_OF(BIT(1), ALL_BUT(1)),
	.exit2 = 0xf,
	.entry = MSR_OF(BIT(1), ALL_BUT(1)),
	.cr0_fixed0 = CR0_PE | CR0_NE | CR0_PG,
	.cr0_fixed1 = UINT32_MAX,
	.cr4_fixed0 = CR4_VMXE,
	.cr4_fixed1 = 0x00ffffff & ~BIT(15),
	.efer_reserved = ALL_BUT(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE),
	.debugctl_reserved = ALL_BUT(0xffc7),
	.perf_global_ctrl_reserved = ALL_BUT(0x70000000f),
	.s_cet_reserved = 0x3c0,
	.rtit_ctl_reserved = 0x7full << 57,
	.lbr_ctl_reserved = ALL_BUT(0x7f000f),
	.spec_ctrl_reserved = ALL_BUT(7),
	.physical_bits = 46,
	.linear_bits = 48,
	.long_mode = true,
	.sgx = true,
	.rtm = true,
};

/* What the hypervisor writes for itself. */
static void write_host(void)
{
	for (uint32_t i = 0; i <= VMCS_HOST_TR_SELECTOR - VMCS_HOST_ES_SELECTOR; i += 2)
		fields[VMCS_HOST_ES_SELECTOR + i] = 0x10;
	fields[VMCS_HOST_CR0] = CR0_PE | CR0_NE | CR0_WP | CR0_PG;
	fields[VMCS_HOST_CR4] = CR4_VMXE | CR4_PAE;
	fields[VMCS_HOST_IA32_EFER] = EFER_LME | EFER_LMA;
	fields[VMCS_HOST_IA32_PAT] = 0x0007040600070406;
	fields[VMCS_HOST_RIP] = 0x100000;
}

static void set_up(void)
{
	memset(fields, 0, sizeof(fields));
	source = (struct entry_source){
		.read = read_field,
		.read_memory = read_pages,
		.current_vmcs = CURRENT_VMCS,
		.cpu = every_control,
	};
	target = (struct entry_target){
		.write = write_field,
		.read = read_field,
		.cpu = &source.cpu,
		.current_vmcs = CURRENT_VMCS,
	};
	for (unsigned int i = 0; i < ENTRY_PAGES; i++) {
		target.page[i] = PAGE_AT(i);
		target.memory[i] = pages[i];
	}
	write_host();
}
