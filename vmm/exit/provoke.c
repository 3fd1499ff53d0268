#include <stddef.h>

#include "boot/apic.h"
#include "boot/clock.h"
#include "boot/ioapic.h"
#include "boot/layout.h"
#include "boot/machine_check.h"
#include "boot/pic.h"
#include "boot/pit.h"
#include "boot/trap.h"
#include "fpu/instructions.h"
#include "lib/console.h"
#include "lib/panic.h"
#include "lib/refusal.h"
#include "lib/x86.h"
#include "vmm/exit/machine_check.h"
#include "vmm/exit/provoke.h"
#include "vmm/exit/struck.h"
#include "vmm/mail.h"
#include "vmm/pcpu.h"
#include "vmm/vm.h"
#include "vmx/checks/entry_here.h"
#include "vmx/dump.h"
#include "vmx/entry.h"
#include "vmx/names.h"
#include "vmx/vmcs.h"
#include "vmx/vmx.h"

#define PERIOD	      (PIT_HZ / 5000)
#define VARIATION     61
#define KICK_PERIOD   30
#define STORM_VECTOR  0x51
#define NESTED_CHECKS 20

/* Set at boot, and cleared by the guest that it strikes. */
static bool memory_check_due;

static bool sends_init; /* set at boot */

/* Deeper than any stack; the depth is no constant, so that the compiler keeps every frame. */
static __attribute__((noinline)) uint64_t fill_stack(volatile uint64_t *depth)
{
	volatile uint64_t block[64];

	block[0] = *depth - 1;
	return block[0] ? fill_stack(block) + block[0] : 0;
}

/* The 8254 by the I/O APIC, which a PC has. `low` is what becomes of it: boot/ioapic.h. */
static void start_8254(uint32_t low)
{
	if (apic_present() && ioapic_route_pit(low, this_cpu()->apic_id))
		pit_start_periodic(PERIOD);
	else
		log_warning("this crash= needs a local APIC and an I/O APIC: ignored");
}

/* The next one comes a little later or earlier than this one did, so that no place is left out. */
static void note_struck(uint64_t rip)
{
	static unsigned int count;

	struck_note(rip);
	pit_start_periodic(PERIOD + count++ % VARIATION);
}

void provoke_report(enum provoke fault)
{
	if (fault == PROVOKE_NMI || fault == PROVOKE_KICKS)
		struck_print();
}

/* The CPU that kicks, or NULL. Written at boot. */
static struct pcpu *kicker;

static void start_kicks(void)
{
	if (cpus_count() < 2) {
		log_warning("crash=kicks needs two CPUs: ignored");
		return;
	}
	kicker = pcpu_at(cpus_count() - 1);
	trap_at_nmi(struck_note);
}

uint64_t provoke_kickers(void)
{
	return kicker ? pcpu_bit(kicker) : 0;
}

void provoke_kick(void)
{
	static unsigned int count;

	mail_kick(pcpu_at(count % kicker->cpu.id));
	for (unsigned int i = 0; i < KICK_PERIOD + count % VARIATION; i++)
		compiler_barrier();
	count++;
}

/*
 * NMIs from the 8254, for as long as guests run: they strike guests, the exit path and the last
 * steps before an entry alike.
 */
static void start_nmis(void)
{
	start_8254(IOAPIC_NMI);
}

/* The 8254 as a device that nobody drives and that is never silent, also by the 8259. */
static void start_storm(void)
{
	start_8254(IOAPIC_LEVEL | STORM_VECTOR);
	pic_unmask(0);
}

/*
 * A machine check inside the NMI handler, which then waits until another NMI must be pending. That
 * one must not come before the handler has ended: both would use one stack.
 */
