/* The local APIC by MSRs. SDM Vol. 3A 10.12. */
#include "pc.h"

/* These come last: where the APIC stays off they are not left any more. */
static void begin_x2apic(void)
{
	if (!option(DEFECT_APIC_OFF) || !(rdmsr(MSR_APIC_BASE) & APIC_BASE_X2APIC))
		begin();
	apic_set_base(APIC_BASE_ON | APIC_BASE_X2APIC);
	wrmsr(MSR_X2APIC(APIC_TPR), 0);
	for (unsigned v = 0; v < 256; v++)
		arrived[v] = 0;
}

static uint32_t x2apic_read(unsigned offset)
{
	return (uint32_t)rdmsr(MSR_X2APIC(offset));
}

static void expect_refused(unsigned offset, uint64_t value, const char *what)
{
	TRY("wrmsr",
	    :
	    : "c"(MSR_X2APIC(offset)), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
	    : "memory");
	expect(trap.vector == VECTOR_GP, "%s: vector %d", what, trap.vector);
}

static void registers(void)
{
	begin_x2apic();
	expect(rdmsr(MSR_X2APIC(APIC_ID)) == 0, "ID 0x%x", x2apic_read(APIC_ID));
	expect((x2apic_read(APIC_VERSION) & 0xff) >= 0x14, "version 0x%x",
	       x2apic_read(APIC_VERSION));
	expect(x2apic_read(APIC_LDR) == 1, "logical ID 0x%x", x2apic_read(APIC_LDR));
	expect(x2apic_read(APIC_SVR) == (0x100 | VECTOR_SPUR), "SVR 0x%x", x2apic_read(APIC_SVR));
	wrmsr(MSR_X2APIC(APIC_TPR), 0x20);
	expect(x2apic_read(APIC_TPR) == 0x20 && x2apic_read(APIC_PPR) == 0x20, "TPR 0x%x, PPR 0x%x",
	       x2apic_read(APIC_TPR), x2apic_read(APIC_PPR));
	expect(apic_read(APIC_VERSION) == 0xffffffff, "the page reads 0x%x",
	       apic_read(APIC_VERSION));
	expect(cpuid(0xb, 0).edx == x2apic_read(APIC_ID), "CPUID: ID %u", cpuid(0xb, 0).edx);
}

static void refused(void)
{
	begin_x2apic();
	expect_refused(APIC_EOI, 1, "EOI of 1");
	expect_refused(APIC_ID, 0, "the ID");
	expect_refused(APIC_TPR, 0x100, "TPR of 100h");
	expect_refused(APIC_DFR, 0xffffffff, "DFR");
	expect_refused(APIC_ICR_HIGH, 0, "the upper half of ICR");
	if (!has_defect(DEFECT_APIC_RESERVED))
		expect_refused(X2APIC_SELF_IPI, 0x100, "SELF IPI of 100h");
	TRY("rdmsr", : : "c"(MSR_X2APIC(X2APIC_SELF_IPI)) : "eax", "edx", "memory");
	expect(trap.vector == VECTOR_GP, "SELF IPI read: vector %d", trap.vector);
	TRY("rdmsr", : : "c"(0x8ff) : "eax", "edx", "memory");
	expect(trap.vector == VECTOR_GP, "8FFh read: vector %d", trap.vector);
}

static void modes(void)
{
	begin_x2apic();
	TRY("wrmsr",
	    :
	    : "c"(MSR_APIC_BASE), "a"(APIC | APIC_BASE_BSP | APIC_BASE_ON), "d"(0)
	    : "memory");
	expect(trap.vector == VECTOR_GP, "back to xAPIC mode: vector %d", trap.vector);
	if (has_defect(DEFECT_APIC_OFF))
		return;
	apic_set_base(0);
	TRY("wrmsr",
	    :
	    : "c"(MSR_APIC_BASE), "a"(APIC | APIC_BASE_BSP | APIC_BASE_ON | APIC_BASE_X2APIC),
	      "d"(0)
	    : "memory");
	expect(trap.vector == VECTOR_GP, "from off to x2APIC mode: vector %d", trap.vector);
	apic_set_base(APIC_BASE_ON);
	expect(apic_read(APIC_ID) == 0, "ID 0x%x", apic_read(APIC_ID));
	TRY("rdmsr", : : "c"(MSR_X2APIC(APIC_VERSION)) : "eax", "edx", "memory");
	expect(trap.vector == VECTOR_GP, "in xAPIC mode, an MSR: vector %d", trap.vector);
}

