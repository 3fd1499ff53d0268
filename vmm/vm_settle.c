/*
 * What a VM goes through while it does not run: its memory is cleared, its kernel loaded, and after
 * its end all is cleared again, given back, and perhaps made anew.
 */
#include "fpu/hardware.h"
#include "lib/console.h"
#include "lib/x86.h"
#include "vmm/lost_memory.h"
#include "vmm/pcpu.h"
#include "vmm/stats.h"
#include "vmm/vm.h"

#define CLEAR_CHUNK (256ull << 10)

/* Loads the kernel and sets the vCPU to its start. */
static bool load(struct pcpu *pcpu, struct vm *vm)
{
	struct guest_module modules[VM_MODULES_MAX];
	struct vm_config configs[VM_MODULES_MAX];
	struct guest_entry entry;
	char error[160];

	for (uint32_t i = 0; i < vm->module_count; i++) {
		const struct boot_module *module = vm->modules[i];

		vm_config_parse(&configs[i], module->cmdline, error, sizeof(error));
		modules[i] = (struct guest_module){
			.bytes = (const void *)module->start,
			.size = module->end - module->start,
			.cmdline = configs[i].cmdline,
		};
	}
	if (guest_load(&vm->ram, (const void *)vm->image->start, vm->image->end - vm->image->start,
		       vm->config.cmdline, modules, vm->module_count, &entry, error,
		       sizeof(error))) {
		vm_refuse(vm, "its kernel: %s", error);
		return false;
	}
	uart_reset(&vm->uart);
	vcpu_reset(pcpu, &vm->vcpu, &entry);
	vm->state = VM_RUNNING;
	return true;
}

static void start(struct pcpu *pcpu, struct vm *vm)
{
	if (!load(pcpu, vm))
		return;
	record("vm name=%s state=started vcpus=%u mem=%llu", vm->config.name, vm->config.vcpus,
	       (unsigned long long)vm->config.memory);
	record("ept vm=%s pages_1g=%llu pages_2m=%llu pages_4k=%llu", vm->config.name,
	       (unsigned long long)vm->ept.pages_1g, (unsigned long long)vm->ept.pages_2m,
	       (unsigned long long)vm->ept.pages_4k);
}

/* Clears the next chunk; true when all is clear. */
static bool clear_step(struct pcpu *pcpu, struct vm *vm)
{
	const struct guest_extent *extent = &vm->ram.extent[vm->clear_extent];
	uint64_t size = extent->size - vm->clear_offset;
	uint8_t *start = extent->host + vm->clear_offset;
	bool lost;

	size = size < CLEAR_CHUNK ? size : CLEAR_CHUNK;
	size = lost_memory_run((uint64_t)start, size, &lost);
	if (!lost) {
		fpu_host_begin(&pcpu->fpu);
		fpu_clear_memory(start, size);
		fpu_host_end(&pcpu->fpu);
	}
	vm->clear_offset += size;
	if (vm->clear_offset < extent->size)
		return false;
	vm->clear_offset = 0;
	return ++vm->clear_extent == vm->ram.count;
}

/* Gives back all that the VM had. With runs= left, the next one begins: a new VM in all but name.
 */
static void take_apart(struct vm *vm)
{
	vm_free_parts(vm);
	record("vm name=%s state=cleared", vm->config.name);
	if (++vm->runs == vm->config.runs) {
		vm->state = VM_ENDED;
		return;
	}
	stats_print_vm(vm);
	vm_create(vm);
}

/* One step; the VM is in a state that has one. */
static void step(struct pcpu *pcpu, struct vm *vm)
{
	if (vm->state == VM_RESETTING) {
		uint64_t start = rdtsc();

		load(pcpu, vm);
		vm->vcpu.ran += rdtsc() - start; /* limit= counts what resets take */
		return;
	}
	if (!clear_step(pcpu, vm))
		return;
	vm->clear_extent = 0;
	if (vm->state == VM_CLEARING)
		start(pcpu, vm);
	else
		take_apart(vm);
}

bool vms_settle_step(struct pcpu *pcpu)
{
	for (uint32_t i = 0; i < vms_count(); i++) {
		struct vm *vm = vm_at(pcpu->settle_turn++ % vms_count());

		if (vm->state == VM_RUNNING || vm->state == VM_ENDED)
			continue;
		step(pcpu, vm);
		return true;
	}
	return false;
}
