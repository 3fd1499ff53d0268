/* The operations, a row each: one exit, or what exits elsewhere and not under Resident. */
#include "bench.h"

#include "support/fpu.h"
#include "support/guest.h"
#include "support/trap.h"

#define TIMER_VECTOR   0x40
#define UART_SCRATCH   (COM1 + 7)
#define PORT_OF_NOBODY 0x2f0
#define HLT_DELAY      200	    /* microseconds */
#define TIMER_DELAY    100	    /* microseconds */
#define GAP	       100	    /* ticks: more than a turn of the loop that looks for it */
#define FRESH_MEMORY   0x02000000ul /* nobody's */
#define PAGE	       0x1000ul
#define LARGE_PAGE     0x200000ul
#define RET	       0xc3

#define MSR_APIC_BASE 0x1b
#define APIC_ON	      0x800
#define APIC_X2APIC   0x400
#define APIC_PAGE     0xfee00000ul
#define X2APIC_MSR    0x800
#define APIC_TPR      0x08
#define APIC_EOI      0x0b
#define APIC_SVR      0x0f
#define APIC_ICR      0x30
#define APIC_SELF_IPI 0x3f
#define APIC_ENABLE   0x1ff
#define ICR_SELF      0x40000
#define TPR_OF_IPI    0x50 /* nothing below is taken */

#define PIT_COUNTER  0x40
#define RTC_INDEX    0x70
#define RTC_DATA     0x71
#define PM_TIMER     0x608
#define HPET_PAGE    0xfed00000ul
#define HPET_CONTROL 0x10
#define HPET_COUNTER 0xf0

static uint64_t khz;

static void nothing(void)
{
}

static void cpuid_0(void)
{
	cpuid(0, 0);
}

static void cpuid_1(void)
{
	cpuid(1, 0);
}

static void cpuid_7(void)
{
	cpuid(7, 0);
}

static void cpuid_d(void)
{
	cpuid(0xd, 0);
}

static void vmcall(void)
{
	hypercall(HYPERCALL_GET_VERSION, 0, 0, 0);
}

static void in_lsr(void)
{
	inb(COM1 + 5);
}

static void out_scratch(void)
{
	outb(UART_SCRATCH, 0x5a);
}

static void out_nobody(void)
{
	outb(PORT_OF_NOBODY, 0x5a);
}

static uint64_t efer;

static void read_efer_first(void)
{
	efer = rdmsr(MSR_EFER);
}

static void rdmsr_efer(void)
{
	rdmsr(MSR_EFER);
}

static void wrmsr_efer(void)
{
	wrmsr(MSR_EFER, efer);
}

static void wrmsr_star(void)
{
	wrmsr(MSR_STAR, 0);
}

static void rdmsr_fs_base(void)
{
	rdmsr(MSR_FS_BASE);
}

static void xsetbv_x87(void)
{
	xsetbv(0, XCR0_X87);
}

static uintptr_t cr0, cr3, cr4;

static void read_registers(void)
{
	cr0 = read_cr0();
	cr3 = read_cr3();
	cr4 = read_cr4();
}

static void mov_cr0_ne(void)
{
	write_cr0(cr0 ^ CR0_NE);
}

static void mov_cr0_ts(void)
{
	write_cr0(cr0 | CR0_TS);
}

static void mov_cr0_wp(void)
{
	write_cr0(cr0 ^ CR0_WP);
}

static void mov_cr3(void)
{
	write_cr3(cr3);
}

static void mov_cr4(void)
{
	write_cr4(cr4 ^ CR4_TSD);
}

static void without_ts(void)
{
	clts();
	read_registers();
}

static void with_ts(void)
{
	write_cr0(read_cr0() | CR0_TS);
}

static void clear_ts(void)
{
	clts();
}

static void halt(void)
{
	asm volatile("sti; hlt; cli" : : : "memory");
}

/* The timer that wakes the halt has come due: only IF keeps its interrupt back. */
static void let_timer_come_due(void)
{
	uint64_t start;

	set_timer(TIMER_VECTOR, 1);
	start = rdtsc();
	while (rdtsc() - start < khz / 10)
		asm volatile("" : : : "memory");
}

/* IF is set long before HLT, as Bochs with several CPUs needs it (tools/defects.py). */
static void halt_for_timer(void)
{
	asm volatile("sti" : : : "memory");
	set_timer(TIMER_VECTOR, HLT_DELAY);
	asm volatile("hlt; cli" : : : "memory");
}

/* What there is beyond the wait itself. */
static uint64_t measure_halt_for_timer(void)
{
	uint64_t ticks;

	bench_mark();
	ticks = bench_ticks(halt_for_timer);
	bench_mark();
	return ticks - HLT_DELAY * khz / 1000;
}

