#include "boot/apic.h"
#include "tests/model/access.h"
#include "tests/model/fiber.h"
#include "tests/model/operations.h"
#include "tests/model/vmx.h"
#include "vmm/vm.h"
#include "vmx/entry.h"
#include "vmx/vmcs.h"
#include "vmx/vmx.h"

static struct model_cpu *here(void)
{
	return &world.cpu[fiber_current()];
}

static uint8_t bit(unsigned int number)
{
	return (uint8_t)(1u << number);
}

struct pcpu *this_pcpu(void)
{
	return &here()->pcpu;
}

struct pcpu *pcpu_at(uint32_t id)
{
	require(id < configuration->cpus, "a CPU that is not there");
	return &world.cpu[id].pcpu;
}

uint64_t pcpus_up(void)
{
	return (1u << configuration->cpus) - 1;
}

static unsigned int number_of(const struct vmcs *vmcs)
{
	for (unsigned int c = 0; c < configuration->contexts; c++)
		if (vmcs == (const struct vmcs *)&world.context[c])
			return c;
	violation("VMX is given what is no VMCS");
	return 0;
}

/* SDM Vol. 3C 24.1: a VMCS is active on one CPU at most; 24.11.1. */
static void only_here(unsigned int c, const char *what)
{
	for (unsigned int i = 0; i < configuration->cpus; i++)
		require(&world.cpu[i] == here() || !(world.cpu[i].vmcs_active & bit(c)), what);
}

void vmcs_clear(struct vmcs *vmcs)
{
	unsigned int c = number_of(vmcs);

	access_hook("VMCLEAR", GRAIN_EVERY);
	only_here(c, "VMCLEAR of a VMCS that is active on another CPU");
	here()->vmcs_active &= (uint8_t)~bit(c);
	if (here()->vmcs_current == c)
		here()->vmcs_current = NOBODY;
	world.context[c].vmcs_launched = false;
}

void vmcs_make_current(struct vmcs *vmcs)
{
	unsigned int c = number_of(vmcs);

	access_hook("VMPTRLD", GRAIN_EVERY);
	only_here(c, "VMPTRLD of a VMCS that is active on another CPU");
	here()->vmcs_active |= bit(c);
	here()->vmcs_current = (uint8_t)c;
}

void vmcs_write(enum vmcs_field field, uint64_t value)
{
	require(here()->vmcs_current != NOBODY, "VMWRITE without a current VMCS");
	if (field != VMCS_HOST_GS_BASE)
		return;
	access_hook("write the VMCS's host fields", GRAIN_EVERY);
	require(value == (uint64_t)&here()->pcpu, "host fields are set for another CPU");
	world.context[here()->vmcs_current].vmcs_host = (uint8_t)here()->pcpu.cpu.id;
}

void vmx_invalidate_vpid(uint16_t vpid)
{
	access_hook("INVVPID", GRAIN_EVERY);
	here()->vpids_stale &= (uint8_t)~bit(vpid - 1u);
}

static unsigned int number_of_ept(const struct ept *ept)
{
	for (unsigned int c = 0; c < configuration->contexts; c++)
		if (world.context[c].life != LIFE_FREE && ept == &world.context[c].vcpu.vm->ept)
			return c;
	violation("VMX is given what is no EPT");
	return 0;
}

void ept_refresh(struct ept *ept, uint32_t cpu)
{
	require(cpu == here()->pcpu.cpu.id, "ept_refresh for another CPU");
	access_hook("INVEPT, if outdated", GRAIN_EVERY);
	here()->epts_stale &= (uint8_t)~bit(number_of_ept(ept));
}

void ept_forget(const struct ept *ept)
{
	access_hook("INVEPT", GRAIN_EVERY);
	here()->epts &= (uint8_t)~bit(number_of_ept(ept));
}

/* All of the unswitched registers are one. */
void switch_save(struct unswitched *live, struct unswitched *own)
{
	access_hook("save the unswitched registers", GRAIN_EVERY);
	require(live == &here()->pcpu.loaded.registers, "the registers of another CPU are saved");
	own->msr[UNSWITCHED_MSR] = live->msr[UNSWITCHED_MSR] = here()->unswitched;
}

/* Saved with the others. */
void switch_save_pkru(struct unswitched *live, struct unswitched *own)
{
	(void)live;
	(void)own;
}

void switch_to(struct unswitched *live, const struct unswitched *wanted)
{
	access_hook("load the unswitched registers", GRAIN_EVERY);
	require(live == &here()->pcpu.loaded.registers, "the registers of another CPU are loaded");
	for (unsigned int c = 0; c < configuration->contexts; c++)
		require(wanted != &world.context[c].vcpu.unswitched ||
				wanted->msr[UNSWITCHED_MSR] == UNSWITCHED_OF(c),
			"the unswitched registers that are loaded are not the vCPU's newest");
	if (live->msr[UNSWITCHED_MSR] != wanted->msr[UNSWITCHED_MSR])
		here()->unswitched = (uint8_t)wanted->msr[UNSWITCHED_MSR];
	live->msr[UNSWITCHED_MSR] = wanted->msr[UNSWITCHED_MSR];
}

/* A CPU has the tiles of whom it has loaded, and of nobody else. */
void fpu_tiles_leave(struct fpu_tiles *tiles, uint64_t xcr0)
{
	(void)xcr0;
	access_hook("save the tiles", GRAIN_EVERY);
	tiles->value = here()->tiles;
	tiles->kept = true;
	here()->tiles = TILES_INITIAL;
}

