#include <stddef.h>

#include "boot/clock.h"
#include "fpu/trace.h"
#include "lib/min.h"
#include "lib/x86.h"
#include "vmm/debugged.h"
#include "vmm/device/screen.h"
#include "vmm/device/typing.h"
#include "vmm/interrupts.h"
#include "vmm/loaded.h"
#include "vmm/mail.h"
#include "vmm/output.h"
#include "vmm/pcpu.h"
#include "vmm/request.h"
#include "vmm/sched/enter.h"
#include "vmm/vcpu_vmcs.h"
#include "vmm/sched/slice.h"
#include "vmm/sched/step.h"
#include "vmm/vm.h"
#include "vmm/vm_halted.h"

#define NEVER UINT64_MAX
/* Between two looks at a guest's screen. */
#define SCREEN_US	50000
#define EMPTY_SCREEN_US 200000 /* while nothing has been drawn */

void deschedule(struct pcpu *pcpu)
{
	if (pcpu->scheduled)
		fpu_leave(&pcpu->fpu, &pcpu->scheduled->fpu.context);
	pcpu->scheduled = NULL;
}

static __attribute__((noinline)) uint64_t left_of_limit(const struct vm *vm)
{
	uint64_t limit = clock_us_to_tsc(vm->config.limit_ms * 1000), ran = 0;

	for (uint32_t i = 0; i < vm->vcpu_count; i++)
		ran += vm->vcpu[i]->ran;
	return limit > ran ? limit - ran : 0;
}

/* The TSC value at which the VM has had its CPU time (`limit=`): that of all its vCPUs. */
static uint64_t limit_deadline(const struct vcpu *vcpu, uint64_t now)
{
	return vcpu->vm->config.limit_ms ? now + left_of_limit(vcpu->vm) : NEVER;
}

/* A turn that is under way: what has an end at which TSC value. */
struct turn {
	uint64_t start; /* or when others' time in it ended */
	uint64_t slice_end;
	uint64_t limit;
	uint64_t stop; /* the first of these, and of the console's */
};

static void set_stop(struct turn *turn)
{
	turn->stop =
		min_u64(min_u64(turn->slice_end, turn->limit), output_due_before(turn->slice_end));
}

/* The guest, until the turn has to stop or something is pending. Returns the time. */
static uint64_t run_guest(struct pcpu *pcpu, struct vcpu *vcpu, struct turn *turn, uint64_t now,
			  uint64_t slice, bool *extended)
{
	/* its timer may have come due meanwhile */
	while (vcpu_poll(vcpu, now) && now < turn->stop) {
		vcpu->state_loaded = false;
		now = enter_guest(pcpu, vcpu, now, min_u64(turn->stop, vcpu->timer_deadline));
		if (vcpu->pending)
			break;
		if (pcpu->mail.from)
			mail_serve(pcpu);
		/* state that a trap just loaded is used before another guest may want the
		 * registers: once a slice, or a guest whose registers host sections clobber would
		 * keep the CPU
		 */
		if (vcpu->state_loaded && !*extended && turn->slice_end < now + slice / 8) {
			turn->slice_end = now + slice / 8;
			*extended = true;
			set_stop(turn);
		}
	}
	return now;
}

/* Output that is due goes out, in time that is not the turn's. Returns the time. */
static uint64_t send_output(struct vcpu *vcpu, struct turn *turn, uint64_t now)
{
	uint64_t sent;

	if (now < output_due())
		return now;
	vcpu_charge(vcpu, now - turn->start);
	output_send();
	sent = rdtsc();
	turn->start = sent;
	turn->slice_end += sent - now;
	turn->limit = limit_deadline(vcpu, sent);
	return sent;
}

/* Apart, so that turns in which it is not due have no registers to save. */
static __attribute__((noinline)) uint64_t scan_screen(struct vm *vm, uint64_t now)
{
	bool locked = vm_lock_pc(vm);

	/* another vCPU may have looked since, and have taken the room */
	if (now >= vm->screen_due && output_has_room(vm)) {
		vm->screen_waits = screen_scan(vm);
		vm->screen_due =
			now + clock_us_to_tsc(vm->screen_drawn ? SCREEN_US : EMPTY_SCREEN_US);
	}
	vm_unlock_pc(vm, locked);
	return rdtsc();
}

