/*
 * A virtual machine, from its module line to its end.
 *
 * Life: VM_CLEARING (its parts are made, its memory is filled with zeros, and its kernel loaded) ->
 * VM_RUNNING -> VM_ENDING (its memory is cleared again, and its parts given back) -> VM_ENDED; with
 * runs= to VM_CLEARING again. VM_RUNNING -> VM_RESETTING (its kernel is loaded again) ->
 * VM_RUNNING. A VM that cannot be made goes straight to VM_ENDING: its parts are given back. What
 * it goes through while it does not run is done in pieces, in its turns (vm_settle.c). Root mode of
 * the CPU where it has its turn, but for what says otherwise.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "boot/bootinfo.h"
#include "lib/line_ring.h"
#include "lib/lock.h"
#include "vmm/guest_console.h"
#include "vmm/guest_input.h"
#include "vmm/guest_ram.h"
#include "vmm/load/elf_symbols.h"
#include "vmm/load/load.h"
#include "vmm/chip/pc.h"
#include "vmm/vcpu.h"
#include "vmm/vm_config.h"
#include "vmx/ept.h"

#define VMS_MAX		 64
#define VM_MODULES_MAX	 8
#define VM_PORTS_NAMED	 32 /* that are not there and were accessed: more are not named */
#define VM_HOLES_NAMED	 32 /* the same of pages of memory */
#define VM_SCREEN_STILL	 4  /* looks at a screen that stands still, before it is left alone */
#define VM_STATUS_FAILED 1

enum vm_state {
	VM_CLEARING,
	VM_RUNNING,
	VM_RESETTING,
	VM_ENDING,
	VM_ENDED,
};

/* What is to be done next for a VM that is neither running nor ended. */
enum settle_stage {
	SETTLE_POST_MORTEM,
	SETTLE_DUMP,
	SETTLE_CLEAR,
	SETTLE_LOAD,
	SETTLE_COPY,
	SETTLE_RESET,	  /* its vCPUs, the last one first */
	SETTLE_GIVE_BACK, /* its vCPU; then its EPT, and its memory */
	SETTLE_UNMAP,
	SETTLE_FREE,
	SETTLE_RECORDS,
	SETTLE_CREATE, /* its memory is allocated; then mapped, and a vCPU made */
	SETTLE_MAP,
	SETTLE_VCPU,
};

struct vm_settling {
	enum settle_stage stage;
	bool post_mortem; /* what its vCPU was at is told before all else: see vmm/look/ */
	uint32_t failed_vcpu;
	bool dump; /* and its VMCS: an entry failed */
	unsigned int dump_line;
	bool refused;	 /* it cannot be made: what there is of it is given back, without records */
	uint32_t extent; /* where clearing, mapping or giving back has got to */
	uint64_t offset;
	struct ept_range map; /* the rest of the extent, when mapping */
	uint64_t free;	      /* bytes, before its memory was allocated */
	unsigned int record;  /* of the run that has ended */
	struct guest_load load;
	uint32_t vcpus; /* that are to be reset still */
};

/* What is to become of a VM that runs. */
enum vm_request {
	VM_GOES_ON,
	VM_TELL, /* it runs on after that */
	VM_RESET,
	VM_END,
};

/* What is being told of a vCPU, line by line: vmm/look/lines.h. */
struct vm_look {
	bool report; /* it runs, and runs on; else: it has ended */
	uint32_t vcpu;
	unsigned int line;
	unsigned int part; /* of a line that is several */
	bool searching;	   /* for the name of what an address is in */
	struct elf_symbols symbols;
	struct elf_search search;
	char text[400]; /* the line that is being made */
	size_t length;
	uint64_t frame; /* the next frame pointer of the backtrace */
	uint32_t frames;
	uint64_t address; /* the return address that it has come to */
};

/* An access that was answered by #GP. */
struct refused_msr {
	uint32_t number; /* or 0: there was none */
	bool read;
	uint64_t value; /* that was to be written */
};

/* An instruction that the CPU executes where nothing is: vmm/hole_step.h. */
struct hole_step {
	struct ept_loan loan;
	uint64_t *ones; /* the page; NULL: there was no need for one yet */
	bool on;
	const struct vcpu *whose; /* while it is on */
};

#define PORT_NONE 0x10000u

struct vm {
	struct vm_config config;
	enum vm_state state;	 /* it leaves VM_RUNNING under the lock of vm.c */
	enum vm_request request; /* these three under that lock */
	uint8_t end_status;	 /* for VM_END */
	const char *end_cause;
	volatile bool stopped; /* its vCPUs are to have no turns: vm_stop(); under that lock */
	uint8_t status;	       /* of the first run that failed, or 0 */
	uint32_t runs;	       /* that have ended */
	uint32_t domain;
	struct vcpu *vcpu[VM_VCPUS_MAX];
	uint32_t vcpu_count;
	uint32_t parked;      /* of these, that wait in no queue: vm_is_gathered() */
	uint32_t next_lowest; /* where the search for the next of lowest priority begins */
	uint64_t tsc_start;   /* the TSC when the run, or the reset, began: its vCPUs' 0 */
	struct spinlock pc_lock;
	struct guest_ram ram;
	struct ept ept;
	struct hole_step hole_step;
	struct guest_console console;
	struct guest_console screen; /* the lines of its text page, beside those of COM1 */
	bool screen_drawn;	     /* something has been, in this run */
	uint64_t screen_sum;	     /* of that page, when it was last looked at */
	uint32_t screen_still;	     /* how often that has been found again */
	uint64_t screen_due;	     /* when that page is looked at next, a TSC value */
	bool screen_waits;	     /* for that, also if nothing runs */
	struct pc pc;
	struct guest_input input; /* what is typed for it */
	const struct boot_module *image;
	const struct boot_module *modules[VM_MODULES_MAX];
	uint32_t module_count;
	struct guest_image kernel; /* what is in the image */
	struct vm_settling settling;
	struct line_ring output; /* lines that wait for the console: vmm/output.h */
	uint64_t debt;		 /* TSC ticks used for it outside of its turns: vm_owes() */
	uint64_t unhandled_io;	 /* accesses to ports that are not there */
	struct unanswered {
		uint16_t port;
		uint32_t count; /* of accesses; 0: no port */
	} unanswered[VM_PORTS_NAMED];
	struct {
		uint64_t accesses; /* to guest-physical memory that is not there */
		uint32_t count;
		uint64_t page[VM_HOLES_NAMED]; /* that have been named */
	} holes;
	uint32_t unhandled_read, unhandled_write; /* the last of them, or PORT_NONE */
	struct refused_msr refused_msr;		  /* the last one */
	struct vm_look look;
};

