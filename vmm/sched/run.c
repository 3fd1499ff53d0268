#include "vmm/sched/run.h"

#include <stddef.h>

#include "boot/clock.h"
#include "boot/power.h"
#include "lib/min.h"
#include "lib/x86.h"
#include "vmm/device/screen.h"
#include "vmm/entry_watch.h"
#include "vmm/exit/provoke.h"
#include "vmm/gdb/gdb.h"
#include "vmm/mail.h"
#include "vmm/monitor.h"
#include "vmm/online.h"
#include "vmm/options.h"
#include "vmm/output.h"
#include "vmm/pcpu.h"
#include "vmm/request.h"
#include "vmm/sched/balance.h"
#include "vmm/sched/idle.h"
#include "vmm/sched/offline.h"
#include "vmm/sched/slice.h"
#include "vmm/sched/turns.h"
#include "vmm/stats.h"
#include "vmm/trace_records.h"
#include "vmm/vm.h"
#include "vmm/vm_settle.h"

/* A turn of a VM that is being started, reset or ended. Returns what it took. */
static uint64_t settle(struct pcpu *pcpu, struct vm *vm, uint64_t length)
{
	uint64_t start = rdtsc(), now = start, end = now + length;

	do {
		uint64_t sent;

		vm_settle(pcpu, vm, end);
		if (pcpu->mail.from)
			mail_serve(pcpu);
		now = rdtsc();
		if (now < output_due_before(end))
			continue;
		output_send();
		sent = rdtsc();
		end += sent - now;
		now = sent;
	} while (vm_settles(vm) && output_has_room(vm) && now < end);
	if (now > end)
		vm_owes(vm, now - end);
	return now - start;
}

/* What it owes of this slice: more was done for it meanwhile, perhaps, and is left for the next. */
static uint64_t pay(struct vm *vm, uint64_t slice)
{
	return vm_pays(vm, slice / 2);
}

/* What is on it comes out before the VM ends or is reset; false: not all of it in this turn. */
static bool finish_screen(struct vm *vm)
{
	uint64_t start = rdtsc();
	bool done = screen_flush(vm);

	vm_owes(vm, rdtsc() - start);
	return done;
}

/* It runs now, or has been told of: its other vCPUs, which had left their CPUs, go on. */
static void go_on(struct pcpu *pcpu, struct vm *vm)
{
	if (vm->parked && vm->state == VM_RUNNING && !vm->request)
		turns_resume(pcpu, vm);
}

static void take_turn(struct pcpu *pcpu, struct vcpu *vcpu, uint64_t slice)
{
	struct vm *vm = vcpu->vm;
	uint64_t length = slice - pay(vm, slice);

	pcpu->output = vm;
	if (vm->state == VM_RUNNING && !vm->request) {
		uint64_t ran = vcpu->ran;

		run_slice(pcpu, vcpu, slice, length);
		vcpu->place.used += vcpu->ran - ran;
	} else if (vm_settles(vm)) {
		vcpu->place.used += settle(pcpu, vm, length);
		go_on(pcpu, vm);
	}
	if (vm->request && vm_is_gathered(vcpu) && output_has_room(vm) &&
	    (vm->request == VM_TELL || finish_screen(vm))) {
		vm_carry_out(pcpu, vm);
		go_on(pcpu, vm);
	}
	pcpu->output = NULL;
	pcpu->turn = NULL;
}

static _Noreturn void finish(const struct options *options, bool complete)
{
	bool success = complete && vms_count() > 0, any_ran = false;

	gdb_end();
	output_end();
	trace_print();
	stats_print(options->stats);
	entry_watch_report();
	provoke_report((enum provoke)options->crash);
	for (uint32_t i = 0; i < vms_count(); i++) {
		success = success && vm_at(i)->status == 0;
		any_ran = any_ran || vm_at(i)->runs > 0;
	}
	if (!any_ran) /* why not is to be read, and a PC that is off shows nothing */
		power_panic();
	power_end(success ? 0 : 1);
}

/* Until all VMs have ended. */
static void run_guests(struct pcpu *pcpu, const struct options *options)
{
	uint64_t slice = clock_us_to_tsc(options->slice_us);

	if (gdb_is_on() && !pcpu->cpu.id) /* its line is looked at between two turns */
		slice = min_u64(slice, clock_us_to_tsc(GDB_POLL_US));
	while (vms_alive) {
		uint64_t now = rdtsc();
		struct vcpu *vcpu = NULL;

		if (pcpu->mail.from)
			mail_serve(pcpu);
		if (!pcpu->cpu.id && now >= monitor_due)
			monitor_poll();
		if (online_changes(pcpu))
			offline_follow(pcpu);
		if (now >= output_due())
			output_send();
		if (online_is(pcpu))
			vcpu = turns_pick(pcpu);
		if (vcpu) {
			take_turn(pcpu, vcpu, slice);
			turns_put(pcpu, vcpu);
		} else {
			idle(pcpu, options);
		}
	}
}

/* The CPUs that have come out of run_guests(), and change nothing any more. */
static volatile uint32_t done;

static volatile bool started;

void run_here(const struct options *options)
{
	struct pcpu *pcpu = this_pcpu();

	while (!started) {
		mail_serve(pcpu);
		cpu_relax();
	}
	while (vms_alive && (provoke_kickers() & pcpu_bit(pcpu))) {
		mail_serve(pcpu);
		provoke_kick();
	}
	run_guests(pcpu, options);
	deschedule(pcpu);
	__atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
	for (;;) {
		mail_serve(pcpu);
		cpu_relax();
	}
}

/* Each where it may run, and there are fewest. */
static void spread(void)
{
	uint32_t waiting[MAX_CPUS] = {};

	for (uint32_t i = 0; i < vms_count(); i++) {
		struct vcpu *vcpu = vm_at(i)->vcpu_count ? vm_at(i)->vcpu[0] : NULL;
		struct pcpu *best = NULL;

		if (!vcpu || vm_at(i)->state == VM_ENDED)
			continue;
		for (uint64_t cpus = balance_cpus(vcpu); cpus; cpus &= cpus - 1) {
			struct pcpu *pcpu = pcpu_at(__builtin_ctzll(cpus));

			if (!best || waiting[pcpu->cpu.id] < waiting[best->cpu.id])
				best = pcpu;
		}
		waiting[best->cpu.id]++;
		for (uint32_t n = 0; n < vm_at(i)->vcpu_count; n++)
			vm_at(i)->vcpu[n]->at = best;
		vm_at(i)->parked = vm_at(i)->vcpu_count - 1;
		queue_add(&best->queue, &vcpu->place);
	}
}

void run(const struct options *options, bool complete)
{
	struct pcpu *pcpu = this_pcpu();

	request_offer = balance_offer;
	turns_init(options, clock_us_to_tsc(options->slice_us));
	online_init(pcpus_up() & ~provoke_kickers());
	monitor_init();
	spread();
	output_start();
	started = true;
	run_guests(pcpu, options);
	while (done + 1 < cpus_count()) {
		mail_serve(pcpu);
		cpu_relax();
	}
	finish(options, complete);
}
