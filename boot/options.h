/*
 * The hypervisor's own boot options, from the command line that the boot loader hands over.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum option_fpu {
	OPTION_FPU_LAZY,
	OPTION_FPU_SCRUB,
	OPTION_FPU_EAGER,
	OPTION_FPU_UNLOAD,
	OPTION_FPU_SWAP,
	OPTION_FPU_AUTO,
};

/* The save instruction to begin with: fpu/method.h. */
enum option_xsave {
	OPTION_XSAVE_FXSAVE,
	OPTION_XSAVE_XSAVE,
	OPTION_XSAVE_XSAVEC,
	OPTION_XSAVE_XSAVEOPT,
	OPTION_XSAVE_XSAVES,
	OPTION_XSAVE_AUTO, /* the best that is safe */
};

/* Bits of options.console. */
#define OPTION_CONSOLE_COM1 0x1u
#define OPTION_CONSOLE_VGA  0x2u
#define OPTION_CONSOLE_E9   0x4u

enum option_loglevel {
	OPTION_LOG_ERRORS,
	OPTION_LOG_WARNINGS,
	OPTION_LOG_INFO,
	OPTION_LOG_DEBUG,
};

/* What wakes a CPU that idles. */
enum option_timer {
	OPTION_TIMER_AUTO, /* the local APIC's timer, or the 8254 where there is none */
	OPTION_TIMER_APIC,
	OPTION_TIMER_PIT,
};

/* What the TSC's frequency is measured against. */
enum option_clock {
	OPTION_CLOCK_AUTO, /* the first of those below that counts */
	OPTION_CLOCK_PIT,
	OPTION_CLOCK_HPET,
	OPTION_CLOCK_PM,
	OPTION_CLOCK_CPUID, /* not measured: what CPUID says */
};

/* What takes the CPU back from a guest: vmx/preemption.h. */
enum option_preemption {
	OPTION_PREEMPTION_AUTO, /* the VMX-preemption timer, or the APIC's where that is broken */
	OPTION_PREEMPTION_VMX,
	OPTION_PREEMPTION_APIC,
};

/* Whether large EPT pages are split where a guest executes: vmx/multihit.h. */
enum option_multihit {
	OPTION_MULTIHIT_AUTO, /* on the CPUs that are affected */
	OPTION_MULTIHIT_SPLIT,
	OPTION_MULTIHIT_OFF,
};

/* Where the hypervisor uses the FPU itself, beyond what it needs. */
enum option_hostfpu {
	OPTION_HOSTFPU_OFF,
	OPTION_HOSTFPU_EXITS, /* a host section at every VM exit */
};

/* A fault provoked in the hypervisor on purpose, to see how it is reported. */
enum option_crash {
	OPTION_CRASH_NONE,
	OPTION_CRASH_PAGEFAULT, /* read an address that is not mapped */
	OPTION_CRASH_TEXTWRITE, /* write into text */
	OPTION_CRASH_STACK,	/* run into a stack's guard page */
	OPTION_CRASH_VECTOR,	/* a vector instruction outside a host section */
	OPTION_CRASH_NMI,	/* NMIs at a high rate while guests run */
	OPTION_CRASH_VMENTRY,	/* a VM entry that fails */
	OPTION_CRASH_SECTION,	/* a host section inside a host section */
	OPTION_CRASH_FRAME,	/* a frame pointer into a stack's guard page */
	OPTION_CRASH_MEMORY,	/* a machine check: memory of the guest that runs is lost */
	OPTION_CRASH_NESTED,	/* machine checks in the NMI handler, and NMIs at a high rate */
	OPTION_CRASH_STORM,	/* an interrupt that nobody drives, level-triggered */
	OPTION_CRASH_IDLE,	/* a panic when no guest can run, while output may be waiting */
};

struct options {
	uint32_t fpu;	     /* enum option_fpu */
	uint32_t xsave;	     /* enum option_xsave */
	uint32_t slice_us;   /* how long a vCPU runs before another may: 100..1000000 */
	uint32_t maxcpus;    /* 1..64 */
	uint32_t console;    /* OPTION_CONSOLE_* */
	uint32_t timer;	     /* enum option_timer */
	uint32_t clock;	     /* enum option_clock */
	uint32_t preemption; /* enum option_preemption */
	uint32_t multihit;   /* enum option_multihit */
	uint32_t trace;	     /* 0 or 1 */
	uint32_t tracesize;  /* entries of each CPU's ring: 16..1048576 */
	uint32_t stats;	     /* 0 or 1: print the table at the end */
	uint32_t loglevel;   /* enum option_loglevel */
	uint32_t panic;	     /* enum power_panic */
	uint32_t hostfpu;    /* enum option_hostfpu */
	uint32_t crash;	     /* enum option_crash */
};

/*
 * Fills options from cmdline, with defaults for what it does not say. A first word without '='
 * and with a '/' or '.' is the file name that some loaders put there, and is skipped. Whatever is
 * not understood keeps its default and is told to warn(arg, one human line naming what is
 * accepted), which must not keep the pointer. At boot, on the first CPU.
 */
void options_parse(struct options *options, const char *cmdline,
		   void (*warn)(void *arg, const char *message), void *arg);