/* A word for what it does. From any CPU: it may do something else already. */
const char *vm_state_name(const struct vm *vm);

/* Whether it is being started, reset or ended. */
static inline bool vm_settles(const struct vm *vm)
{
	return vm->state != VM_RUNNING && vm->state != VM_ENDED;
}

/* Its vCPUs have no turns now; one that is to be reset or ended has, until it runs again. */
static inline bool vm_is_stopped(const struct vm *vm)
{
	return vm->stopped && vm->state == VM_RUNNING && !vm->request;
}

/*
 * Several vCPUs, which may run at once. Then its chips, what passes between its APICs, its EPT and
 * its consoles are under its lock, and else they are where its only vCPU has its turn.
 */
static inline bool vm_is_shared(const struct vm *vm)
{
	return vm->vcpu_count > 1;
}

/* True: the lock was taken, and is to be given back. Who has it already goes on. */
static inline bool vm_lock_pc(struct vm *vm)
{
	if (!vm_is_shared(vm) || spin_held(&vm->pc_lock))
		return false;
	spin_lock(&vm->pc_lock);
	return true;
}

static inline void vm_unlock_pc(struct vm *vm, bool locked)
{
	if (locked)
		spin_unlock(&vm->pc_lock);
}

/*
 * Whether what is asked of it can be done in this turn, of this vCPU: it is the first one, and all
 * others have left their CPUs and wait in no queue. They go on by turns_resume().
 */
static inline bool vm_is_gathered(const struct vcpu *vcpu)
{
	const struct vm *vm = vcpu->vm;

	return !vcpu->id && __atomic_load_n(&vm->parked, __ATOMIC_SEQ_CST) + 1 == vm->vcpu_count;
}

/* Ends a VM that never started: its parts are given back next. */
void vm_refuse(struct vm *vm, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One more VM, all zeros, behind all others; NULL: there are VMS_MAX. At boot. */
struct vm *vm_add(void);

/* All VMs, in the order of their module lines. */
struct vm *vm_at(uint32_t index);
uint32_t vms_count(void);
uint32_t vms_in_state(enum vm_state state);

/* How many have not ended: vm_parts.c counts. */
extern volatile uint32_t vms_alive;

/* Something was done for it outside of its turns. From any CPU. */
static inline void vm_owes(struct vm *vm, uint64_t ticks)
{
	__atomic_fetch_add(&vm->debt, ticks, __ATOMIC_RELAXED);
}

/*
 * What it owes is paid, but no more than `most`. Returns how much that is. From any CPU: several of
 * its vCPUs may pay at once, and none of what it owes is paid twice.
 */
static inline uint64_t vm_pays(struct vm *vm, uint64_t most)
{
	uint64_t debt = __atomic_exchange_n(&vm->debt, 0, __ATOMIC_RELAXED);

	if (debt <= most)
		return debt;
	vm_owes(vm, debt - most);
	return most;
}

/*
 * Asks for the reset of a VM that runs, as by the reset button of a PC: memory stays, but what its
 * kernel's image overwrites. From any CPU.
 */
void vm_reset(struct vm *vm);

/*
 * Its vCPUs have no more turns until vm_start(); what is asked of it meanwhile is done all the
 * same, and the end of a run ends this too. Its clocks run on. False: it has ended. From any CPU.
 */
bool vm_stop(struct vm *vm);
bool vm_start(struct vm *vm);

/*
 * Asks for the end of a VM that runs; `cause` is the word in its @vm record. The first one counts.
 * From any CPU.
 */
void vm_end(struct vm *vm, uint8_t status, const char *cause);

/*
 * Calls visit() for each VM that runs, as long as it returns true; none stops running meanwhile,
 * and no two CPUs visit at once.
 */
void vms_visit_running(bool (*visit)(struct vm *vm, void *arg), void *arg);

/*
 * Asks that a VM that runs is told of, in its next turn: where each vCPU is, and what it does.
 * False: it does not run, or something else is asked of it. From any CPU.
 */
bool vm_tell(struct vm *vm);

/* It has been told of. */
void vm_told(struct vm *vm);

/* It does not run any more, and nobody asks anything of it. True: its end had been asked for. */
bool vm_take_request(struct vm *vm);

/*
 * When it ends, which is about to be asked for: it is told what this vCPU was at. From the CPU that
 * it has its turn on, or while it cannot end.
 */
void vm_examine(struct vm *vm, uint32_t vcpu);

/*
 * Ends the VM of a vCPU that did something wrong, with one line on what, where and which rule.
 * The vCPU's VMCS is current.
 */
void vm_fail(struct vcpu *vcpu, const char *cause, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