/*
 * Whoever draws it is not seen: what has changed is looked for now and then, if there is room for
 * its lines. Returns the time.
 */
static uint64_t show_screen(struct vm *vm, uint64_t now)
{
	vm->screen_waits = true;
	return now < vm->screen_due || !output_has_room(vm) ? now : scan_screen(vm, now);
}

/* It may wake nobody, and have been the last that could. */
static __attribute__((noinline)) void take_what_arrived(struct vcpu *vcpu)
{
	bool locked = vm_lock_pc(vcpu->vm);

	interrupts_arrived(vcpu);
	if (vcpu->state != VCPU_RUNNABLE && vm_sleeps_for_ever(vcpu->vm))
		vm_halted(vcpu->vm);
	vm_unlock_pc(vcpu->vm, locked);
}

/* What it has been asked to stop for, which it is told once. */
static uint32_t take_requests(struct vcpu *vcpu)
{
	uint32_t asked = __atomic_exchange_n(&vcpu->pending, 0, __ATOMIC_SEQ_CST);

	if (__builtin_expect(asked & VCPU_INTERRUPT, 0))
		take_what_arrived(vcpu);
	return asked;
}

/* The same before its slice; what other vCPUs have sent it may start it. */
static __attribute__((noinline)) uint32_t take_first_requests(struct pcpu *pcpu, struct vcpu *vcpu)
{
	uint32_t asked = take_requests(vcpu);

	if (vcpu->lapic.signals & LAPIC_STARTUP)
		vcpu_start_up(pcpu, vcpu);
	return asked;
}

static inline void come_to(struct pcpu *pcpu, struct vcpu *vcpu)
{
	if (pcpu->scheduled != vcpu) {
		deschedule(pcpu);
		fpu_trace(&pcpu->fpu, &vcpu->fpu.context, FPU_TRACE_RUN);
	}
	loaded_take(pcpu, vcpu);
	pcpu->scheduled = vcpu;
}

/* What it has been asked for may take the place of its slice: a debugger's step does. */
static __attribute__((noinline)) bool stops_before(struct pcpu *pcpu, struct vcpu *vcpu,
						   uint64_t deadline)
{
	const struct debugged_vcpu *own = debugged_vcpu(vcpu);
	uint64_t start = rdtsc();

	if (vm_is_stopped(vcpu->vm)) /* what stands still is another CPU's to look at */
		return true;
	if (take_first_requests(pcpu, vcpu) & VCPU_VM)
		return true;
	if (!own || !own->steps)
		return false;
	come_to(pcpu, vcpu);
	vcpu_charge(vcpu, step(pcpu, vcpu, deadline) - start);
	vcpu->gave_up = vcpu->state != VCPU_RUNNABLE;
	return true;
}

void run_slice(struct pcpu *pcpu, struct vcpu *vcpu, uint64_t slice, uint64_t length)
{
	uint64_t now = rdtsc();
	struct turn turn = {
		.start = now,
		.slice_end = now + length,
		.limit = limit_deadline(vcpu, now),
	};
	bool extended = false;
	uint32_t asked;

	/* also one that is stopped is woken, by what is typed for it */
	if ((vcpu->pending && stops_before(pcpu, vcpu, now + length)) || vcpu->vm->stopped)
		return;
	come_to(pcpu, vcpu);
	if (guest_input_any(&vcpu->vm->input))
		typing_receive(vcpu->vm);
	do {
		set_stop(&turn);
		now = run_guest(pcpu, vcpu, &turn, now, slice, &extended);
		now = send_output(vcpu, &turn, now);
		asked = take_requests(vcpu);
	} while (vcpu->state == VCPU_RUNNABLE && !(asked & (VCPU_YIELD | VCPU_VM)) &&
		 output_has_room(vcpu->vm) && now < min_u64(turn.slice_end, turn.limit));
	now = show_screen(vcpu->vm, now);
	vcpu->gave_up = vcpu->state != VCPU_RUNNABLE || (asked & VCPU_YIELD);
	vcpu_charge(vcpu, now - turn.start);
	if (now > turn.slice_end)
		vm_owes(vcpu->vm, now - turn.slice_end);
	if (now >= turn.limit)
		vm_fail(vcpu, "limit",
			"it has had the CPU for the %lu ms of its module line (limit=)",
			vcpu->vm->config.limit_ms);
}
