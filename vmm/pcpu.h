/*
 * All that is kept per physical CPU. GS points to it in root mode.
 */
#pragma once

#include "boot/cpu.h"
#include "fpu/owner.h"
#include "vmm/mailbox.h"
#include "vmm/queue.h"
#include "vmm/switch.h"
#include "vmx/capabilities.h"

struct entry_rule;
struct vcpu;
struct vm;

/* What vmm/entry_watch.h keeps of the entry that is under way, and counts. */
struct entry_watch {
	const struct entry_rule *broken; /* what forbids it, or NULL */
	uint64_t value;
	uint64_t checked, wrong;       /* entries; of these, that succeeded against a rule */
	uint64_t foreseen, unforeseen; /* that failed against a rule, and against none */
};

struct pcpu {
	struct cpu cpu; /* first: see boot/cpu.h */
	struct vmx_capabilities vmx;
	struct vmcs *vmxon; /* the region that VMXON was given */
	struct fpu_cpu fpu;
	struct mailbox mail;
	struct run_queue queue;	    /* vCPUs that have no turn now */
	struct vcpu *volatile turn; /* whose turn it is, or NULL */
	struct {
		struct vcpu *vcpu;	     /* or NULL */
		struct unswitched registers; /* as this CPU has them: see vmm/switch.h */
	} loaded;			     /* what vmm/loaded.h alone writes */
	struct vcpu *scheduled;		     /* that ran last and has not left the CPU, or NULL */
	struct vm *output;	 /* whose doings are printed now, or NULL: see vmm/output.h */
	bool in_output;		 /* it is in the middle of vmm/output.c */
	bool clobber_at_exits;	 /* hostfpu=exits */
	bool enters_slowly;	 /* more than the preemption timer is seen to before an entry */
	int32_t entries_at_once; /* that vmx_enter() may make: vmm/sched/enter.c */
	struct entry_watch entry_watch;
	uint64_t guest_tsc; /* TSC ticks between calls and returns of vmx_enter() */
	uint64_t switches;  /* changes from one vCPU to another */
	uint64_t moves_in;  /* vCPUs that came from another CPU */
	uint64_t pulls;	    /* of these, taken from its queue because this one had less to do */
	uint64_t spared;    /* a vCPU with live registers was left there, another one pulled */
	uint64_t idles;	    /* halts with nothing to run */
	uint64_t nmi_seen;  /* of cpu.nmi_count */
	bool nmi_told;	    /* that one came from the machine */
	uint64_t nmi_first; /* entries put off because an NMI came just before */
	uint64_t nmi_exits; /* NMIs that came while a guest ran */
};

static inline struct pcpu *this_pcpu(void)
{
	return (struct pcpu *)this_cpu();
}

/* One that is up, by its number. */
static inline struct pcpu *pcpu_at(uint32_t id)
{
	return (struct pcpu *)cpu_at(id);
}

static inline uint64_t pcpu_bit(const struct pcpu *pcpu)
{
	return 1ull << pcpu->cpu.id;
}

/* All that are up, a bit each. */
static inline uint64_t pcpus_up(void)
{
	return UINT64_MAX >> (MAX_CPUS - cpus_count());
}
