#include <stddef.h>

#include "boot/trap.h"
#include "lib/array.h"
#include "lib/console.h"
#include "lib/refusal.h"
#include "lib/x86.h"
#include "vmm/cpuid.h"
#include "vmm/entry_watch.h"
#include "vmm/exit/apic.h"
#include "vmm/exit/cpuid.h"
#include "vmm/exit/cr.h"
#include "vmm/exit/debug.h"
#include "vmm/exit/dispatch.h"
#include "vmm/hole_step.h"
#include "vmm/exit/hypercall.h"
#include "vmm/exit/instruction.h"
#include "vmm/interrupts.h"
#include "vmm/exit/io.h"
#include "vmm/exit/machine_check.h"
#include "vmm/exit/mmio.h"
#include "vmm/exit/msr.h"
#include "vmm/exit/provoke.h"
#include "vmm/exit/seen.h"
#include "vmm/exit/task_switch.h"
#include "vmm/pcpu.h"
#include "vmm/request.h"
#include "vmm/vm.h"
#include "vmm/vm_halted.h"
#include "vmx/checks/entry_here.h"
#include "vmx/names.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

#define BASIC_REASON 0xffffu

void exit_entry_failed(struct vcpu *vcpu, const char *what)
{
	log_error("%s: VM entry failed: %s", vcpu->vm->config.name, what);
	vcpu->vm->settling.dump = true;
	vm_fail(vcpu, "entry-failed", "VM entry failed: %s [SDM Vol. 3C 26.7]", what);
}

/* RIP has run over the end of the lowest 4 GiB outside of 64-bit mode: vmm/exit/instruction.h. */
static bool wrap_rip(const struct vcpu *vcpu)
{
	uint64_t rip = vmcs_read(VMCS_GUEST_RIP);

	if (!(rip >> 32) || vcpu_in_64bit_mode(vcpu))
		return false;
	vmcs_write(VMCS_GUEST_RIP, rip & 0xffffffff);
	return true;
}

/* An address that VM entry refuses and WRMSR does not is the guest's own doing: it ends, no more.
 */
static void entry_refused(struct vcpu *vcpu, uint32_t basic)
{
	struct refusal refusal;

	if (entry_here_explain(&refusal, basic))
		exit_entry_failed(vcpu, refusal.text);
	else if (entry_here_explain_48_bits(&refusal, basic))
		vm_fail(vcpu, "entry-failed", "VM entry failed: %s", refusal.text);
	else
		exit_entry_failed(vcpu, exit_reason_name(basic));
}

static void reflect(struct vcpu *vcpu)
{
	if (!event_reflect(&vcpu->events))
		vm_fail(vcpu, "triple-fault", "triple fault [SDM Vol. 3A 6.15]");
}

static void exit_exception(struct vcpu *vcpu)
{
	uint32_t info = vmcs_read(VMCS_EXIT_INTERRUPTION_INFO);
	uint8_t vector = info & INTERRUPTION_VECTOR;

	if ((info & INTERRUPTION_TYPE) == TYPE_NMI) {
		/* NMIs are blocked until an IRET: the handler counts this one and ends in one */
		vcpu->pcpu->nmi_exits++;
		__asm__ volatile("int $2");
		provoke_at_nmi_exit(vcpu);
		event_go_on();
		return;
	}
	switch (vector) {
	case VECTOR_NM:
		fpu_trap(&vcpu->pcpu->fpu, &vcpu->fpu.context);
		vcpu->state_loaded = true;
		event_execute_again(); /* a CPU has set RF: Bochs 2.7 has not */
		break;
	case VECTOR_MC:
		exit_machine_check(vcpu);
		event_release_debug_traps(&vcpu->events);
		event_go_on();
		break;
	case VECTOR_BP:
		if (!debug_takes_breakpoint(vcpu))
			reflect(vcpu);
		break;
	case VECTOR_DB:
		if (!debug_takes_exception(vcpu))
			reflect(vcpu);
		break;
	case VECTOR_AC:
		reflect(vcpu);
		break;
	default:
		vm_fail(vcpu, "unknown-exit",
			"exception %u exited, and is not intercepted [SDM Vol. 3C 25.2]", vector);
	}
}

