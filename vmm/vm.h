/*
 * A virtual machine, from its module line to its end.
 *
 * Life: VM_CLEARING (its memory is filled with zeros, chunk by chunk) -> VM_RUNNING -> VM_ENDING
 * (its memory is cleared again) -> VM_ENDED (and given back); with runs= to VM_CLEARING again.
 * VM_RUNNING -> VM_RESETTING (its kernel is loaded again) -> VM_RUNNING. A VM that cannot be made
 * goes straight to VM_ENDED. Root mode of the CPU it runs on.
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
	VM_RESETTING,
	VM_ENDING,
	VM_ENDED,
};

struct vm {
	struct vm_config config;
	enum vm_state state;
	uint8_t status; /* of the first run that failed, or 0 */
	uint32_t runs;	/* that have ended */
	uint32_t domain;
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
 * One step for a VM that is being started, reset or ended: clears a chunk of its memory in a host
 * section, and when all is clear starts it or gives its memory back. False if there is nothing to
 * do. (vm_settle.c)
 */
bool vms_settle_step(struct pcpu *pcpu);

/* Makes a VM's memory, EPT and vCPU: it is VM_CLEARING then, or VM_ENDED and it was said why. */
void vm_create(struct vm *vm);
void vm_free_parts(struct vm *vm);

/* Ends a VM that never started: its parts are given back at once. */
void vm_refuse(struct vm *vm, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* All VMs, in the order of their module lines. */
struct vm *vm_at(uint32_t index);
uint32_t vms_count(void);
uint32_t vms_in_state(enum vm_state state);

/*
 * Warns if the policy leaves the registers to other trust domains, and this CPU may speculate past
 * #NM (CVE-2018-3665). Once a boot.
 */
void vms_warn_of_lazyfp(enum fpu_policy policy);

/* As the reset button of a PC: memory stays, but what its kernel's image overwrites. */
void vm_reset(struct vm *vm);

/* Ends a VM: from now on it does not run. `cause` is the word in its @vm record. */
void vm_end(struct vm *vm, uint8_t status, const char *cause);

/* Ends a VM that halted with nothing to wake it. One that never printed gets a hint. (vm_halted.c)
 */
void vm_halted(struct vm *vm);

/*
 * Ends the VM of a vCPU that did something wrong, with one line on what, where and which rule.
 * The vCPU's VMCS is current.
 */
void vm_fail(struct vcpu *vcpu, const char *cause, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
