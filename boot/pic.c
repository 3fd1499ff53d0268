#include "boot/pic.h"
#include "boot/vectors.h"
#include "lib/x86.h"

#define PIC1_COMMAND 0x20
#define PIC1_DATA    0x21
#define PIC2_COMMAND 0xa0
#define PIC2_DATA    0xa1

#define ICW1_INIT_ICW4 0x11
#define ICW4_8086      0x01
#define OCW2_EOI       0x20
#define OCW3_READ_ISR  0x0b

/* Whether the 8254 has ever been let through: a last IRQ 0 may come late. */
static bool timer_used;

void pic_init(void)
{
	outb(PIC1_COMMAND, ICW1_INIT_ICW4);
	outb(PIC2_COMMAND, ICW1_INIT_ICW4);
	outb(PIC1_DATA, VECTOR_PIC_FIRST);
	outb(PIC2_DATA, VECTOR_PIC_FIRST + 8);
	outb(PIC1_DATA, 1 << 2); /* the second PIC is at IRQ 2 */
	outb(PIC2_DATA, 2);
	outb(PIC1_DATA, ICW4_8086);
	outb(PIC2_DATA, ICW4_8086);
	outb(PIC1_DATA, 0xff);
	outb(PIC2_DATA, 0xff);
}

void pic_enable_timer(bool enable)
{
	timer_used = true;
	outb(PIC1_DATA, enable ? 0xfe : 0xff);
}

bool pic_asked_for(unsigned int irq)
{
	return irq == 0 && timer_used;
}

static uint16_t data_port(unsigned int irq)
{
	return irq < 8 ? PIC1_DATA : PIC2_DATA;
}

void pic_mask(unsigned int irq)
{
	uint16_t port = data_port(irq);

	outb(port, inb(port) | 1 << irq % 8);
}

void pic_unmask(unsigned int irq)
{
	uint16_t port = data_port(irq);

	outb(port, inb(port) & ~(1 << irq % 8));
}

bool pic_spurious(unsigned int irq)
{
	uint16_t command = irq < 8 ? PIC1_COMMAND : PIC2_COMMAND;

	/* IRQ 7 and 15 are also what comes of a line that is low again: it is not in service */
	if (irq % 8 != 7)
		return false;
	outb(command, OCW3_READ_ISR);
	if (inb(command) & 0x80)
		return false;
	if (irq == 15)
		outb(PIC1_COMMAND, OCW2_EOI); /* the first PIC has IRQ 2 in service */
	return true;
}

void pic_end_of_interrupt(unsigned int irq)
{
	if (irq >= 8)
		outb(PIC2_COMMAND, OCW2_EOI);
	outb(PIC1_COMMAND, OCW2_EOI);
}
