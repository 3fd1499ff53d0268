#include "vmm/vm_settle.h"

#include "boot/clock.h"
#include "boot/wall_clock.h"
#include "fpu/clear.h"
#include "lib/console.h"
#include "lib/refusal.h"
#include "lib/x86.h"
#include "vmm/cpuid.h"
#include "vmm/lost_memory.h"
#include "vmm/debugged.h"
#include "vmm/hole_step.h"
#include "vmm/loaded.h"
#include "vmm/look/lines.h"
#include "vmm/output.h"
#include "vmm/pcpu.h"
#include "vmm/stats.h"
#include "vmm/vcpu_vmcs.h"
#include "vmm/vm.h"
#include "vmm/vm_parts.h"
#include "vmx/dump.h"

#define CLEAR_SECTION (256ull << 10) /* in one host section, if there is time */
#define CLEAR_PIECE   (16ull << 10)  /* between two looks at the time */
#define TELL_US	      200	     /* of a turn, for what is asked in the monitor */

_Static_assert(VM_VCPUS_MAX <= TABLES_CPUS_MAX, "the tables name every vCPU");

/* It does not run on before all of it is told. */
static void tell(struct pcpu *pcpu, struct vm *vm)
{
	uint64_t start = rdtsc(), now;
	bool more;

	do {
		more = look_go_on(pcpu, vm);
		now = rdtsc();
	} while (more && output_has_room(vm) && !pcpu->mail.from &&
		 now - start < clock_us_to_tsc(TELL_US));
	vm_owes(vm, now - start);
	if (!more)
		vm_told(vm);
}

void vm_carry_out(struct pcpu *pcpu, struct vm *vm)
{
	bool end;

	if (vm->request == VM_TELL) {
		tell(pcpu, vm);
		return;
	}
	end = vm_take_request(vm);
	guest_console_flush(&vm->console, vm->config.name);
	for (uint32_t i = 0; i < vm->vcpu_count; i++) {
		vm->vcpu[i]->state = VCPU_STOPPED;
		if (end) /* not worth a save any more */
			loaded_release(pcpu, vm->vcpu[i]);
	}
	if (!end) {
		vm->settling.stage = SETTLE_LOAD;
		record("vm name=%s state=reset", vm->config.name);
		return;
	}
	look_at_failed(vm);
	vm->settling.stage = vm->settling.post_mortem ? SETTLE_POST_MORTEM : SETTLE_CLEAR;
	vm->status = vm->status ? vm->status : vm->end_status;
	record("vm name=%s state=ended status=%u cause=%s", vm->config.name, vm->end_status,
	       vm->end_cause);
}

static void post_mortem(struct pcpu *pcpu, struct vm *vm)
{
	if (look_go_on(pcpu, vm))
		return;
	vm->settling.post_mortem = false;
	vm->settling.stage = vm->settling.dump ? SETTLE_DUMP : SETTLE_CLEAR;
}

/* The VMCS of a failed entry. */
static void dump(struct pcpu *pcpu, struct vm *vm)
{
	loaded_take(pcpu, vm->vcpu[vm->settling.failed_vcpu]);
	if (vmcs_dump_line(vm->settling.dump_line++))
		return;
	vm->settling.dump = false;
	vm->settling.dump_line = 0;
	vm->settling.stage = SETTLE_CLEAR;
}

/* True when all is clear. */
static bool clear_piece(struct vm *vm)
{
	struct vm_settling *s = &vm->settling;
	const struct guest_extent *extent = &vm->ram.extent[s->extent];
	uint64_t size = extent->size - s->offset;
	uint8_t *start = extent->host + s->offset;
	bool lost;

	size = size < CLEAR_PIECE ? size : CLEAR_PIECE;
	size = lost_memory_run((uint64_t)start, size, &lost);
	if (!lost)
		fpu_clear_memory(start, size);
	s->offset += size;
	if (s->offset < extent->size)
		return false;
	s->offset = 0;
	return ++s->extent == vm->ram.count;
}

/* A host section takes the registers from a guest: as much in one as there is time for. */
static void clear(struct pcpu *pcpu, struct vm *vm, uint64_t deadline)
{
	uint64_t left = CLEAR_SECTION / CLEAR_PIECE;
	bool finished;

	fpu_host_begin(&pcpu->fpu);
	do
		finished = clear_piece(vm);
	while (!finished && --left && rdtsc() < deadline);
	fpu_host_end(&pcpu->fpu);
	if (!finished)
		return;
	vm->settling.extent = 0;
	vm->settling.stage = vm->state == VM_CLEARING ? SETTLE_LOAD : SETTLE_GIVE_BACK;
}