void fpu_tiles_enter(struct fpu_tiles *tiles, uint64_t xcr0)
{
	(void)xcr0;
	access_hook("load the tiles", GRAIN_EVERY);
	require(here()->tiles == TILES_INITIAL, "tiles are loaded over those of another vCPU");
	here()->tiles = tiles->value;
}

/* When it is sent makes a difference if NMIs take their time, or if the CPU may halt before. */
void apic_send_nmi(uint32_t apic_id)
{
	bool takes_time = configuration->operations & (1u << OPERATION_NMI | 1u << OPERATION_IDLE);

	access_hook("send an NMI", takes_time ? GRAIN_MAIL : GRAIN_EVERY);
	world.cpu[apic_id].unsent = false;
	world.cpu[apic_id].kick = KICK_SENT;
	if (!(configuration->operations & 1u << OPERATION_NMI))
		vmx_nmi(&world.cpu[apic_id]);
}

/* Every copy of its registers but the one in the CPU is old now. */
static void registers_change(struct model_cpu *cpu, unsigned int c)
{
	uint64_t newest = UNSWITCHED_OF(c);

	for (unsigned int i = 0; i < configuration->cpus; i++) {
		struct model_cpu *other = &world.cpu[i];

		if (other->pcpu.loaded.registers.msr[UNSWITCHED_MSR] == newest)
			other->pcpu.loaded.registers.msr[UNSWITCHED_MSR] = UNSWITCHED_OLD;
		if (other->unswitched == newest && other != cpu)
			other->unswitched = UNSWITCHED_OLD;
	}
	world.context[c].vcpu.unswitched.msr[UNSWITCHED_MSR] = UNSWITCHED_OLD;
	if (world.context[c].vcpu.tiles.used)
		world.context[c].vcpu.tiles.value = TILES_OLD;
}

void vmx_guest_runs(struct model_cpu *cpu, unsigned int c, bool launched)
{
	struct model_context *context = &world.context[c];

	require(cpu->vmcs_current == c, "VM entry: the current VMCS is not the vCPU's");
	require(launched == context->vmcs_launched,
		"VM entry: VMLAUNCH of a launched VMCS, or VMRESUME of one that is not");
	require(context->vmcs_host == cpu->pcpu.cpu.id,
		"VM entry: the VMCS's host fields are another CPU's");
	require(cpu->unswitched == UNSWITCHED_OF(c),
		"VM entry: the unswitched registers are not the vCPU's newest");
	require(cpu->tiles == (context->vcpu.tiles.used ? TILES_OF(c) : TILES_INITIAL),
		"VM entry: the tiles are another vCPU's, or not its newest");
	require(!(cpu->vpids_stale & bit(c)),
		"VM entry: translations of its VPID are left from before it ran elsewhere");
	require(!(cpu->epts_stale & bit(c)),
		"VM entry: translations of its EPT are left from before a change elsewhere");
	context->vmcs_launched = true;
	if (configuration->operations & 1u << OPERATION_END)
		cpu->epts |= bit(c);
	for (unsigned int i = 0; i < configuration->cpus; i++) {
		if (&world.cpu[i] == cpu)
			continue;
		world.cpu[i].vpids_stale |= bit(c);
		world.cpu[i].epts_stale |= bit(c);
	}
	registers_change(cpu, c);
}

void vmx_nmi(struct model_cpu *cpu)
{
	int32_t *ask = cpu->pcpu.cpu.ask_at_nmi;

	cpu->kick = KICK_NONE;
	cpu->halted = false;
	cpu->nmi_window = false;
	if (cpu->in_guest) {
		cpu->in_guest = false;
		return;
	}
	if (!ask)
		return;
	for (unsigned int c = 0; c < configuration->contexts; c++)
		require(ask != &world.context[c].vcpu.guest.entries_left ||
				world.context[c].vcpu.pcpu == &cpu->pcpu,
			"an NMI asks a vCPU to return that is not here");
	*ask |= VMX_RETURN_ASKED;
}

void vmx_check_forgotten(unsigned int c)
{
	for (unsigned int i = 0; i < configuration->cpus; i++) {
		struct model_cpu *cpu = &world.cpu[i];

		require(!(cpu->vmcs_active & bit(c)), "a VM ends whose VMCS a CPU may write yet");
		require(!(cpu->epts & bit(c)), "a VM ends of whose EPT a CPU has translations");
		require(cpu->pcpu.loaded.vcpu != &world.context[c].vcpu &&
				cpu->pcpu.scheduled != &world.context[c].vcpu,
			"a VM ends that a CPU names");
		require(cpu->pcpu.fpu.owner != &world.context[c].vcpu.fpu.context,
			"a VM ends that a CPU's FPU registers belong to");
		cpu->vpids_stale |= bit(c);
		cpu->epts_stale &= (uint8_t)~bit(c);
	}
}

void vmx_reset_cpu(struct model_cpu *cpu)
{
	cpu->unswitched = UNSWITCHED_OLD;
	cpu->pcpu.loaded.registers.msr[UNSWITCHED_MSR] = UNSWITCHED_OLD;
	cpu->vpids_stale = cpu->epts_stale = cpu->epts = 0;
	cpu->tiles = TILES_INITIAL;
}