/* Until the CPU was taken away once: the ticks in which the guest did not run. */
static uint64_t measure_preemption(void)
{
	uint64_t step = GAP, passed, last;

	bench_mark();
	for (last = rdtsc();; step = passed < step ? passed : step) {
		uint64_t now = rdtsc();

		passed = now - last;
		if (passed > GAP)
			break;
		last = now;
	}
	bench_mark();
	return passed - step;
}

/* The timer comes due, and its interrupt has to wait for IF. */
static uint64_t measure_timer(void)
{
	uint64_t ticks;

	set_timer(TIMER_VECTOR, TIMER_DELAY);
	ticks = measure_preemption();
	asm volatile("sti; nop; cli" : : : "memory");
	return ticks;
}

static volatile uint32_t *apic_register(unsigned number)
{
	return (volatile uint32_t *)(APIC_PAGE + 16 * number);
}

static void take_what_is_pending(void)
{
	asm volatile("sti; nop; cli" : : : "memory");
}

static void use_page(void)
{
	uint64_t base = rdmsr(MSR_APIC_BASE) & ~(uint64_t)(APIC_ON | APIC_X2APIC);

	if (rdmsr(MSR_APIC_BASE) & APIC_X2APIC) {
		wrmsr(MSR_APIC_BASE, base);
		wrmsr(MSR_APIC_BASE, base | APIC_ON);
	}
	*apic_register(APIC_SVR) = APIC_ENABLE;
	*apic_register(APIC_TPR) = 0;
}

static void serve_by_page(void)
{
	use_page();
	*apic_register(APIC_ICR) = ICR_SELF | TIMER_VECTOR;
	take_what_is_pending();
}

static void eoi_page(void)
{
	*apic_register(APIC_EOI) = 0;
}

static void tpr_page(void)
{
	*apic_register(APIC_TPR) = TPR_OF_IPI;
}

static void use_msrs(void)
{
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_ON | APIC_X2APIC);
	wrmsr(X2APIC_MSR + APIC_SVR, APIC_ENABLE);
	wrmsr(X2APIC_MSR + APIC_TPR, 0);
	wrmsr(X2APIC_MSR + APIC_EOI, 0);
	take_what_is_pending();
	wrmsr(X2APIC_MSR + APIC_EOI, 0);
}

/* Nothing waits any more: what comes after it has nothing of it. */
static void use_page_again(void)
{
	use_msrs(), use_page();
}

static void serve_by_msrs(void)
{
	use_msrs();
	wrmsr(X2APIC_MSR + APIC_SELF_IPI, TIMER_VECTOR);
	take_what_is_pending();
}

static void keep_back_by_msrs(void)
{
	use_msrs();
	wrmsr(X2APIC_MSR + APIC_TPR, TPR_OF_IPI);
}

#define BY_MSR(name, number, value)                                                                \
	static void name(void)                                                                     \
	{                                                                                          \
		wrmsr(X2APIC_MSR + (number), value);                                               \
	}
BY_MSR(eoi_msr, APIC_EOI, 0)
BY_MSR(tpr_msr, APIC_TPR, TPR_OF_IPI)
BY_MSR(self_ipi_msr, APIC_SELF_IPI, TIMER_VECTOR)

static void pit_read(void)
{
	inb(PIT_COUNTER);
}

static void rtc_read(void)
{
	outb(RTC_INDEX, 0);
	inb(RTC_DATA);
}

static void pm_timer_read(void)
{
	inl(PM_TIMER);
}

static void start_hpet(void)
{
	*(volatile uint32_t *)(HPET_PAGE + HPET_CONTROL) = 1;
}

static void hpet_read(void)
{
	(void)*(volatile uint32_t *)(HPET_PAGE + HPET_COUNTER);
}

static uintptr_t fresh;

static void next_page(void)
{
	fresh = fresh ? fresh + PAGE : FRESH_MEMORY;
}

static void touch_page(void)
{
	*(volatile uint8_t *)fresh = RET;
}

static void next_large_page(void)
{
	fresh = fresh ? fresh + LARGE_PAGE : FRESH_MEMORY;
	*(volatile uint8_t *)fresh = RET;
}

static void fetch_there(void)
{
	((void (*)(void))fresh)();
}

static void use_fpu(void)
{
	fpu_touch(0);
}

static void use_fpu_and_leave(void)
{
	fpu_touch(0);
	cpuid(0, 0);
}

static void switch_away(void)
{
	yield();
}

static void switch_away_and_use_fpu(void)
{
	yield();
	fpu_touch(0);
}

