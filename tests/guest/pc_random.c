/*
 * Any values to any registers of the PC in any order: nothing is expected of it but that the
 * hypervisor and other guests go on. What ends or resets the VM is left out.
 */
#include "pc.h"

static uint64_t state;

static uint32_t random32(void)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(state >> 32);
}

static uint32_t below(uint32_t limit)
{
	return random32() % limit;
}

/* Few bits, all, none, or anything: limits are met more often. */
static uint32_t value(void)
{
	switch (below(5)) {
	case 0:
		return 1u << below(32);
	case 1:
		return -below(2);
	case 2:
		return below(256);
	case 3:
		return random32() & random32() & random32();
	default:
		return random32();
	}
}

static void access_port(void)
{
	static const struct {
		uint16_t first, count;
	} ranges[] = {
		{0x20, 2}, {0xa0, 2}, {0x4d0, 2}, {0x40, 4},  {0x61, 1},   {0x70, 2},
		{0x60, 1}, {0x64, 1}, {0x600, 4}, {0x608, 4}, {0x3c0, 32}, {COM1 + 1, 6},
	};
	unsigned n = below(ARRAY_SIZE(ranges));
	uint16_t port = (uint16_t)(ranges[n].first + below(ranges[n].count));
	uint8_t byte = (uint8_t)value();

	if (below(3) == 0)
		(void)inb(port);
	else if (port == PIC_MASTER + 1 || port == PIC_SLAVE + 1)
		outb(port, byte | 0x20);      /* no exception's vector */
	else if (port != 0x64 || byte < 0xd1) /* D1h and F0h and above reset */
		outb(port, byte);
	if (below(16) == 0)
		(void)inl(port);
}

/* Of a register with a vector: a fixed interrupt, and none of an exception's. */
static uint32_t harmless(uint32_t word)
{
	return (word & ~0x700u) | 0x20;
}

static bool has_vector(unsigned offset)
{
	return offset == APIC_SVR || (offset >= APIC_ICR - 0xd0 && offset <= APIC_LVT_ERROR) ||
	       offset == X2APIC_SELF_IPI;
}

static void access_page(uintptr_t page)
{
	uintptr_t at = page + (below(4) ? below(0x40) * 0x10 : below(0x1000 - 8));
	uint32_t word = value();

	if ((page == APIC && has_vector(at & 0xff0)) || (page == IOAPIC && (at & 0xff0) == 0x10))
		word = harmless(word);
	switch (below(8)) {
	case 0:
	case 1:
		(void)read32(at);
		break;
	case 2:
		if (page == APIC)
			break;
		*(volatile uint8_t *)at = (uint8_t)word;
		break;
	case 3:
		if (page == APIC)
			break;
		asm volatile("movw %w0, (%1)" : : "r"(word), "r"(at) : "memory");
		break;
#ifdef __x86_64__
	case 4:
		if (page != HPET)
			break;
		*(volatile uint64_t *)at = (uint64_t)value() << 32 | word;
		break;
#endif
	default:
		write32(page == HPET ? at & ~3ul : at, word);
	}
}

/* With APICv these are written without an exit, and raise #GP so: not where that is spoilt. */
static bool may_raise(uint32_t msr)
{
	return !has_defect(DEFECT_EXCEPTION) ||
	       (msr != MSR_X2APIC(APIC_TPR) && msr != MSR_X2APIC(APIC_EOI));
}

static void write_msr(void)
{
	static const uint32_t msrs[] = {MSR_APIC_BASE, MSR_TSC_ADJUST, MSR_TSC_DEADLINE, MSR_TSC};
	uint32_t msr = below(2) ? msrs[below(ARRAY_SIZE(msrs))] : 0x800 + below(0x40);
	uint32_t low = value(), high = below(2) ? 0 : value();

	if (msr == MSR_APIC_BASE) { /* where it is */
		static const uint32_t modes[] = {APIC_BASE_ON, APIC_BASE_ON, APIC_BASE_ON,
						 APIC_BASE_ON | APIC_BASE_X2APIC, 0};

		low = APIC | (below(8) ? modes[below(ARRAY_SIZE(modes))] : low & 0xfff);
		high = 0;
	}
	if (msr >= 0x800 && has_vector((msr - 0x800) * 16))
		low = msr == MSR_X2APIC(X2APIC_SELF_IPI) ? (low & 0xff) | 0x20 : harmless(low);
	if (!may_raise(msr)) {
		low = msr == MSR_X2APIC(APIC_TPR) ? low & 0xff : 0;
		high = 0;
	}
	if (below(3))
		TRY("wrmsr", : : "c"(msr), "a"(low), "d"(high) : "memory");
	else
		TRY("rdmsr", : "+a"(low), "+d"(high) : "c"(msr) : "memory");
}

static unsigned in_a_row;

/* What asks again and again is not listened to any more. */
static bool interrupt(struct frame *frame)
{
	if (++in_a_row > 4)
		frame->flags &= ~FLAG_IF;
	outb(PIC_SLAVE, 0x20);
	outb(PIC_MASTER, 0x20);
	if (rdmsr(MSR_APIC_BASE) & APIC_BASE_X2APIC)
		wrmsr(MSR_X2APIC(APIC_EOI), 0);
	else
		apic_write(APIC_EOI, 0);
	return true;
}

static void listen(void)
{
	in_a_row = 0;
	asm volatile("sti; nop; nop; cli" : : : "memory");
}

/* Its timer comes by no chip, but as a priority it has TPR. */
static void halt(void)
{
	in_a_row = 0;
	set_timer(0xf8, 50);
#ifdef __x86_64__
	write_cr8(0);
	halt_until_interrupt();
#endif
	set_timer(0, 0);
}

void access_at_random(uint64_t seed, unsigned rounds)
{
	begin();
	state = seed * 0x9e3779b97f4a7c15ull + 1;
	for (unsigned v = 32; v < 256; v++)
		trap_handle(v, interrupt);
	trap_handle(VECTOR_NMI, interrupt);
	for (unsigned i = 0; i < rounds; i++) {
		switch (below(8)) {
		case 0:
		case 1:
		case 2:
			access_port();
			break;
		case 3:
			access_page(APIC);
			break;
		case 4:
			access_page(IOAPIC);
			break;
		case 5:
			access_page(HPET);
			break;
		case 6:
			write_msr();
			break;
		default:
			if (below(2))
				listen();
			else if (below(4) == 0)
				halt();
		}
	}
	wrmsr(MSR_TSC_ADJUST, 0);
	outb(COM1 + 3, 3);
	outb(COM1 + 1, 0);
	outb(COM1 + 4, 3);
	report_pass("random");
}