static void load(struct vm *vm)
{
	struct guest_module modules[VM_MODULES_MAX];
	struct vm_config configs[VM_MODULES_MAX];
	const struct guest_start start = {
		.cmdline = vm->config.cmdline,
		.name = vm->config.argv0 ? vm->config.name : NULL,
		.module_count = vm->module_count,
		.module = modules,
		.machine =
			{
				.vcpus = vm->vcpu_count,
				.cpu_signature = guest_cpuid_basic[1].eax,
				.cpu_features = guest_cpuid_basic[1].edx | CPUID1_EDX_APIC,
			},
	};
	struct refusal refusal;

	for (uint32_t i = 0; i < vm->module_count; i++) {
		const struct boot_module *module = vm->modules[i];

		vm_config_parse(&configs[i], module->cmdline, &refusal);
		modules[i] = (struct guest_module){
			.bytes = (const void *)module->start,
			.size = module->end - module->start,
			.cmdline = configs[i].cmdline,
		};
	}
	if (guest_load(&vm->settling.load, &vm->ram, &vm->kernel, &start, &refusal))
		vm_refuse(vm, "its kernel: %s", refusal.text);
	else
		vm->settling.stage = SETTLE_COPY;
}

static void reset_pc(struct vm *vm)
{
	const struct pc_parts parts = {
		.low = vm->ram.size < GUEST_LOW_RAM_END ? vm->ram.size : GUEST_LOW_RAM_END,
		.high = vm->ram.size < GUEST_LOW_RAM_END ? 0 : vm->ram.size - GUEST_LOW_RAM_END,
		.seconds = wall_clock_now(),
		.ioapic_id = vm->vcpu_count % 16,
		.irq0 = vm->config.irq0,
	};

	pc_reset(&vm->pc, &parts, rdtsc());
	vm->screen_due = rdtsc();
}

/* Sets the PC to its start once the kernel is loaded. */
static void copy(struct pcpu *pcpu, struct vm *vm)
{
	if (!guest_load_step(&vm->settling.load, &vm->ram))
		return;
	reset_pc(vm);
	guest_input_drop(&vm->input);
	hole_step_forget(vm, pcpu->cpu.id);
	vm->settling.vcpus = vm->vcpu_count;
	vm->settling.stage = SETTLE_RESET;
}

/* A vCPU; with the first one, whose state is the kernel's start, it runs. */
static void reset(struct pcpu *pcpu, struct vm *vm)
{
	bool first = vm->state == VM_CLEARING;
	uint32_t id = --vm->settling.vcpus;

	if (id + 1 == vm->vcpu_count)
		vm->tsc_start = rdtsc();
	vcpu_reset(pcpu, vm->vcpu[id], id ? NULL : &vm->settling.load.entry, vm->ept.pointer);
	if (id)
		return;
	if (vm == debugged_vm)
		debugged_restarted(vm);
	vm->state = VM_RUNNING;
	if (!first)
		return;
	record("vm name=%s state=started vcpus=%u mem=%lu", vm->config.name, vm->config.vcpus,
	       vm->config.memory);
	record("ept vm=%s pages_1g=%lu pages_2m=%lu pages_4k=%lu", vm->config.name,
	       vm->ept.pages_1g, vm->ept.pages_2m, vm->ept.pages_4k);
}

/* One piece of work. */
static void step(struct pcpu *pcpu, struct vm *vm, uint64_t deadline)
{
	switch (vm->settling.stage) {
	case SETTLE_POST_MORTEM:
		post_mortem(pcpu, vm);
		break;
	case SETTLE_DUMP:
		dump(pcpu, vm);
		break;
	case SETTLE_CLEAR:
		clear(pcpu, vm, deadline);
		break;
	case SETTLE_LOAD:
		load(vm);
		break;
	case SETTLE_COPY:
		copy(pcpu, vm);
		break;
	case SETTLE_RESET:
		reset(pcpu, vm);
		break;
	case SETTLE_RECORDS:
		if (!stats_print_vm_next(vm, &vm->settling.record))
			vm->settling.stage = SETTLE_CREATE;
		break;
	default:
		vm_parts_step(vm);
		break;
	}
}

void vm_settle(struct pcpu *pcpu, struct vm *vm, uint64_t deadline)
{
	bool reset = vm->state == VM_RESETTING;
	uint64_t start = rdtsc(), now;

	do {
		step(pcpu, vm, deadline);
		now = rdtsc();
	} while (vm_settles(vm) && output_has_room(vm) && !pcpu->mail.from && now < deadline &&
		 now < output_due_before(deadline));
	if (reset)
		vcpu_charge(vm->vcpu[0], now - start); /* limit= counts what resets take */
}
