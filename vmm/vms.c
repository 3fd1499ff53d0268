#include "vmm/vms.h"

#include "boot/bootinfo.h"
#include "lib/console.h"
#include "lib/format.h"
#include "lib/refusal.h"
#include "lib/string.h"
#include "vmm/load/kernel.h"
#include "vmm/vm.h"
#include "vmm/vm_parts.h"

static struct vm *find(const char *name)
{
	for (uint32_t i = 0; i < vms_count(); i++)
		if (!strcmp(vm_at(i)->config.name, name))
			return vm_at(i);
	return NULL;
}

/* A name that no other VM has: the one asked for, or "vmN". */
static void choose_name(struct vm *vm)
{
	char wanted[VM_NAME_SIZE];

	copy_string(wanted, sizeof(wanted), vm->config.name);
	vm->config.name[0] = '\0';
	if (wanted[0] && !find(wanted)) {
		copy_string(vm->config.name, sizeof(vm->config.name), wanted);
		return;
	}
	for (uint32_t n = vm - vm_at(0);; n++) {
		char name[VM_NAME_SIZE];

		format(name, sizeof(name), "vm%u", n);
		if (find(name))
			continue;
		copy_string(vm->config.name, sizeof(vm->config.name), name);
		break;
	}
	if (wanted[0])
		log_warning("there is a VM named %s already: this one is %s", wanted,
			    vm->config.name);
}

static bool add_module(const struct vm_config *config, const struct boot_module *module)
{
	struct vm *vm = find(config->of);

	if (!vm) {
		log_error("a module is for a VM that is not there: of=%s. Put its line after that "
			  "VM's",
			  config->of);
		return false;
	}
	if (vm->module_count == VM_MODULES_MAX) {
		log_error("%s: more than %u modules: the rest is left out", config->of,
			  VM_MODULES_MAX);
		return false;
	}
	vm->modules[vm->module_count++] = module;
	return true;
}

static bool add_vcpus(struct vm *vm)
{
	while (vm->vcpu_count < vm->config.vcpus) {
		struct vcpu *vcpu = vcpu_allocate(vm, vm->vcpu_count, vm->config.vcpus == 1);

		if (!vcpu)
			return false;
		vm->vcpu[vm->vcpu_count++] = vcpu;
	}
	return true;
}

bool vms_create(const struct boot_info *info)
{
	bool complete = info->modules_refused == 0;

	for (uint32_t i = 0; i < info->module_count; i++) {
		struct vm_config config;
		struct refusal refusal;
		int bad = vm_config_parse(&config, info->module[i].cmdline, &refusal);
		struct vm *vm;

		if (!bad && config.of[0]) {
			complete &= add_module(&config, &info->module[i]);
			continue;
		}
		vm = vm_add();
		if (!vm) {
			log_error("there are %u VMs: one more is left out: %s", VMS_MAX,
				  config.name[0] ? config.name : "it has no name");
			complete = false;
			continue;
		}
		vm->config = config;
		choose_name(vm);
		vm->image = &info->module[i];
		if (!add_vcpus(vm))
			vm_refuse(vm, "no memory for its virtual CPU");
		else if (bad)
			vm_refuse(vm, "its module line: %s", refusal.text);
		else if (kernel_parse(&vm->kernel, (const void *)vm->image->start,
				      vm->image->end - vm->image->start, &refusal))
			vm_refuse(vm, "its kernel: %s", refusal.text);
		else
			vm->settling.stage = SETTLE_CREATE;
		while (vm->state != VM_ENDED && vm->settling.stage != SETTLE_CLEAR)
			vm_parts_step(vm); /* nothing runs yet that would have to wait */
	}
	return complete;
}
