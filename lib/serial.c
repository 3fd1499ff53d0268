#include <stdint.h>

#include "lib/serial.h"
#include "lib/x86.h"

#define COM1	  0x3f8
#define COM1_DATA (COM1 + 0) /* divisor low with DLAB */
#define COM1_IER  (COM1 + 1) /* divisor high with DLAB */
#define COM1_IIR  (COM1 + 2) /* read */
#define COM1_FCR  (COM1 + 2) /* written */
#define COM1_LCR  (COM1 + 3)
#define COM1_MCR  (COM1 + 4)
#define COM1_LSR  (COM1 + 5)
#define COM1_SCR  (COM1 + 7)

#define IIR_FIFO  0xc0 /* both bits: a 16550A, whose FIFO works */
#define LCR_8N1	  0x03
#define LCR_DLAB  0x80
#define LSR_DR	  0x01
#define LSR_THRE  0x20
#define LSR_TEMT  0x40
#define FIFO_SIZE 16

/* A port read takes about a microsecond and a character 87; flow control is not used. */
#define WAIT_LIMIT 200000

static unsigned int fifo_size; /* of the transmitter */
static unsigned int room;      /* of it, what is known to be free */

/* A transmitter that was waited for in vain is looked at once a character, until it is ready. */
static bool dead;

bool serial_init(void)
{
	outb(COM1_SCR, 0x5a);
	if (inb(COM1_SCR) != 0x5a)
		return false;
	outb(COM1_IER, 0);
	outb(COM1_LCR, LCR_DLAB);
	outb(COM1_DATA, 1); /* 115200 / 1 */
	outb(COM1_IER, 0);
	outb(COM1_LCR, LCR_8N1);
	outb(COM1_FCR, 0x07); /* FIFOs on and empty */
	outb(COM1_MCR, 0x03); /* DTR, RTS */
	fifo_size = (inb(COM1_IIR) & IIR_FIFO) == IIR_FIFO ? FIFO_SIZE : 1;
	room = 0;
	dead = false;
	return true;
}

static bool wait_for(uint8_t bits)
{
	for (int i = 0; i < (dead ? 1 : WAIT_LIMIT); i++) {
		if ((inb(COM1_LSR) & bits) == bits) {
			dead = false;
			return true;
		}
		cpu_relax();
	}
	dead = true;
	return false;
}

void serial_write(char c)
{
	if (!room) {
		if (!wait_for(LSR_THRE))
			return;
		room = fifo_size;
	}
	room--;
	outb(COM1_DATA, c);
}

bool serial_try_write(char c)
{
	if (!room && (inb(COM1_LSR) & LSR_THRE)) {
		room = fifo_size;
		dead = false;
	}
	if (!room)
		return dead;
	room--;
	outb(COM1_DATA, c);
	return true;
}

void serial_give_up(void)
{
	dead = true;
}

int serial_read(void)
{
	uint8_t status = inb(COM1_LSR);

	/* all ones is no UART: it has no such state */
	return (status & LSR_DR) && status != 0xff ? inb(COM1_DATA) : -1;
}

void serial_flush(void)
{
	if (!dead)
		wait_for(LSR_THRE | LSR_TEMT);
}