/*
 * An interrupt that came while we were in root mode, where they are off, makes a hypervisor below
 * us ask for an exit when they are on; and until it had that one, it looks for interrupts at each
 * of our VM entries.
 */
static void open_interrupt_window(void)
{
	interrupts_on();
	__asm__ volatile("nop"); /* STI lets nothing in before the instruction behind it */
	interrupts_off();
}

static void exit_external_interrupt(struct vcpu *vcpu)
{
	interrupt_handle(vmcs_read(VMCS_EXIT_INTERRUPTION_INFO) & INTERRUPTION_VECTOR);
	if (vcpu->pcpu->vmx.nested)
		open_interrupt_window();
	event_go_on();
}

/* The run loop looks at the time, and at what is pending, next. */
static void exit_nothing_to_do(struct vcpu *vcpu)
{
	(void)vcpu;
	event_go_on();
}

static void exit_triple_fault(struct vcpu *vcpu)
{
	vm_fail(vcpu, "triple-fault",
		"triple fault: an exception while a double fault was delivered [SDM Vol. 3A 6.15]");
}

static void exit_init_signal(struct vcpu *vcpu)
{
	vm_fail(vcpu, "init",
		"an INIT or SIPI arrived while it ran: nobody here sends one [SDM Vol. 3C 25.2]");
}

/* Nothing of its own wakes it; of several vCPUs another one may. */
static __attribute__((noinline)) void halt_for_good(struct vcpu *vcpu)
{
	if (vm_is_shared(vcpu->vm)) {
		vcpu->state = VCPU_HALTED;
		vcpu_request(vcpu, 0);
	}
	if (vm_sleeps_for_ever(vcpu->vm))
		vm_halted(vcpu->vm);
}

static void exit_hlt(struct vcpu *vcpu)
{
	uint64_t rflags = vmcs_read(VMCS_GUEST_RFLAGS);
	uint32_t blocking = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);
	/* STI and MOV SS block nothing after it: it has completed */
	bool interrupts = rflags & RFLAGS_IF, nmis = !(blocking & BLOCKING_BY_NMI);
	bool above_tpr = vcpu->timer_vector >> 4 > vcpu_cr8(vcpu);
	bool timer_wakes = vcpu->call_deadline != VCPU_TIMER_OFF &&
			   (vcpu->timer_vector == VECTOR_NMI ? nmis : interrupts && above_tpr);

	vcpu_skip_with(vcpu, rflags, blocking);
	vcpu->wakes_on_interrupt = interrupts;
	vcpu->wakes_on_nmi = nmis;
	if (event_deliverable(&vcpu->events, vcpu_cr8(vcpu), interrupts, nmis) ||
	    (interrupts && interrupts_wait(vcpu)))
		return;
	if (timer_wakes || (interrupts && interrupts_may_come(vcpu))) {
		vcpu->state = VCPU_HALTED;
		vcpu_request(vcpu, 0);
	} else {
		halt_for_good(vcpu);
	}
}

/* Caches hold other VMs' data too: nothing is thrown away, and write-back needs no flush. */
static void exit_skip(struct vcpu *vcpu)
{
	vcpu_skip_instruction_fast(vcpu);
}

static void exit_invalid_opcode(struct vcpu *vcpu)
{
	vcpu_raise(vcpu, VECTOR_UD, EVENT_NO_ERROR_CODE);
}

static void exit_general_protection(struct vcpu *vcpu)
{
	vcpu_raise(vcpu, VECTOR_GP, 0);
}

