/* What counts the interrupts, and how the interrupt controllers are set up for a check. */
#include "pc.h"

volatile unsigned arrived[256];
void (*in_handler)(unsigned vector);

static bool uses_x2apic(void)
{
	return rdmsr(MSR_APIC_BASE) & APIC_BASE_X2APIC;
}

static void end_of_interrupt(unsigned vector)
{
	if (vector >= VECTOR_8259 && vector < VECTOR_8259 + 16) {
		if (vector >= VECTOR_8259 + 8)
			outb(PIC_SLAVE, 0x20);
		outb(PIC_MASTER, 0x20);
	} else if (vector == VECTOR_SPUR) {
	} else if (uses_x2apic()) {
		wrmsr(MSR_X2APIC(APIC_EOI), 0);
	} else {
		apic_write(APIC_EOI, 0);
	}
}

static bool interrupt(struct frame *frame)
{
	unsigned vector = frame->vector & 0xff;

	arrived[vector]++;
	if (in_handler)
		in_handler(vector);
	end_of_interrupt(vector);
	return true;
}

void pic_mask_all(void)
{
	outb(PIC_MASTER + 1, 0xff);
	outb(PIC_SLAVE + 1, 0xff);
}

bool has_defect(const char *defect)
{
	if (!option(defect))
		return false;
	skip(defect);
	return true;
}

/* Edge-triggered, the slave at IRQ 2. What was requested before is forgotten. */
static void start_8259s(void)
{
	outb(PIC_MASTER, 0x11);
	outb(PIC_SLAVE, 0x11);
	outb(PIC_MASTER + 1, VECTOR_8259);
	outb(PIC_SLAVE + 1, VECTOR_8259 + 8);
	outb(PIC_MASTER + 1, 4);
	outb(PIC_SLAVE + 1, 2);
	outb(PIC_MASTER + 1, 1);
	outb(PIC_SLAVE + 1, 1);
	pic_mask_all();
}

void pic_unmask(unsigned irq)
{
	if (irq >= 8) {
		outb(PIC_SLAVE + 1, inb(PIC_SLAVE + 1) & ~(1u << (irq - 8)));
		irq = 2;
	}
	outb(PIC_MASTER + 1, inb(PIC_MASTER + 1) & ~(1u << irq));
}

void wire_lint0(void)
{
	apic_write(APIC_LVT_LINT0, LVT_EXTINT);
}

uint32_t ioapic_read(unsigned index)
{
	write32(IOAPIC, index);
	return read32(IOAPIC + 0x10);
}

void ioapic_write(unsigned index, uint32_t value)
{
	write32(IOAPIC, index);
	write32(IOAPIC + 0x10, value);
}

void ioapic_route(unsigned pin, uint32_t low)
{
	ioapic_write(IOAPIC_PIN(pin), REDIRECT_MASKED);
	ioapic_write(IOAPIC_PIN(pin) + 1, low & REDIRECT_LOGICAL ? 0x01000000 : 0);
	ioapic_write(IOAPIC_PIN(pin), low);
}

void apic_set_base(uint64_t mode)
{
	wrmsr(MSR_APIC_BASE, APIC | APIC_BASE_BSP | mode);
}

static bool serves(void)
{
	for (unsigned offset = APIC_ISR; offset < APIC_TMR; offset += 0x10)
		if (apic_read(offset))
			return true;
	return false;
}

/* From x2APIC mode there is no way but by off. */
static void start_apic(void)
{
	if (uses_x2apic())
		apic_set_base(0);
	apic_set_base(APIC_BASE_ON);
	apic_write(APIC_SVR, 0x100 | VECTOR_SPUR);
	for (unsigned offset = APIC_LVT_TIMER; offset <= APIC_LVT_ERROR; offset += 0x10)
		apic_write(offset, LVT_MASKED);
	apic_write(APIC_INITIAL, 0);
	apic_write(APIC_TPR, 0);
	apic_write(APIC_LDR, 0x01000000);
	apic_write(APIC_DFR, 0xffffffff);
	while (serves())
		apic_write(APIC_EOI, 0);
}

/* Mode 0 waits for a count. */
void begin(void)
{
	outb(0x43, 0x30);
	begin_with_8254();
}

void begin_with_8254(void)
{
	cli();
	in_handler = NULL;
	start_8259s();
	start_apic();
	for (unsigned pin = 0; pin <= (ioapic_read(1) >> 16 & 0xff); pin++)
		ioapic_write(IOAPIC_PIN(pin), REDIRECT_MASKED);
	for (unsigned v = 32; v < 256; v++)
		if (v != USER_EXIT_VECTOR)
			trap_handle(v, interrupt);
	sti(); /* what has been requested already */
	asm volatile("nop; nop");
	cli();
	for (unsigned v = 0; v < 256; v++)
		arrived[v] = 0;
}

bool await(unsigned vector, unsigned count)
{
	uint64_t start = rdtsc(), limit = 3000 * tsc_per_ms();

	sti();
	while (arrived[vector] < count && rdtsc() - start < limit)
		asm volatile("pause");
	cli();
	return expect(arrived[vector] >= count, "vector 0x%x: %u interrupts instead of %u", vector,
		      arrived[vector], count);
}

void halt_until_interrupt(void)
{
	if (option(DEFECT_STI))
		asm volatile("sti; pause; cli" : : : "memory");
	else
		asm volatile("sti; hlt; cli" : : : "memory");
}

void await_in_hlt(unsigned vector, unsigned count)
{
	cli();
	while (arrived[vector] < count)
		halt_until_interrupt();
}

void expect_none(unsigned vector, const char *what)
{
	unsigned before = arrived[vector];

	sti();
	wait_ms(5);
	cli();
	expect(arrived[vector] == before, "%s: vector 0x%x came %u times", what, vector,
	       arrived[vector] - before);
}