static void check_in_nmi(uint64_t rip)
{
	static const struct machine_check_bank no_action = {
		MCI_STATUS_VAL | MCI_STATUS_UC | MCI_STATUS_EN, 0, 0};
	static volatile bool inside;
	static unsigned int count;
	uint64_t start;

	(void)rip;
	if (inside)
		panic("an NMI came while the handler of another one ran");
	if (count++ >= NESTED_CHECKS)
		return;
	inside = true;
	machine_check_inject(MCG_STATUS_RIPV | MCG_STATUS_MCIP, &no_action);
	__asm__ volatile("int $18");
	start = rdtsc();
	while (rdtsc() - start < clock_us_to_tsc(1000))
		cpu_relax();
	inside = false;
}

/* The guest has used memory whose content is lost: a line of its second page. */
void provoke_at_nmi_exit(struct vcpu *vcpu)
{
	struct machine_check_bank bank = {
		.status = MCI_STATUS_VAL | MCI_STATUS_UC | MCI_STATUS_EN | MCI_STATUS_MISCV |
			  MCI_STATUS_ADDRV | MCI_STATUS_S | MCI_STATUS_AR | MCACOD_DATA_LOAD,
		.address = (uint64_t)guest_ram_at(&vcpu->vm->ram, PAGE_SIZE, PAGE_SIZE),
		.misc = 2 << 6 | 6, /* a physical address, to the cache line */
	};

	if (sends_init) /* again and again: in root mode it may be lost, or come later */
		apic_send_init(cpu_at(cpus_count() - 1)->apic_id);
	if (!memory_check_due)
		return;
	memory_check_due = false;
	machine_check_inject(MCG_STATUS_EIPV | MCG_STATUS_MCIP, &bank);
	exit_machine_check(vcpu);
}

/* A VMCS with nothing in it: the controls are not valid. */
static void enter_empty_vmcs(void)
{
	struct vmx_guest guest = {.entries_left = 1};
	struct refusal refusal;
	uint32_t error;

	vmcs_make_current(vmcs_create());
	if (vmx_enter(&guest, false).result != VMX_FAIL_VALID)
		panic("a VM entry with an empty VMCS did not fail as it must");
	error = vmcs_read(VMCS_INSTRUCTION_ERROR);
	log_error("VM entry failed: %s", vmx_instruction_error_name(error));
	if (entry_here_explain(&refusal, error))
		log_error("%s", refusal.text);
	vmcs_dump();
	panic("crash=vmentry");
}

void provoke(enum provoke fault)
{
	static uint8_t vector_target[128] __attribute__((aligned(128)));
	volatile uint64_t depth = 1 << 20;

	switch (fault) {
	case PROVOKE_PAGEFAULT:
		*(volatile uint64_t *)BIT(46) = 0;
		break;
	case PROVOKE_TEXTWRITE:
		*(volatile uint8_t *)text_start = 0;
		break;
	case PROVOKE_STACK:
		fill_stack(&depth);
		break;
	case PROVOKE_VECTOR:
		fpu_clear_sse(vector_target, sizeof(vector_target));
		break;
	case PROVOKE_NMI:
		trap_at_nmi(note_struck);
		start_nmis();
		break;
	case PROVOKE_KICKS:
		start_kicks();
		break;
	case PROVOKE_VMENTRY:
		enter_empty_vmcs();
		break;
	case PROVOKE_SECTION:
		fpu_host_begin(&this_pcpu()->fpu);
		fpu_host_begin(&this_pcpu()->fpu);
		break;
	case PROVOKE_MEMORY:
		memory_check_due = true;
		start_nmis();
		break;
	case PROVOKE_NESTED:
		trap_at_nmi(check_in_nmi);
		start_nmis();
		break;
	case PROVOKE_INIT:
		sends_init = cpus_count() > 1;
		start_nmis();
		break;
	case PROVOKE_STORM:
		start_storm();
		break;
	case PROVOKE_NONE:
	case PROVOKE_IDLE:
	case PROVOKE_ENTRY_CHECKS:
	case PROVOKE_ENTRY_SAMPLE:
		break;
	case PROVOKE_FRAME:
		__asm__ volatile("mov %0, %%rbp; ud2"
				 :
				 : "r"(this_cpu()->stacks->ist[IST_NMI - 1].guard + 8));
		break;
	}
}
