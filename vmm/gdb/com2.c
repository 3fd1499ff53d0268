#include "vmm/gdb/com2.h"

#include <stdint.h>

#include "lib/x86.h"

#define COM2	  0x2f8
#define COM2_DATA (COM2 + 0) /* divisor low with DLAB */
#define COM2_IER  (COM2 + 1) /* divisor high with DLAB */
#define COM2_IIR  (COM2 + 2) /* read */
#define COM2_FCR  (COM2 + 2) /* written */
#define COM2_LCR  (COM2 + 3)
#define COM2_MCR  (COM2 + 4)
#define COM2_LSR  (COM2 + 5)
#define COM2_SCR  (COM2 + 7)

#define IIR_FIFO  0xc0 /* both bits: a 16550A, whose FIFO works */
#define LCR_8N1	  0x03
#define LCR_DLAB  0x80
#define LSR_DR	  0x01
#define LSR_THRE  0x20
#define FIFO_SIZE 16

static unsigned int fifo_size; /* of the transmitter */

bool com2_init(void)
{
	outb(COM2_SCR, 0x5a);
	if (inb(COM2_SCR) != 0x5a)
		return false;
	outb(COM2_IER, 0);
	outb(COM2_LCR, LCR_DLAB);
	outb(COM2_DATA, 1); /* 115200 / 1 */
	outb(COM2_IER, 0);
	outb(COM2_LCR, LCR_8N1);
	outb(COM2_FCR, 0x07); /* FIFOs on and empty */
	outb(COM2_MCR, 0x03); /* DTR, RTS */
	fifo_size = (inb(COM2_IIR) & IIR_FIFO) == IIR_FIFO ? FIFO_SIZE : 1;
	return true;
}

int com2_read(void)
{
	uint8_t status = inb(COM2_LSR);

	/* all ones is no UART: it has no such state */
	return (status & LSR_DR) && status != 0xff ? inb(COM2_DATA) : -1;
}

unsigned int com2_room(void)
{
	return inb(COM2_LSR) & LSR_THRE ? fifo_size : 0;
}

void com2_write(char c)
{
	outb(COM2_DATA, (uint8_t)c);
}