static void exit_ept_misconfiguration(struct vcpu *vcpu)
{
	vm_fail(vcpu, "ept-misconfiguration",
		"the extended page tables for guest-physical 0x%lx are wrong: an error of the "
		"hypervisor [SDM Vol. 3C 28.3.3.1]",
		vmcs_read(VMCS_GUEST_PHYSICAL_ADDRESS));
}

/* The instruction has completed. What it did slows every CPU down: the others have their turn now.
 */
static void exit_bus_lock(struct vcpu *vcpu)
{
	vcpu_request(vcpu, VCPU_YIELD);
}

/* It spins for another vCPU of its VM, which may be waiting for this CPU. */
static void exit_pause(struct vcpu *vcpu)
{
	vcpu_skip_instruction(vcpu);
	vcpu_request(vcpu, VCPU_YIELD);
}

/*
 * Instructions are handled at once, between vmx_exit and VMRESUME: nothing was being delivered when
 * they exited, and nobody but their guest is concerned. What comes from elsewhere, may have broken
 * off the delivery of an event, or is to be followed by another look at the time is handled in the
 * run loop. EPT violations see to that themselves.
 */
static const struct {
	exit_handler at_once, in_loop;
} handlers[EXIT_REASON_COUNT] = {
	[EXIT_REASON_EXCEPTION_NMI] = {.in_loop = exit_exception},
	[EXIT_REASON_EXTERNAL_INTERRUPT] = {.in_loop = exit_external_interrupt},
	[EXIT_REASON_TRIPLE_FAULT] = {.in_loop = exit_triple_fault},
	[EXIT_REASON_INIT] = {.in_loop = exit_init_signal},
	[EXIT_REASON_SIPI] = {.in_loop = exit_init_signal},
	[EXIT_REASON_INTERRUPT_WINDOW] = {.in_loop = exit_nothing_to_do},
	[EXIT_REASON_NMI_WINDOW] = {.in_loop = exit_nothing_to_do},
	[EXIT_REASON_TASK_SWITCH] = {.in_loop = exit_task_switch},
	[EXIT_REASON_CPUID] = {.at_once = exit_cpuid},
	[EXIT_REASON_GETSEC] = {.at_once = exit_invalid_opcode},
	[EXIT_REASON_HLT] = {.at_once = exit_hlt},
	[EXIT_REASON_INVD] = {.at_once = exit_skip},
	[EXIT_REASON_RDPMC] = {.at_once = exit_general_protection},
	[EXIT_REASON_VMCALL] = {.at_once = exit_vmcall},
	[EXIT_REASON_VMCLEAR] = {.at_once = exit_invalid_opcode},
	[EXIT_REASON_VMLAUNCH] = {.at_once = exit_invalid_opcode},
	[EXIT_REASON_VMPTRLD] = {.at_once = exit_invalid_opcode},
	[EXIT_REASON_VMPTRST] = {.at_once = exit_invalid_opcode},
	[EXIT_REASON_VMREAD] = {.at_once = exit_invalid_opcode},
	[EXIT_REASON_VMRESUME] = {.at_once = exit_invalid_opcode},
	[EXIT_REASON_VMWRITE] = {.at_once = exit_invalid_opcode},
	[EXIT_REASON_VMXOFF] = {.at_once = exit_invalid_opcode},
	[EXIT_REASON_VMXON] = {.at_once = exit_invalid_opcode},
	[EXIT_REASON_CR_ACCESS] = {.at_once = exit_cr_access},
	[EXIT_REASON_DR_ACCESS] = {.at_once = exit_dr_access},
	[EXIT_REASON_IO_INSTRUCTION] = {.at_once = exit_io},
	[EXIT_REASON_RDMSR] = {.at_once = exit_rdmsr},
	[EXIT_REASON_WRMSR] = {.at_once = exit_wrmsr},
	[EXIT_REASON_MWAIT] = {.at_once = exit_invalid_opcode},
	[EXIT_REASON_MONITOR_TRAP_FLAG] = {.in_loop = exit_monitor_trap},
	[EXIT_REASON_PAUSE] = {.in_loop = exit_pause},
	[EXIT_REASON_MONITOR] = {.at_once = exit_invalid_opcode},
	[EXIT_REASON_TPR_BELOW_THRESHOLD] = {.in_loop = exit_tpr_below_threshold},
	[EXIT_REASON_APIC_ACCESS] = {.at_once = exit_apic_access_at_once,
				     .in_loop = exit_apic_access},
	[EXIT_REASON_APIC_WRITE] = {.in_loop = exit_apic_write},
	[EXIT_REASON_EPT_VIOLATION] = {.at_once = exit_ept_violation_at_once,
				       .in_loop = exit_ept_violation},
	[EXIT_REASON_INVEPT] = {.at_once = exit_invalid_opcode},
	[EXIT_REASON_EPT_MISCONFIGURATION] = {.in_loop = exit_ept_misconfiguration},
	[EXIT_REASON_ENCLS] = {.at_once = exit_invalid_opcode},
	[EXIT_REASON_PREEMPTION_TIMER] = {.in_loop = exit_nothing_to_do},
	[EXIT_REASON_INVVPID] = {.at_once = exit_invalid_opcode},
	[EXIT_REASON_WBINVD] = {.at_once = exit_skip},
	[EXIT_REASON_XSETBV] = {.at_once = exit_xsetbv},
	[EXIT_REASON_VMFUNC] = {.at_once = exit_invalid_opcode},
	/* of features that CPUID hides; ENCLS above too */
	[EXIT_REASON_PCONFIG] = {.at_once = exit_invalid_opcode},
	[EXIT_REASON_UMWAIT] = {.at_once = exit_invalid_opcode},
	[EXIT_REASON_TPAUSE] = {.at_once = exit_invalid_opcode},
	[EXIT_REASON_LOADIWKEY] = {.at_once = exit_invalid_opcode},
	[EXIT_REASON_ENCLV] = {.at_once = exit_invalid_opcode},
	[EXIT_REASON_SEAMCALL] = {.at_once = exit_invalid_opcode},
	[EXIT_REASON_TDCALL] = {.at_once = exit_invalid_opcode},
	[EXIT_REASON_RDMSRLIST] = {.at_once = exit_invalid_opcode},
	[EXIT_REASON_WRMSRLIST] = {.at_once = exit_invalid_opcode},
	[EXIT_REASON_URDMSR] = {.at_once = exit_invalid_opcode},
	[EXIT_REASON_UWRMSR] = {.at_once = exit_invalid_opcode},
	[EXIT_REASON_RDMSR_IMMEDIATE] = {.at_once = exit_invalid_opcode},
	[EXIT_REASON_WRMSRNS_IMMEDIATE] = {.at_once = exit_invalid_opcode},
	[EXIT_REASON_BUS_LOCK] = {.in_loop = exit_bus_lock},
};

