/*
 * The hypercall interface: what a guest may ask of Resident by VMCALL. Shared with guests.
 *
 * A guest finds Resident by CPUID leaf 40000000h: EBX, ECX, EDX hold HYPERCALL_SIGNATURE, EAX the
 * highest leaf; leaf 40000001h EAX holds HYPERCALL_VERSION.
 *
 * Call:   VMCALL at CPL 0, EAX = function, arguments in EBX, ECX, EDX (RBX, RCX, RDX in 64-bit
 *         mode; elsewhere only the low halves are used).
 * Result: EAX (RAX in 64-bit mode) = 0 or a positive result, or a negated error number. Other
 *         registers keep their values, but where a function says that it advances them, as a
 *         REP prefix does: it is then done in parts, and can be interrupted in between.
 * Errors: -ENOSYS the function is not known; -EPERM CPL is not 0; -EFAULT an address is not the
 *         guest's memory; -EINVAL an argument is out of range.
 * Addresses are guest-physical.
 * Version: it grows when an existing function, field or value changes its meaning. New functions,
 * and fields at the end of a structure, do not change it: -ENOSYS and the size that a call returns
 * tell of those.
 */
#pragma once

#include <stdint.h>

#define HYPERCALL_SIGNATURE "ResidentVMM" /* twelve bytes with the terminating zero */
#define HYPERCALL_VERSION   3
/* 2: cpu_guest_tsc was without what exits took. 1: and statistics of the whole CPU every guest's.
 */

#define HYPERCALL_CPUID_SIGNATURE 0x40000000u
#define HYPERCALL_CPUID_VERSION	  0x40000001u

enum hypercall {
	HYPERCALL_GET_VERSION = 0, /* -> HYPERCALL_VERSION */
	HYPERCALL_CONSOLE_WRITE =
		1,	     /* EBX = address, ECX = bytes (up to 4096) -> 0; advances both */
	HYPERCALL_YIELD = 2, /* give up the rest of the time slice -> 0 */
	/*
	 * A snapshot of the counters, as far as the VM may see them (below): EBX = address of a
	 * struct hypercall_stats (0: none), ECX = its size in bytes, EDX = label. With a label
	 * other than 0 the whole CPU's go to the console, which is the host's, as "@fpu cpu=...
	 * snapshot=LABEL vm=NAME ...". -> bytes written, never more than ECX; a longer structure
	 * of a later version is cut.
	 */
	HYPERCALL_GET_STATS = 3,
	HYPERCALL_EXIT = 4, /* EBX = status (0 to 255): ends this VM, does not return */
	/*
	 * One shot: EBX = vector (2: as an NMI; 32 to 255: as an external interrupt),
	 * ECX = delay in microseconds, up to HYPERCALL_TIMER_MAX_US; 0 cancels. A new call
	 * replaces the one before. -> 0
	 */
	HYPERCALL_SET_TIMER = 5,
	/*
	 * EBX = enum hypercall_fpu_policy: the FPU policy of all physical CPUs from now on.
	 * -> the policy before. -EPERM without control=on on the VM's module line: a policy is
	 * part of what keeps guests apart.
	 */
	HYPERCALL_SET_FPU_POLICY = 6,
	/*
	 * Made by the real-mode code that Resident puts where a PC has its BIOS: EBX = vector,
	 * ECX = the caller's EAX, EDX = its CS:IP. Ends this VM with status 1, cause bios-call.
	 * -ENOSYS in protected and 64-bit mode.
	 */
	HYPERCALL_NO_BIOS = 0x100,
};

#define HYPERCALL_CONSOLE_MAX  4096u
#define HYPERCALL_TIMER_MAX_US 60000000u

/* Which of docs/fpu.md's three states a vCPU is in. */
enum hypercall_fpu_state {
	HYPERCALL_FPU_OPEN = 0,
	HYPERCALL_FPU_ARMED = 1,
	HYPERCALL_FPU_GUARDED = 2,
};

/* The values of fpu= at boot. */
enum hypercall_fpu_policy {
	HYPERCALL_FPU_LAZY = 0,
	HYPERCALL_FPU_SCRUB = 1,
	HYPERCALL_FPU_EAGER = 2,
	HYPERCALL_FPU_UNLOAD = 3,
	HYPERCALL_FPU_SWAP = 4,
	HYPERCALL_FPU_AUTO = 5,
};

/*
 * Event counts since boot, except where said. What begins with own_ is this vCPU's, and every guest
 * may see it. All other fields tell what others do: they read 0 unless the VM's module line has
 * control=on. With it cpu_entries and vms_running are never 0, so that a guest can tell.
 */
struct hypercall_stats {
	/* this physical CPU, whoever ran on it */
	uint64_t cpu_entries;	/* VM entries, those that an NMI put off included */
	uint64_t cpu_resident;	/* ... that found their state in the registers */
	uint64_t cpu_armed;	/* ... with CR0.TS forced */
	uint64_t cpu_nm;	/* #NM exits */
	uint64_t cpu_saves;	/* images written */
	uint64_t cpu_loads;	/* images read */
	uint64_t cpu_host;	/* host sections */
	uint64_t cpu_xcr0;	/* XCR0 writes */
	uint64_t cpu_ts_writes; /* VMCS writes for CR0.TS and the #NM intercept */
	uint64_t cpu_bytes;	/* bytes moved by saves and loads */
	uint64_t cpu_switches;	/* changes from one vCPU to another */
	/* this vCPU */
	uint64_t own_entries;
	uint64_t own_nm;
	uint64_t own_saves;
	uint64_t own_loads;
	uint64_t own_state; /* enum hypercall_fpu_state, as this exit found it */
	/* the machine */
	uint64_t vms_running;  /* VMs started and not ended, this one included */
	uint64_t vms_settling; /* VMs between two states: being cleared, or loaded after a reset */
	/* this physical CPU again */
	uint64_t cpu_scrubs;	/* registers made initial */
	uint64_t cpu_preloads;	/* loads without a #NM */
	uint64_t cpu_samples;	/* armed by `auto` to see whether the FPU is still used */
	uint64_t cpu_policy;	/* enum hypercall_fpu_policy */
	uint64_t cpu_tsc;	/* its TSC */
	uint64_t cpu_guest_tsc; /* ... of which guests had, with their exits that went straight back
				 */
	/* this vCPU again */
	uint64_t own_switches; /* how often the CPU came to it from another vCPU */
	/* this physical CPU again */
	uint64_t cpu_tiles; /* tiles of vCPUs saved and loaded */
};
