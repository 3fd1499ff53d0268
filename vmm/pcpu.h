/*
 * All that is kept per physical CPU. GS points to it in root mode.
 */
#pragma once

#include "boot/cpu.h"
#include "fpu/owner.h"
#include "vmm/queue.h"
#include "vmm/switch.h"
#include "vmx/capabilities.h"

struct vcpu;
struct vm;

struct pcpu {
	struct cpu cpu; /* first: see boot/cpu.h */
	struct vmx_capabilities vmx;
	struct vmcs *vmxon; /* the region that VMXON was given */
	struct fpu_cpu fpu;
	struct run_queue queue; /* vCPUs that have no turn now */
	struct {
		struct vcpu *vcpu;	     /* or NULL */
		struct unswitched registers; /* as this CPU has them: see vmm/switch.h */
	} loaded;			     /* what vmm/loaded.h alone writes */
	struct vcpu *scheduled;		     /* that ran last and has not left the CPU, or NULL */
	struct vm *output;	 /* whose doings are printed now, or NULL: see vmm/output.h */
	bool clobber_at_exits;	 /* hostfpu=exits */
	int32_t entries_at_once; /* that vmx_enter() may make: vmm/sched/enter.c */
	uint64_t guest_tsc;	 /* TSC ticks between calls and returns of vmx_enter() */
	uint64_t switches;	 /* changes from one vCPU to another */
	uint64_t idles;		 /* halts with nothing to run */
	uint64_t nmi_seen;	 /* of cpu.nmi_count */
	uint64_t nmi_first;	 /* entries put off because an NMI came just before */
	uint64_t nmi_exits;	 /* NMIs that came while a guest ran */
};

static inline struct pcpu *this_pcpu(void)
{
	return (struct pcpu *)this_cpu();
}
