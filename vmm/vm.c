#include <stdarg.h>
#include <stddef.h>

#include "boot/layout.h"
#include "boot/memory.h"
#include "lib/console.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/refusal.h"
#include "lib/string.h"
#include "lib/x86.h"
#include "vmm/multiboot_header.h"
#include "vmm/pcpu.h"
#include "vmm/vm.h"
#include "vmx/vmcs.h"

static struct vm vms[VMS_MAX]; /* filled at boot; each VM belongs to the CPU that runs it */
static uint32_t vm_count;

struct vm *vm_at(uint32_t index)
{
	return &vms[index];
}

uint32_t vms_count(void)
{
	return vm_count;
}

uint32_t vms_alive;

uint32_t vms_in_state(enum vm_state state)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < vm_count; i++)
		count += vms[i].state == state;
	return count;
}

void vm_refuse(struct vm *vm, const char *format_text, ...)
{
	char text[256];
	va_list args;

	va_start(args, format_text);
	format_v(text, sizeof(text), format_text, args);
	va_end(args);
	log_error("%s: not started: %s", vm->config.name, text);
	vm->state = VM_ENDING;
	vm->settling.stage = SETTLE_GIVE_BACK;
	vm->settling.refused = true;
	vm->status = VM_STATUS_FAILED;
	record("vm name=%s state=ended status=%u cause=refused", vm->config.name, vm->status);
}

static struct vm *find(const char *name)
{
	for (uint32_t i = 0; i < vm_count; i++)
		if (!strcmp(vms[i].config.name, name))
			return &vms[i];
	return NULL;
}

/* A name that no other VM has: the one asked for, or "vmN". */
static void settle_name(struct vm *vm)
{
	char wanted[VM_NAME_SIZE];

	copy_string(wanted, sizeof(wanted), vm->config.name);
	vm->config.name[0] = '\0';
	if (wanted[0] && !find(wanted)) {
		copy_string(vm->config.name, sizeof(vm->config.name), wanted);
		return;
	}
	for (uint32_t n = vm - vms;; n++) {
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
		struct vcpu *vcpu = vcpu_allocate(vm, vm->vcpu_count);

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
		struct vm *vm = &vms[vm_count];
		struct vm_config config;
		struct refusal refusal;
		int bad = vm_config_parse(&config, info->module[i].cmdline, &refusal);

		if (!bad && config.of[0]) {
			complete &= add_module(&config, &info->module[i]);
			continue;
		}
		if (vm_count == VMS_MAX) {
			log_error("there are %u VMs: one more is left out: %s", VMS_MAX,
				  config.name[0] ? config.name : "it has no name");
			complete = false;
			continue;
		}
		vm->config = config;
		settle_name(vm);
		vm->image = &info->module[i];
		vm_count++;
		vms_alive++;
		if (!add_vcpus(vm))
			vm_refuse(vm, "no memory for its virtual CPU");
		else if (bad)
			vm_refuse(vm, "its module line: %s", refusal.text);
		else if (multiboot_header_parse(&vm->kernel, (const void *)vm->image->start,
						vm->image->end - vm->image->start, &refusal))
			vm_refuse(vm, "its kernel: %s", refusal.text);
		else
			vm->settling.stage = SETTLE_CREATE;
		while (vm->state != VM_ENDED && vm->settling.stage != SETTLE_CLEAR)
			vm_parts_step(vm); /* nothing runs yet that would have to wait */
	}
	return complete;
}

/* The scheduler is told on whatever CPU runs one of its vCPUs. */
static void ask(struct vm *vm, enum vm_request request)
{
	vm->request = request;
	for (uint32_t i = 0; i < vm->vcpu_count; i++)
		vcpu_request(vm->vcpu[i], VCPU_VM);
}

void vm_end(struct vm *vm, uint8_t status, const char *cause)
{
	if (vm->state != VM_RUNNING || vm->request == VM_END)
		return;
	vm->end_status = status;
	vm->end_cause = cause;
	ask(vm, VM_END);
}

void vm_reset(struct vm *vm)
{
	if (vm->state == VM_RUNNING && vm->request == VM_GOES_ON)
		ask(vm, VM_RESET);
}

void vm_carry_out(struct vm *vm)
{
	bool end = vm->request == VM_END;

	vm->request = VM_GOES_ON;
	guest_console_flush(&vm->console, vm->config.name);
	for (uint32_t i = 0; i < vm->vcpu_count; i++) {
		vm->vcpu[i]->state = VCPU_STOPPED;
		if (end) /* not worth a save any more */
			fpu_release(&this_pcpu()->fpu, &vm->vcpu[i]->fpu.context);
	}
	if (!end) {
		vm->state = VM_RESETTING;
		vm->settling.stage = SETTLE_LOAD;
		record("vm name=%s state=reset", vm->config.name);
		return;
	}
	vm->state = VM_ENDING;
	vm->settling.stage = vm->settling.dump ? SETTLE_DUMP : SETTLE_CLEAR;
	vm->status = vm->status ? vm->status : vm->end_status;
	record("vm name=%s state=ended status=%u cause=%s", vm->config.name, vm->end_status,
	       vm->end_cause);
}

void vm_fail(struct vcpu *vcpu, const char *cause, const char *format_text, ...)
{
	char text[256];
	va_list args;

	if (vcpu->vm->state != VM_RUNNING || vcpu->vm->request == VM_END)
		return;
	va_start(args, format_text);
	format_v(text, sizeof(text), format_text, args);
	va_end(args);
	guest_console_flush(&vcpu->vm->console, vcpu->vm->config.name);
	log_error("%s: ended: %s; RIP=0x%lx CS base=0x%lx exit qualification=0x%lx",
		  vcpu->vm->config.name, text, vmcs_read(VMCS_GUEST_RIP),
		  vmcs_read(VMCS_GUEST_CS_BASE), vmcs_read(VMCS_EXIT_QUALIFICATION));
	vm_end(vcpu->vm, VM_STATUS_FAILED, cause);
}