/*
 * What reaches the chips or changes the EPT has the VM's lock, where a VM has several vCPUs. Apart,
 * so that machines without such VMs have the short way as it is.
 */
#define UNDER_LOCK(handler)                                                                        \
	static void handler##_locked(struct vcpu *vcpu)                                            \
	{                                                                                          \
		bool locked = vm_lock_pc(vcpu->vm);                                                \
                                                                                                   \
		handler(vcpu);                                                                     \
		vm_unlock_pc(vcpu->vm, locked);                                                    \
	}

UNDER_LOCK(exit_io)
UNDER_LOCK(exit_hlt)
UNDER_LOCK(exit_task_switch)
UNDER_LOCK(exit_ept_violation_at_once)
UNDER_LOCK(exit_ept_violation)

static const struct {
	exit_handler handler, locked;
} under_lock[] = {
	{exit_io, exit_io_locked},
	{exit_hlt, exit_hlt_locked},
	{exit_task_switch, exit_task_switch_locked},
	{exit_ept_violation_at_once, exit_ept_violation_at_once_locked},
	{exit_ept_violation, exit_ept_violation_locked},
};

const void *vmx_exit_handlers[EXIT_REASON_COUNT];

/* What the loop calls: the same, or exit_seen() for all of them. */
static exit_handler loop_handlers[EXIT_REASON_COUNT];

