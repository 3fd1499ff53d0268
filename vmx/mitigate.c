#include "vmx/mitigate.h"

#include "lib/assert.h"
#include "lib/signature.h"
#include "lib/string.h"
#include "lib/x86.h"

#define JMP_NEAR      0xe9 /* and how far it is from its own end, in four bytes */
#define JMP_NEAR_SIZE 5

/* By linker.ld. */
extern const struct mitigation_site mitigation_sites[], mitigation_sites_end[];

/* vmx/barriers.S */
void fill_return_stack(void);

/* Written by mitigate_init(); vmx/entry.S and vmx/barriers.S read the next two. */
static struct mitigations machine;
static struct speculating_cpu first;
static enum mitigations_wanted wanted_here;
static uint64_t confessed; /* by any CPU; each adds its own when it starts */
extern uint32_t mitigations_spec_ctrl, mitigations_history[2];
uint32_t mitigations_spec_ctrl, mitigations_history[2];
bool mitigations_ibpb;
struct vmx_way vmx_way = {vmx_enter, vmx_exit};

static void read_cpu(struct speculating_cpu *cpu, bool emulated)
{
	uint32_t max = cpuid_max_leaf();

	*cpu = (struct speculating_cpu){.signature = cpuid(1).eax,
					.emulated = emulated,
					.threads = 1,
					.arch_capabilities = cpuid_arch_capabilities()};
	cpuid_vendor(cpu->vendor);
	if (max >= 7) {
		struct cpuid_regs leaf = cpuid(7);

		cpu->leaf7_ebx = leaf.ebx;
		cpu->leaf7_edx = leaf.edx;
		if (leaf.eax >= 2)
			cpu->leaf7_2_edx = cpuid_count(7, 2).edx;
	}
	if (max >= 0xb && (cpuid(0xb).ebx & 0xffff))
		cpu->threads = cpuid(0xb).ebx & 0xffff;
}

void mitigate_sites(const struct mitigation_site *site, const struct mitigation_site *end,
		    uint32_t steps)
{
	for (; site < end; site++) {
		uint8_t *text = (uint8_t *)site->start;
		int32_t distance = site->end - site->start - JMP_NEAR_SIZE;

		if (site->steps & steps)
			continue;
		assert(distance >= 0);
		text[0] = JMP_NEAR;
		memcpy(text + 1, &distance, sizeof(distance));
	}
}

void mitigate_init(enum mitigations_wanted wanted, bool emulated)
{
	wanted_here = wanted;
	read_cpu(&first, emulated);
	mitigations_decide(&machine, &first, wanted);
	mitigations_spec_ctrl = machine.spec_ctrl;
	memcpy(mitigations_history, machine.history, sizeof(mitigations_history));
	mitigations_ibpb = machine.steps & STEP_IBPB;
	mitigate_sites(mitigation_sites, mitigation_sites_end, machine.steps);
	if (machine.steps & STEPS_ON_THE_WAY)
		vmx_way = (struct vmx_way){vmx_enter_mitigated, vmx_exit_mitigated};
}

const struct mitigations *mitigations(void)
{
	return &machine;
}

const struct speculating_cpu *mitigations_cpu(void)
{
	return &first;
}

uint32_t mitigations_guest_leaf7_edx(void)
{
	if (!machine.guest_spec_ctrl)
		return 0;
	return LEAF7_EDX_MD_CLEAR | LEAF7_EDX_IBRS_IBPB | LEAF7_EDX_STIBP | LEAF7_EDX_L1D_FLUSH |
	       LEAF7_EDX_ARCH_CAPABILITIES | LEAF7_EDX_SSBD;
}

uint32_t mitigations_guest_leaf7_2_edx(void)
{
	return machine.guest_spec_ctrl ? first.leaf7_2_edx & LEAF7_2_EDX_CONTROLS : 0;
}

uint64_t mitigations_guest_arch_capabilities(void)
{
	return mitigations_promises(&first) | confessed;
}

static bool suits(struct speculating_cpu *own)
{
	struct mitigations m;

	read_cpu(own, first.emulated);
	mitigations_decide(&m, own, wanted_here);
	return mitigations_suit(&machine, &first, &m, own);
}

bool mitigate_suits(void)
{
	struct speculating_cpu own;

	return suits(&own);
}

bool mitigate_this_cpu(void)
{
	struct speculating_cpu own;

	if (!suits(&own))
		return false;
	__atomic_fetch_or(&confessed, mitigations_confessions(&own), __ATOMIC_RELAXED);
	if (machine.steps & STEP_SPEC_CTRL)
		wrmsr(MSR_IA32_SPEC_CTRL, machine.spec_ctrl);
	return true;
}

void mitigate_new_domain(void)
{
	wrmsr(MSR_IA32_PRED_CMD, PRED_CMD_IBPB);
	fill_return_stack();
}