const struct bench_test bench_tests[] = {
	{"nothing", 0, nothing, NULL, NULL},
	{"cpuid-0", 0, cpuid_0, NULL, NULL},
	{"cpuid-1", 0, cpuid_1, NULL, NULL},
	{"cpuid-7", 0, cpuid_7, NULL, NULL},
	{"cpuid-d", 0, cpuid_d, NULL, NULL},
	{"vmcall", BENCH_HYPERVISOR, vmcall, NULL, NULL},
	{"in-lsr", 0, in_lsr, NULL, NULL},
	{"out-scratch", 0, out_scratch, NULL, NULL},
	{"out-nobody", 0, out_nobody, NULL, NULL},
	{"rdmsr-efer", 0, rdmsr_efer, NULL, NULL},
	{"rdmsr-fs-base", 0, rdmsr_fs_base, NULL, NULL},
	{"wrmsr-efer", 0, wrmsr_efer, read_efer_first, NULL},
	{"wrmsr-star", 0, wrmsr_star, NULL, NULL},
	{"xsetbv", BENCH_XSAVE, xsetbv_x87, NULL, NULL},
	{"mov-cr0-ne", 0, mov_cr0_ne, read_registers, NULL},
	{"mov-cr0-ts", 0, mov_cr0_ts, without_ts, NULL},
	{"mov-cr0-wp", 0, mov_cr0_wp, read_registers, NULL},
	{"mov-cr3", 0, mov_cr3, read_registers, NULL},
	{"mov-cr4", 0, mov_cr4, read_registers, NULL},
	{"clts", 0, clear_ts, with_ts, NULL},
	{"clts-clear", 0, clear_ts, without_ts, NULL},
	{"hlt-pending", BENCH_HYPERCALL, halt, let_timer_come_due, NULL},
	{"hlt-timer", BENCH_HYPERCALL, NULL, NULL, measure_halt_for_timer},
	{"yield", BENCH_HYPERCALL, switch_away, NULL, NULL},
	{"timer-due", BENCH_HYPERCALL, NULL, NULL, measure_timer},
	{"preempt", BENCH_HYPERVISOR, NULL, NULL, measure_preemption},
	{"eoi-page", BENCH_APIC, eoi_page, serve_by_page, NULL},
	{"tpr-page", BENCH_APIC, tpr_page, use_page, NULL},
	{"eoi-msr", BENCH_X2APIC, eoi_msr, serve_by_msrs, NULL},
	{"tpr-msr", BENCH_X2APIC, tpr_msr, use_msrs, NULL},
	{"self-ipi-msr", BENCH_X2APIC, self_ipi_msr, keep_back_by_msrs, NULL},
	{"self-ipi-window", BENCH_X2APIC, self_ipi_msr, use_msrs, NULL},
	{"pit-read", BENCH_APIC, pit_read, use_page_again, NULL},
	{"rtc-read", BENCH_HYPERCALL, rtc_read, NULL, NULL},
	{"pm-timer-read", BENCH_HYPERCALL, pm_timer_read, NULL, NULL},
	{"hpet-read", BENCH_HYPERCALL, hpet_read, start_hpet, NULL},
	{"touch", 0, touch_page, next_page, NULL},
	{"ept-split", BENCH_NAMED, fetch_there, next_large_page, NULL},
	{"cpuid-0-mitigated", BENCH_NAMED, cpuid_0, NULL, NULL},
	{"turn", BENCH_HYPERCALL | BENCH_NAMED, switch_away, NULL, NULL},
	{"switch-no-fpu", BENCH_HYPERCALL | BENCH_NAMED, switch_away, NULL, NULL},
	{"switch-mitigated", BENCH_HYPERCALL | BENCH_NAMED, switch_away, NULL, NULL},
	{"cpuid-0-open", BENCH_FPU, cpuid_0, use_fpu, NULL},
	{"switch-resident", BENCH_HYPERCALL | BENCH_NAMED | BENCH_FPU, switch_away_and_use_fpu,
	 NULL, NULL},
	{"switch-load", BENCH_HYPERCALL | BENCH_NAMED | BENCH_FPU, switch_away_and_use_fpu, NULL,
	 NULL},
	{"host-section", BENCH_NAMED | BENCH_FPU, use_fpu_and_leave, NULL, NULL},
};

const size_t bench_test_count = ARRAY_SIZE(bench_tests);

/* The timer's interrupt handler: no instruction more than it takes. */
void bench_tick(void);
#ifdef __x86_64__
asm(".pushsection .text\nbench_tick: iretq\n.popsection");
#else
asm(".pushsection .text\nbench_tick: iretl\n.popsection");
#endif

void bench_tests_start(void)
{
	struct gate *gate = &idt[TIMER_VECTOR];

	gate->offset_low = (uint16_t)(uintptr_t)bench_tick;
	gate->offset_middle = (uint16_t)((uintptr_t)bench_tick >> 16);
	khz = option_number("khz", 10000);
}
