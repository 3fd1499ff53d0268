#include <stdarg.h>
#include <stddef.h>

#include "lib/console.h"
#include "lib/format.h"
#include "lib/lock.h"
#include "vmm/request.h"
#include "vmm/vm.h"
#include "vmx/vmcs.h"

static struct vm
	vms[VMS_MAX]; /* filled at boot; each VM belongs to the CPU where it has its turn */
static struct spinlock lock = {.rank = LOCK_VMS}; /* what is asked of a VM by any CPU */
static uint32_t vm_count;

struct vm *vm_at(uint32_t index)
{
	return &vms[index];
}

uint32_t vms_count(void)
{
	return vm_count;
}

volatile uint32_t vms_alive;

struct vm *vm_add(void)
{
	if (vm_count == VMS_MAX)
		return NULL;
	vms_alive++;
	vms[vm_count].pc_lock.rank = LOCK_PC;
	return &vms[vm_count++];
}

uint32_t vms_in_state(enum vm_state state)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < vm_count; i++)
		count += vms[i].state == state;
	return count;
}

const char *vm_state_name(const struct vm *vm)
{
	static const char *const name[] = {"starting", "running", "resetting", "ending", "ended"};
	enum vm_state state = *(volatile const enum vm_state *)&vm->state;

	return state == VM_RUNNING && vm->stopped ? "stopped" : name[state];
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

/* The scheduler carries it out: vm_carry_out(). */
static void ask(struct vm *vm, enum vm_request request)
{
	vm->request = request;
	for (uint32_t i = 0; i < vm->vcpu_count; i++)
		vcpu_request(vm->vcpu[i], VCPU_VM);
}

void vm_end(struct vm *vm, uint8_t status, const char *cause)
{
	spin_lock(&lock);
	if (vm->state == VM_RUNNING && vm->request != VM_END) {
		vm->end_status = status;
		vm->end_cause = cause;
		vm->stopped = false;
		ask(vm, VM_END);
	}
	spin_unlock(&lock);
}

void vm_reset(struct vm *vm)
{
	spin_lock(&lock);
	if (vm->state == VM_RUNNING && (vm->request == VM_GOES_ON || vm->request == VM_TELL))
		ask(vm, VM_RESET);
	spin_unlock(&lock);
}

bool vm_tell(struct vm *vm)
{
	bool asks;

	spin_lock(&lock);
	asks = vm->state == VM_RUNNING && vm->request == VM_GOES_ON;
	if (asks) {
		vm->look = (struct vm_look){.report = true};
		ask(vm, VM_TELL);
	}
	spin_unlock(&lock);
	return asks;
}

void vm_told(struct vm *vm)
{
	spin_lock(&lock);
	if (vm->request == VM_TELL)
		vm->request = VM_GOES_ON;
	spin_unlock(&lock);
}

/*
 * Whoever puts a vCPU to sleep looks at `stopped` under the queue's lock, after its VM has begun to
 * run: one that does not run yet needs no request.
 */
static bool set_stopped(struct vm *vm, bool stopped)
{
	bool lives;

	spin_lock(&lock);
	lives = vm->state != VM_ENDED;
	if (lives)
		__atomic_store_n(&vm->stopped, stopped, __ATOMIC_SEQ_CST);
	for (uint32_t i = 0; lives && vm->state == VM_RUNNING && i < vm->vcpu_count; i++)
		vcpu_request(vm->vcpu[i], VCPU_YIELD);
	spin_unlock(&lock);
	return lives;
}

bool vm_stop(struct vm *vm)
{
	return set_stopped(vm, true);
}

bool vm_start(struct vm *vm)
{
	return set_stopped(vm, false);
}

void vms_visit_running(bool (*visit)(struct vm *vm, void *arg), void *arg)
{
	bool more = true;

	spin_lock(&lock);
	for (uint32_t i = 0; more && i < vm_count; i++)
		if (vms[i].state == VM_RUNNING)
			more = visit(&vms[i], arg);
	spin_unlock(&lock);
}

void vm_examine(struct vm *vm, uint32_t vcpu)
{
	vm->settling.post_mortem = true;
	vm->settling.failed_vcpu = vcpu;
}

bool vm_take_request(struct vm *vm)
{
	bool end;

	spin_lock(&lock);
	end = vm->request == VM_END;
	if (end) /* also by who has stopped it after its end was asked for */
		vm->stopped = false;
	vm->request = VM_GOES_ON;
	vm->state = end ? VM_ENDING : VM_RESETTING;
	spin_unlock(&lock);
	return end;
}

/* One of its vCPUs at a time: whose end counts is the one that is told of. */
static void fail(struct vcpu *vcpu, const char *cause, const char *text)
{
	struct vm *vm = vcpu->vm;

	if (vm->state != VM_RUNNING || vm->request == VM_END)
		return;
	guest_console_flush(&vm->console, vm->config.name);
	log_error("%s: ended: %s; RIP=0x%lx CS base=0x%lx exit qualification=0x%lx",
		  vm->config.name, text, vmcs_read(VMCS_GUEST_RIP), vmcs_read(VMCS_GUEST_CS_BASE),
		  vmcs_read(VMCS_EXIT_QUALIFICATION));
	vm_examine(vm, vcpu->id);
	vm_end(vm, VM_STATUS_FAILED, cause);
}

void vm_fail(struct vcpu *vcpu, const char *cause, const char *format_text, ...)
{
	char text[256];
	va_list args;
	bool locked;

	va_start(args, format_text);
	format_v(text, sizeof(text), format_text, args);
	va_end(args);
	locked = vm_lock_pc(vcpu->vm);
	fail(vcpu, cause, text);
	vm_unlock_pc(vcpu->vm, locked);
}
