#include "vmm/doctor/facts.h"

#include "boot/cpu.h"
#include "lib/signature.h"
#include "lib/string.h"

#define MSR_IA32_DEBUGCTL 0x1d9

#define COMPONENT_TILE_CONFIG 17
#define COMPONENT_TILE_DATA   18
#define COMPONENT_APX	      19

static struct cpuid_regs leaf(uint32_t number, uint32_t subleaf)
{
	if (number > cpuid(number & 0x80000000).eax)
		return (struct cpuid_regs){};
	return cpuid_count(number, subleaf);
}

static struct maybe msr(uint32_t number)
{
	struct maybe found;

	found.there = rdmsr_if_present(number, &found.value);
	return found;
}

/* SDM Vol. 3A 9.11.7.1: CPUID loads what was written 0 before. Other makers' is just read. */
static struct maybe read_microcode(bool intel)
{
	struct maybe found;

	if (intel && wrmsr_if_accepted(MSR_IA32_BIOS_SIGN_ID, 0))
		cpuid(1);
	found = msr(MSR_IA32_BIOS_SIGN_ID);
	if (intel)
		found.value >>= 32;
	return found;
}

/* Some are padded with spaces, before, after and within. */
static void tidy(char *name)
{
	char *to = name;

	for (const char *from = name; *from; from++)
		if (*from != ' ' || (to > name && from[1] != ' ' && from[1] != '\0'))
			*to++ = *from == '"' ? '\'' : *from;
	*to = '\0';
}

static void read_names(struct cpu_facts *facts)
{
	cpuid_vendor(facts->vendor);
	for (uint32_t i = 0; i < 3; i++) {
		struct cpuid_regs r = leaf(0x80000002 + i, 0);

		memcpy(facts->brand + 16 * i, &r, 16);
	}
	tidy(facts->brand);
}

static void read_cpuid(struct cpu_facts *facts)
{
	facts->leaf1 = cpuid(1);
	facts->signature = facts->leaf1.eax;
	facts->leaf6 = leaf(6, 0);
	facts->leaf7 = leaf(7, 0);
	if (facts->leaf7.eax >= 1)
		facts->leaf7_1 = leaf(7, 1);
	if (facts->leaf7.eax >= 2)
		facts->leaf7_2 = leaf(7, 2);
	facts->leaf_a = leaf(0xa, 0);
	facts->extended1 = leaf(0x80000001, 0);
	facts->extended7 = leaf(0x80000007, 0);
	facts->extended8 = leaf(0x80000008, 0);
	if (!(facts->leaf1.ecx & BIT(26))) /* XSAVE */
		return;
	facts->leaf_d = leaf(0xd, 0);
	facts->leaf_d1 = leaf(0xd, 1);
	if (facts->leaf_d.eax & BIT(COMPONENT_TILE_DATA))
		facts->amx_size =
			leaf(0xd, COMPONENT_TILE_CONFIG).eax + leaf(0xd, COMPONENT_TILE_DATA).eax;
	if (facts->leaf_d.eax & BIT(COMPONENT_APX))
		facts->apx_size = leaf(0xd, COMPONENT_APX).eax;
}

static void read_msrs(struct cpu_facts *facts)
{
	if (facts->leaf7.edx & BIT(29))
		facts->arch_capabilities = msr(MSR_IA32_ARCH_CAPABILITIES);
	if (facts->leaf7.ebx & BIT(1))
		facts->tsc_adjust = msr(MSR_IA32_TSC_ADJUST);
	if (facts->leaf_d1.eax & BIT(3))
		facts->xss = msr(MSR_IA32_XSS);
	if ((facts->leaf_a.eax & 0xff) >= 2)
		facts->perf_global_ctrl = msr(MSR_IA32_PERF_GLOBAL_CTRL);
	facts->debugctl = msr(MSR_IA32_DEBUGCTL);
}

void facts_read(struct cpu_facts *facts, const struct cpu *cpu)
{
	memset(facts, 0, sizeof(*facts));
	read_names(facts);
	read_cpuid(facts);
	facts->microcode = read_microcode(vendor_is_intel(facts->vendor));
	read_msrs(facts);
	vmx_words_read(&facts->vmx);
	alike_read(&facts->alike);
	facts->nx = cpu->leftovers.nx;
	facts->misc_enable = cpu->leftovers.misc_enable;
	facts->apic_base = cpu->apic.found;
	facts->apic_id = cpu->apic_id;
}
