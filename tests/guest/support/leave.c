#include "leave.h"

#include "fpu.h"
#include "trap.h"

#define TIMER_VECTOR 0x40

static volatile unsigned ticks;

static bool tick(struct frame *frame)
{
	(void)frame;
	ticks++;
	return true;
}

static void via_cpuid(void)
{
	cpuid(0, 0);
	cpuid(1, 0);
	cpuid(0xd, 0);
	cpuid(0xd, 1);
}

static void via_hlt(void)
{
	unsigned before;

	cli(); /* it must not come before the HLT that waits for it */
	before = ticks;
	set_timer(TIMER_VECTOR, 200); /* the CPU has time to go idle meanwhile */
	while (ticks == before)
		asm volatile("sti; hlt; cli" : : : "memory");
}

static void via_io(void)
{
	inb(COM1 + 5);
	outb(0x80, 0x5a);
	inl(0x2000);
	inw(0x2000);
}

static void via_msr(void)
{
	wrmsr(MSR_PAT, rdmsr(MSR_PAT));
	wrmsr(MSR_SYSENTER_CS, rdmsr(MSR_SYSENTER_CS));
	if (GUEST_BITS == 64)
		wrmsr(MSR_EFER, rdmsr(MSR_EFER));
}

static void via_cr(void)
{
	uintptr_t cr0 = read_cr0(), cr4 = read_cr4();

	write_cr3(read_cr3());
	write_cr0(cr0 ^ CR0_WP);
	write_cr0(cr0 ^ CR0_AM);
	write_cr0(cr0 | CR0_TS);
	clts();
	lmsw((uint16_t)(cr0 | CR0_TS));
	write_cr0(cr0 ^ CR0_MP);
	write_cr0(cr0 | CR0_EM);
	write_cr0(cr0);
	write_cr4(cr4 ^ CR4_TSD);
	write_cr4(cr4 ^ CR4_OSFXSR);
	write_cr4(cr4);
#ifdef __x86_64__
	write_cr8(read_cr8() ^ 1);
	write_cr8(read_cr8() ^ 1);
#endif
}

static void via_vmcall(void)
{
	hypercall(HYPERCALL_GET_VERSION, 0, 0, 0);
	hypercall(~0u, 1, 2, 3);
}

static void via_xsetbv(void)
{
	uint64_t all = xgetbv(0);

	if (all & XCR0_AVX)
		xsetbv(0, XCR0_X87 | XCR0_SSE | XCR0_AVX);
	xsetbv(0, XCR0_X87 | XCR0_SSE);
	xsetbv(0, XCR0_X87);
	/* what XCR0 leaves out now is still there, and must be saved all the same */
	if (have_hypercalls())
		yield();
	xsetbv(0, all);
}

static void via_interrupt(void)
{
	unsigned before = ticks;

	set_timer(TIMER_VECTOR, 30);
	sti();
	while (ticks == before)
		asm volatile("" : : : "memory");
	cli();
}

/* Spins, integers only, until this CPU has switched away and back, or for a million ticks. */
static void via_preempt(void)
{
	struct hypercall_stats before, now;

	get_stats(&before, 0);
	for (unsigned i = 0; i < 50; i++) {
		uint64_t start = rdtsc();

		while (rdtsc() - start < 20000)
			asm volatile("" : : : "memory");
		get_stats(&now, 0);
		if (now.own_switches != before.own_switches)
			return;
	}
}

static void via_yield(void)
{
	yield();
	yield();
}

static void via_exception(void)
{
	TRY("ud2", : : : "memory");
	TRY("int3", : : : "memory");
	TRY("int $0x81", : : : "memory");
}

static void via_cache(void)
{
	asm volatile("wbinvd" : : : "memory");
}

const struct exit exits[] = {
	{"cpuid", via_cpuid, 0, NULL},
	{"hlt", via_hlt, NEEDS_HYPERCALL, DEFECT_STI},
	{"io", via_io, 0, NULL},
	{"msr", via_msr, 0, NULL},
	{"cr", via_cr, 0, NULL},
	{"vmcall", via_vmcall, NEEDS_HYPERCALL, NULL},
	{"xsetbv", via_xsetbv, NEEDS_XSAVE, NULL},
	{"interrupt", via_interrupt, NEEDS_HYPERCALL, NULL},
	{"preempt", via_preempt, NEEDS_HYPERCALL, NULL},
	{"yield", via_yield, NEEDS_HYPERCALL, NULL},
	{"exception", via_exception, 0, DEFECT_EXCEPTION},
	{"cache", via_cache, 0, NULL},
};

const unsigned exit_count = ARRAY_SIZE(exits);
_Static_assert(ARRAY_SIZE(exits) <= EXITS_MAX, "leave.h");

const char *exit_missing(const struct exit *exit)
{
	if ((exit->needs & NEEDS_HYPERCALL) && !have_hypercalls())
		return "no hypercalls here";
	if ((exit->needs & NEEDS_XSAVE) && !(fpu_components & FPU_XSAVE))
		return "no XSAVE here";
	if (exit->defect && option(exit->defect))
		return exit->defect;
	return NULL;
}

void exits_start(void)
{
	trap_handle(TIMER_VECTOR, tick);
}
