/* Ports: what is not there reads all ones, and COM1 is a 16550. */
#include "exits.h"

static void unknown_port_reads_ones(void)
{
	uintptr_t a = 0;

	expect(inb(0x2000) == 0xff, "IN of a byte gives 0x%x", inb(0x2000));
	expect(inw(0x2000) == 0xffff, "IN of a word gives 0x%x", inw(0x2000));
	expect(inl(0x2000) == 0xffffffff, "IN of a doubleword gives 0x%x", inl(0x2000));
	outb(0x2000, 1);
	outw(0x2000, 1);
	outl(0x2000, 1);
	/* narrower reads leave the rest of the accumulator, a doubleword clears the upper half */
	a = (uintptr_t)0x1122334455667788ull;
	asm volatile("inb %%dx, %%al" : "+a"(a) : "d"(0x2000));
	expect(a == (uintptr_t)0x11223344556677ffull, "IN AL leaves RAX 0x%lx", (unsigned long)a);
	a = (uintptr_t)0x1122334455667788ull;
	asm volatile("inw %%dx, %%ax" : "+a"(a) : "d"(0x2000));
	expect(a == (uintptr_t)0x112233445566ffffull, "IN AX leaves RAX 0x%lx", (unsigned long)a);
	a = (uintptr_t)0x1122334455667788ull;
	asm volatile("inl %%dx, %%eax" : "+a"(a) : "d"(0x2000));
	expect(a == 0xffffffff, "IN EAX leaves RAX 0x%lx", (unsigned long)a);
	asm volatile("inb $0x92, %%al" : "=a"(a)); /* an immediate port number */
}

static void string_input(void)
{
	uint8_t bytes[8] = {0};
	uint16_t words[5] = {0};
	uint32_t doubles[3] = {0};
	void *to = bytes;
	uintptr_t count = 7;

	asm volatile("rep insb" : "+D"(to), "+c"(count) : "d"(0x2000) : "memory");
	expect(to == bytes + 7 && !count, "INSB: moved %u, count left %u",
	       (unsigned)((uint8_t *)to - bytes), (unsigned)count);
	for (unsigned i = 0; i < 7; i++)
		expect(bytes[i] == 0xff, "INSB: byte %u is 0x%x", i, bytes[i]);
	expect(!bytes[7], "INSB wrote too much");

	to = words + 4;
	count = 4;
	asm volatile("std; rep insw; cld" : "+D"(to), "+c"(count) : "d"(0x2000) : "memory");
	expect(to == words && !count, "INSW downwards: ends %d words off",
	       (int)((uint16_t *)to - words));
	expect(!words[0] && words[1] == 0xffff && words[4] == 0xffff, "INSW downwards: data");

	to = doubles;
	count = 2;
	asm volatile("rep insl" : "+D"(to), "+c"(count) : "d"(0x2000) : "memory");
	expect(doubles[0] == 0xffffffff && doubles[1] == 0xffffffff && !doubles[2], "INSL: data");

	to = bytes;
	count = 0;
	bytes[0] = 5;
	asm volatile("rep insb" : "+D"(to), "+c"(count) : "d"(0x2000) : "memory");
	expect(to == bytes && bytes[0] == 5, "INSB with count 0 did something");
	asm volatile("insb" : "+D"(to) : "d"(0x2000) : "memory");
	expect(to == bytes + 1 && bytes[0] == 0xff, "INSB without REP");
}

static void string_output(void)
{
	static const char text[] = "string output on COM1\n";
	const void *from = text;
	uintptr_t count = sizeof(text) - 1;

	while (!(inb(COM1 + 5) & 0x40))
		;
	/* in pieces that a 16-byte transmit FIFO takes */
	outb(COM1 + 2, 0x07);
	while (count) {
		uintptr_t piece = count < 8 ? count : 8;
		uintptr_t left = piece;

		asm volatile("rep outsb" : "+S"(from), "+c"(left) : "d"(COM1) : "memory");
		expect(!left, "OUTSB: %u left", (unsigned)left);
		count -= piece;
		while (!(inb(COM1 + 5) & 0x40))
			;
	}
	expect(from == text + sizeof(text) - 1, "OUTSB: source ends %d bytes off",
	       (int)(text + sizeof(text) - 1 - (const char *)from));
}

static void com1_registers(void)
{
	uint8_t lcr;

	for (unsigned v = 0; v < 256; v += 0x55) {
		outb(COM1 + 7, (uint8_t)v);
		expect(inb(COM1 + 7) == v, "scratch register: 0x%x instead of 0x%x", inb(COM1 + 7),
		       v);
	}
	while (!(inb(COM1 + 5) & 0x40))
		;
	lcr = inb(COM1 + 3);
	expect(lcr == 0x03, "LCR is 0x%x after 8N1", lcr);
	outb(COM1 + 3, 0x83);
	outb(COM1, 0x34);
	outb(COM1 + 1, 0x12);
	expect(inb(COM1) == 0x34 && inb(COM1 + 1) == 0x12, "divisor reads 0x%x%02x", inb(COM1 + 1),
	       inb(COM1));
	outb(COM1, 1);
	outb(COM1 + 1, 0);
	outb(COM1 + 3, 0x03);
	expect(inb(COM1 + 1) == 0, "IER is 0x%x with DLAB off again", inb(COM1 + 1));
	expect((inb(COM1 + 5) & 0x61) == 0x60, "LSR is 0x%x when idle", inb(COM1 + 5));
	expect((inb(COM1 + 2) & 0x0f) == 0x01, "IIR is 0x%x when nothing is pending",
	       inb(COM1 + 2));
	outb(COM1 + 2, 0xc7);
	expect((inb(COM1 + 2) & 0xc0) == 0xc0, "IIR is 0x%x with FIFOs on", inb(COM1 + 2));
}

/* What many small kernels do to find out whether there is a port. */
static void com1_loopback(void)
{
	uint8_t got;

	while (!(inb(COM1 + 5) & 0x40))
		;
	outb(COM1 + 4, 0x1e);
	expect(inb(COM1 + 4) == 0x1e, "MCR reads 0x%x", inb(COM1 + 4));
	outb(COM1, 0xae);
	for (unsigned i = 0; i < 100000 && !(inb(COM1 + 5) & 1); i++)
		asm volatile("pause");
	got = inb(COM1);
	expect(got == 0xae, "loopback gave 0x%x", got);
	/* in loopback RTS, DTR, OUT1 and OUT2 come back as CTS, DSR, RI and DCD */
	expect((inb(COM1 + 6) & 0xf0) == 0xd0, "MSR is 0x%x with MCR 0x1e", inb(COM1 + 6));
	outb(COM1 + 4, 0x0f);
}

static void delay_port(void)
{
	outb(0x80, 0);
	inb(0x80);
}

const struct check io_checks[] = {
	{"io-unknown-port-reads-ones", unknown_port_reads_ones, NEEDS_HYPERCALL},
	{"io-string-input", string_input, NEEDS_HYPERCALL},
	{"io-string-output", string_output, 0},
	{"io-com1-registers", com1_registers, 0},
	{"io-com1-loopback", com1_loopback, 0},
	{"io-delay-port", delay_port, 0},
};
const size_t io_check_count = ARRAY_SIZE(io_checks);
