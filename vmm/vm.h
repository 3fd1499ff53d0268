/*
 * A virtual machine, from its module line to its end.
 *
 * Life: VM_CLEARING (its memory is filled with zeros, chunk by chunk) -> VM_RUNNING -> VM_ENDING
 * (its memory is cleared again) -> VM_ENDED (and given back). A VM that cannot be made goes
 * straight to VM_ENDED. Root mode of the CPU it runs on.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "boot/bootinfo.h"
#include "vmm/guest_console.h"
#include "vmm/guest_ram.h"
#include "vmm/uart.h"
#include "vmm/vcpu.h"
#include "vmm/vm_config.h"
#include "vmx/ept.h"

#define VMS_MAX		 BOOT_MODULES_MAX
#define VM_MODULES_MAX	 8
#define VM_STATUS_FAILED 1

enum vm_state {
	VM_CLEARING,
	VM_RUNNING,
	VM_ENDING,
	VM_ENDED,
};

struct vm {
	struct vm_config config;
	enum vm_state state;
	uint8_t status;
	struct vcpu vcpu;
	struct guest_ram ram;
	struct ept ept;
	struct guest_console console;
	struct uart uart;
	const struct boot_module *image;
	const struct boot_module *modules[VM_MODULES_MAX];
	uint32_t module_count;
	uint32_t clear_extent; /* where clearing has got to */
	uint64_t clear_offset;
	uint64_t unhandled_io; /* accesses to ports that are not there */
};

/*
 * Makes the VMs that the boot modules describe. False if a module could not be used at all (it is
 * said which); a VM that could not be made is there, ended, with a failure status. The first CPU.
 */
bool vms_create(const struct boot_info *info);

/*
 * One step for a VM that is being started or ended: clears a chunk of its memory in a host section,
 * and when all is clear starts it or gives its memory back. False if there is nothing to do.
 */
bool vms_settle_step(struct pcpu *pcpu);

/* All VMs, in the order of their module lines. */
struct vm *vm_at(uint32_t index);
uint32_t vms_count(void);
uint32_t vms_in_state(enum vm_state state);

/* Ends a VM: from now on it does not run. `cause` is the word in its @vm record. */
void vm_end(struct vm *vm, uint8_t status, const char *cause);

/*
 * Ends the VM of a vCPU that did something wrong, with one line on what, where and which rule.
 * The vCPU's VMCS is current.
 */
void vm_fail(struct vcpu *vcpu, const char *cause, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