/* Written by the first CPU. Where another one finds them half changed an exit is not seen. */
static bool verbose, watched, entries_watched, locking;

static exit_handler with_lock(exit_handler handler)
{
	for (unsigned int i = 0; locking && i < ARRAY_SIZE(under_lock); i++)
		if (under_lock[i].handler == handler)
			return under_lock[i].locked;
	return handler;
}

static exit_handler handler_of(uint32_t reason)
{
	return with_lock(handlers[reason].in_loop ? handlers[reason].in_loop
						  : handlers[reason].at_once);
}

static void exit_seen(struct vcpu *vcpu)
{
	uint32_t reason = vmcs_read(VMCS_EXIT_REASON) & BASIC_REASON;

	if (entries_watched)
		entry_watch_entered(vcpu);
	if (verbose)
		seen_tell(vcpu, reason);
	if (watched)
		seen_count(vcpu, reason);
	handler_of(reason)(vcpu);
}

static void choose_handlers(void)
{
	bool seen = verbose || watched || entries_watched;

	for (unsigned int i = 0; i < EXIT_REASON_COUNT; i++) {
		exit_handler at_once = with_lock(handlers[i].at_once);

		loop_handlers[i] = seen && handler_of(i) ? exit_seen : handler_of(i);
		vmx_exit_handlers[i] = at_once && !seen ? (const void *)at_once : vmx_leave;
	}
}

void exit_init(bool tell_all)
{
	verbose = tell_all;
	entries_watched = entry_watch_on();
	choose_handlers();
}

void exit_share(void)
{
	locking = true;
	choose_handlers();
}

void exit_watch(bool on)
{
	watched = on;
	choose_handlers();
}

/* The guest did not run; if it can live with the machine check, it is tried again. */
static void entry_failed(struct vcpu *vcpu, uint32_t basic)
{
	entry_watch_failed(vcpu->pcpu);
	if (basic == EXIT_REASON_INVALID_GUEST_STATE && wrap_rip(vcpu))
		return;
	if (basic < EXIT_REASON_COUNT)
		vcpu->guest.exits[basic]++;
	if (basic == EXIT_REASON_MACHINE_CHECK_ON_ENTRY)
		exit_machine_check(vcpu);
	else
		entry_refused(vcpu, basic);
}

void exit_dispatch(struct vcpu *vcpu, uint32_t reason)
{
	uint32_t basic = reason & BASIC_REASON;
	exit_handler handler = NULL;

	if (reason & EXIT_REASON_ENTRY_FAILURE) {
		entry_failed(vcpu, basic);
		return;
	}
	if (basic < EXIT_REASON_COUNT)
		handler = loop_handlers[basic];
	if (reason != basic && basic < EXIT_REASON_COUNT)
		vcpu->guest.exits[basic]++; /* vmx_exit did not */
	if (reason & EXIT_REASON_BUS_LOCKED) {
		/* a bus lock, and an exit of higher priority */
		if (basic != EXIT_REASON_BUS_LOCK)
			vcpu->guest.exits[EXIT_REASON_BUS_LOCK]++;
		exit_bus_lock(vcpu);
	}
	event_after_exit(&vcpu->events);
	if (handler)
		handler(vcpu);
	else
		vm_fail(vcpu, "unknown-exit",
			"VM exit with reason %u (%s), which nothing here asks for [SDM Vol. 3D C]",
			basic, exit_reason_name(basic));
}