static struct {
	uint32_t irr, isr;
} inside;

static void look_inside(unsigned vector)
{
	inside.irr = x2apic_read(APIC_IRR + vector / 32 * 16) >> vector % 32 & 1;
	inside.isr = x2apic_read(APIC_ISR + vector / 32 * 16) >> vector % 32 & 1;
}

static void self_ipi(void)
{
	begin_x2apic();
	in_handler = look_inside;
	wrmsr(MSR_X2APIC(X2APIC_SELF_IPI), VECTOR_B);
	expect(x2apic_read(APIC_IRR + VECTOR_B / 32 * 16) >> VECTOR_B % 32 & 1, "not in IRR");
	await(VECTOR_B, 1);
	expect(!inside.irr && inside.isr, "in its handler IRR %u, ISR %u", inside.irr, inside.isr);
	expect(!x2apic_read(APIC_ISR + VECTOR_B / 32 * 16), "in ISR after EOI");
	for (unsigned i = 2; i <= 100; i++) {
		wrmsr(MSR_X2APIC(X2APIC_SELF_IPI), VECTOR_B);
		if (!await(VECTOR_B, i))
			return;
	}
	expect(arrived[VECTOR_B] == 100, "%u instead of 100", arrived[VECTOR_B]);
}

static void command(void)
{
	begin_x2apic();
	wrmsr(MSR_X2APIC(APIC_ICR), VECTOR_A);
	await(VECTOR_A, 1);
	wrmsr(MSR_X2APIC(APIC_ICR), 1ull << 32 | ICR_LOGICAL | VECTOR_B);
	await(VECTOR_B, 1);
	wrmsr(MSR_X2APIC(APIC_ICR), 0xffffffffull << 32 | VECTOR_D);
	await(VECTOR_D, 1);
	if (has_defect(DEFECT_X2APIC_ICR))
		return;
	expect(rdmsr(MSR_X2APIC(APIC_ICR)) == (0xffffffffull << 32 | VECTOR_D), "ICR 0x%lx",
	       (unsigned long)rdmsr(MSR_X2APIC(APIC_ICR)));
}

static void task_priority(void)
{
	begin_x2apic();
	wrmsr(MSR_X2APIC(APIC_TPR), CLASS(VECTOR_B));
	wrmsr(MSR_X2APIC(X2APIC_SELF_IPI), VECTOR_B);
	expect_none(VECTOR_B, "masked by TPR");
	sti();
	wrmsr(MSR_X2APIC(APIC_TPR), 0);
	asm volatile("nop");
	cli();
	expect(arrived[VECTOR_B] == 1, "lowered, it came %u times", arrived[VECTOR_B]);
}

/* By the I/O APIC: the 8254. */
static void timer(void)
{
	begin_x2apic();
	pit_start(0, 2, 1200);
	ioapic_route(2, VECTOR_A);
	await_in_hlt(VECTOR_A, 5);
	ioapic_route(2, REDIRECT_MASKED);
}

const struct check pc_x2apic_checks[] = {
	{"x2apic-registers", registers, 0}, {"x2apic-refused", refused, 0},
	{"x2apic-modes", modes, 0},	    {"x2apic-self-ipi", self_ipi, 0},
	{"x2apic-command", command, 0},	    {"x2apic-task-priority", task_priority, 0},
	{"x2apic-timer", timer, 0},
};
const size_t pc_x2apic_check_count = ARRAY_SIZE(pc_x2apic_checks);
