#include "boot/apic.h"
#include "boot/cpu.h"
#include "boot/vectors.h"
#include "lib/x86.h"

#define APIC_BASE_ENABLE BIT(11)
#define APIC_BASE_X2APIC BIT(10)

/* Register offsets in the xAPIC page; the x2APIC MSR is 0x800 + offset / 16. */
enum apic_register {
	APIC_ID = 0x020,
	APIC_VERSION = 0x030,
	APIC_TPR = 0x080,
	APIC_EOI = 0x0b0,
	APIC_SPURIOUS = 0x0f0,
	APIC_ISR = 0x100, /* eight registers of 32 vectors */
	APIC_ICR = 0x300,
	APIC_ICR_HIGH = 0x310, /* in x2APIC mode the high half of that one */
	APIC_LVT_TIMER = 0x320,
	APIC_LVT_LINT0 = 0x350,
	APIC_TIMER_INITIAL = 0x380,
	APIC_TIMER_CURRENT = 0x390,
	APIC_TIMER_DIVIDE = 0x3e0,
};

#define SPURIOUS_ENABLE BIT(8)
#define LVT_EXTINT	0x700
#define LVT_MASKED	BIT(16)
#define DIVIDE_BY_16	3

#define ICR_NMI		  (4u << 8)
#define ICR_INIT	  (5u << 8)
#define ICR_STARTUP	  (6u << 8)
#define ICR_PENDING	  (1u << 12)
#define ICR_ASSERT	  (1u << 14)
#define ICR_ALL_OTHERS	  (3u << 18)
#define XAPIC_ID_SHIFT	  24
#define CPUID1_ECX_X2APIC BIT(21)

static bool x2apic_wanted; /* written at boot by the first CPU */

static uint32_t apic_read(uint32_t reg)
{
	const struct cpu_apic *apic = &this_cpu()->apic;

	if (apic->x2apic)
		return rdmsr(0x800 + reg / 16);
	return *(volatile uint32_t *)(apic->base + reg);
}

static void apic_write(uint32_t reg, uint32_t value)
{
	const struct cpu_apic *apic = &this_cpu()->apic;

	if (apic->x2apic)
		wrmsr(0x800 + reg / 16, value);
	else
		*(volatile uint32_t *)(apic->base + reg) = value;
}

/* One that stays off, or answers all ones, is none. */
static bool find(struct cpu_apic *apic)
{
	uint64_t msr;

	if (!(cpuid(1).edx & BIT(9)))
		return false;
	msr = rdmsr(MSR_IA32_APIC_BASE);
	apic->found = msr;
	if (!(msr & APIC_BASE_ENABLE)) {
		wrmsr(MSR_IA32_APIC_BASE, msr | APIC_BASE_ENABLE);
		msr = rdmsr(MSR_IA32_APIC_BASE);
	}
	if (x2apic_wanted && !(msr & APIC_BASE_X2APIC)) {
		wrmsr(MSR_IA32_APIC_BASE, msr | APIC_BASE_X2APIC);
		msr = rdmsr(MSR_IA32_APIC_BASE);
	}
	apic->x2apic = msr & APIC_BASE_X2APIC;
	apic->base = msr & 0x000ffffffffff000;
	return (msr & APIC_BASE_ENABLE) && (apic->x2apic || apic->base < BIT(32)) &&
	       apic_read(APIC_VERSION) != 0xffffffff && apic_read(APIC_VERSION) != 0;
}

void apic_init_cpu(void)
{
	struct cpu *cpu = this_cpu();

	cpu->apic.present = find(&cpu->apic);
	if (!cpu->apic.present)
		return;
	x2apic_wanted |= cpu->apic.x2apic; /* firmware has the first CPU in one of the modes */
	cpu->apic_id = cpu->apic.x2apic ? apic_read(APIC_ID) : apic_read(APIC_ID) >> XAPIC_ID_SHIFT;
	apic_write(APIC_TPR, 0);
	apic_write(APIC_SPURIOUS, SPURIOUS_ENABLE | VECTOR_APIC_SPURIOUS);
	/* the 8259's interrupts are the first CPU's */
	apic_write(APIC_LVT_LINT0, cpu->id ? LVT_MASKED : LVT_EXTINT);
	apic_write(APIC_LVT_TIMER, VECTOR_APIC_TIMER);
	apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_16);
}

bool apic_use_x2apic(void)
{
	if (!(cpuid(1).ecx & CPUID1_ECX_X2APIC))
		return false;
	x2apic_wanted = true;
	apic_init_cpu();
	return true;
}

static void send(uint32_t apic_id, uint32_t what)
{
	if (apic_id == APIC_ALL_OTHERS) {
		what |= ICR_ALL_OTHERS;
		apic_id = 0;
	}
	if (this_cpu()->apic.x2apic) {
		/* it orders nothing, as the xAPIC's page does (SDM Vol. 3A 10.12.3) */
		__asm__ volatile("mfence; lfence" : : : "memory");
		wrmsr(0x800 + APIC_ICR / 16, (uint64_t)apic_id << 32 | what | ICR_ASSERT);
		return;
	}
	apic_write(APIC_ICR_HIGH, apic_id << XAPIC_ID_SHIFT);
	apic_write(APIC_ICR, what | ICR_ASSERT);
	while (apic_read(APIC_ICR) & ICR_PENDING)
		cpu_relax();
}

void apic_send_nmi(uint32_t apic_id)
{
	send(apic_id, ICR_NMI);
}

void apic_send_init(uint32_t apic_id)
{
	send(apic_id, ICR_INIT);
}

void apic_send_startup(uint32_t apic_id, uint64_t page)
{
	send(apic_id, ICR_STARTUP | page >> 12);
}

bool apic_present(void)
{
	return this_cpu()->apic.present;
}

uint64_t apic_mmio_base(void)
{
	const struct cpu_apic *apic = &this_cpu()->apic;

	return apic->present && !apic->x2apic ? apic->base : 0;
}

bool apic_in_service(uint8_t vector)
{
	return apic_present() && apic_read(APIC_ISR + vector / 32 * 0x10) >> vector % 32 & 1;
}

void apic_end_of_interrupt(void)
{
	if (apic_present())
		apic_write(APIC_EOI, 0);
}

void apic_timer_start(uint32_t count)
{
	apic_write(APIC_TIMER_INITIAL, count);
}

uint32_t apic_timer_count(void)
{
	return apic_read(APIC_TIMER_CURRENT);
}
