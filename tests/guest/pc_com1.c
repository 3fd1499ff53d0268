/* COM1's interrupts. NS16550A data sheet; a PC's OUT2 lets them through. */
#include "pc.h"

#define IER (COM1 + 1)
#define IIR (COM1 + 2)
#define MCR (COM1 + 4)
#define LSR (COM1 + 5)

#define IRQ_COM1 4

static uint8_t iir_inside;
static unsigned to_send;

static void send_next(unsigned vector)
{
	(void)vector;
	iir_inside = inb(IIR);
	if (to_send) {
		to_send--;
		outb(COM1, '.');
	} else {
		outb(IER, 0);
	}
}

static void finish(void)
{
	outb(IER, 0);
	outb(MCR, 0x03);
	put_char('\n');
}

/* A byte for each interrupt of the transmitter. */
static void transmitter(void)
{
	begin();
	while (!(inb(LSR) & 0x40))
		asm volatile("pause");
	wire_lint0();
	in_handler = send_next;
	to_send = 10;
	pic_unmask(IRQ_COM1);
	outb(MCR, 0x0b);
	outb(IER, 2);
	await_in_hlt(VECTOR_8259 + IRQ_COM1, 11);
	expect((iir_inside & 0x0f) == 2, "IIR 0x%x", iir_inside);
	expect(!to_send, "%u bytes are left", to_send);
	finish();
}

static void without_out2(void)
{
	begin();
	while (!(inb(LSR) & 0x40))
		asm volatile("pause");
	wire_lint0();
	pic_unmask(IRQ_COM1);
	outb(MCR, 0x03);
	outb(IER, 2);
	expect_none(VECTOR_8259 + IRQ_COM1, "without OUT2");
	outb(IER, 0);
}

static void by_ioapic(void)
{
	begin();
	while (!(inb(LSR) & 0x40))
		asm volatile("pause");
	in_handler = send_next;
	to_send = 3;
	ioapic_route(IRQ_COM1, VECTOR_B);
	outb(MCR, 0x0b);
	outb(IER, 2);
	await_in_hlt(VECTOR_B, 4);
	finish();
	ioapic_route(IRQ_COM1, REDIRECT_MASKED);
}

const struct check pc_com1_checks[] = {
	{"com1-transmitter", transmitter, 0},
	{"com1-without-out2", without_out2, 0},
	{"com1-by-ioapic", by_ioapic, 0},
};
const size_t pc_com1_check_count = ARRAY_SIZE(pc_com1_checks);
