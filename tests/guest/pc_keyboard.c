/* The keyboard controller and its keyboard. IBM PC AT Technical Reference. */
#include "pc.h"

#define DATA	    0x60
#define COMMAND	    0x64
#define OUTPUT_FULL 0x01
#define INPUT_FULL  0x02

#define COMMAND_INTERRUPT 0x01
#define COMMAND_DISABLED  0x10

#define IRQ_KEYBOARD 1
#define NOTHING	     (-1)

static void wait_for_room(void)
{
	uint64_t start = rdtsc(), limit = 100 * tsc_per_ms();

	while ((inb(COMMAND) & INPUT_FULL) && rdtsc() - start < limit)
		asm volatile("pause");
}

static int receive(void)
{
	uint64_t start = rdtsc(), limit = 600 * tsc_per_ms();

	while (!(inb(COMMAND) & OUTPUT_FULL))
		if (rdtsc() - start > limit)
			return NOTHING;
	return inb(DATA);
}

static void command(uint8_t value)
{
	wait_for_room();
	outb(COMMAND, value);
}

static void send(uint8_t value)
{
	wait_for_room();
	outb(DATA, value);
}

static void drain(void)
{
	for (unsigned i = 0; i < 64 && (inb(COMMAND) & OUTPUT_FULL); i++) {
		inb(DATA);
		wait_ms(1);
	}
}

static void set_command_byte(uint8_t value)
{
	command(0x60);
	send(value);
}

static void expect_byte(int wanted, const char *what)
{
	int got = receive();

	expect(got == wanted, "%s: 0x%x instead of 0x%x", what, (unsigned)got, (unsigned)wanted);
}

static void self_test(void)
{
	begin();
	drain();
	command(0xaa);
	expect_byte(0x55, "AAh");
	command(0xab);
	expect_byte(0x00, "ABh");
	set_command_byte(0x45);
	command(0x20);
	expect_byte(0x45, "the command byte");
	command(0xae);
}

static void reset(void)
{
	begin();
	drain();
	command(0xae);
	set_command_byte(0x44);
	send(0xff);
	expect_byte(0xfa, "FFh");
	expect_byte(0xaa, "then");
	send(0xee);
	expect_byte(0xee, "EEh");
	send(0xf4);
	expect_byte(0xfa, "F4h");
	set_command_byte(0x45);
}

static int got[4];
static unsigned got_count;

static void read_data(unsigned vector)
{
	(void)vector;
	if (got_count < ARRAY_SIZE(got))
		got[got_count++] = inb(DATA);
}

static void reset_by_interrupt(void)
{
	begin();
	drain();
	command(0xae);
	set_command_byte(0x45);
	wire_lint0();
	in_handler = read_data;
	got_count = 0;
	pic_unmask(IRQ_KEYBOARD);
	send(0xff);
	await_in_hlt(VECTOR_8259 + IRQ_KEYBOARD, 2);
	expect(got[0] == 0xfa && got[1] == 0xaa, "0x%x, 0x%x", (unsigned)got[0], (unsigned)got[1]);
	send(0xf4);
	await_in_hlt(VECTOR_8259 + IRQ_KEYBOARD, 3);
	expect(got[2] == 0xfa, "F4h: 0x%x", (unsigned)got[2]);
}

static void by_ioapic(void)
{
	begin();
	drain();
	set_command_byte(0x45);
	in_handler = read_data;
	got_count = 0;
	ioapic_route(IRQ_KEYBOARD, VECTOR_B);
	send(0xee);
	await_in_hlt(VECTOR_B, 1);
	expect(got[0] == 0xee, "EEh: 0x%x", (unsigned)got[0]);
	ioapic_route(IRQ_KEYBOARD, REDIRECT_MASKED);
}

/* Scan codes of set 1: the letters' keys that are pressed. */
static char letter(uint8_t code)
{
	static const char rows[] = "??1234567890-=??qwertyuiop[]\n?asdfghjkl;'`?\\zxcvbnm,./?*? ";

	return code < sizeof(rows) - 1 ? rows[code] : '?';
}

static char line[80];
static volatile size_t line_length;
static volatile bool line_ends;

static void type(char c)
{
	if (c == '\n' || c == '\r')
		line_ends = true;
	else if (line_length < sizeof(line) - 1)
		line[line_length++] = c;
}

static void type_from_keyboard(unsigned vector)
{
	uint8_t code = inb(DATA);

	if (vector == VECTOR_8259 + IRQ_KEYBOARD && !(code & 0x80))
		type(letter(code));
}

static void type_from_com1(unsigned vector)
{
	(void)vector;
	while (inb(COM1 + 5) & 1)
		type((char)inb(COM1));
}

static void read_line(unsigned irq)
{
	print("pc: ready\n");
	while (!line_ends)
		await_in_hlt(VECTOR_8259 + irq, arrived[VECTOR_8259 + irq] + 1);
	cli();
	line[line_length] = '\0';
	print("pc: %s\n", line);
	guest_exit(0);
}

/* COM1's receiver has its interrupt enabled, too, which OUT2 keeps away. */
void read_typed_by_keyboard(void)
{
	begin();
	drain();
	wire_lint0();
	outb(COM1 + 4, 0);
	outb(COM1 + 1, 1);
	in_handler = type_from_keyboard;
	pic_unmask(IRQ_KEYBOARD);
	read_line(IRQ_KEYBOARD);
}

/* The receiver's interrupt, and OUT2, which lets it through. */
void read_typed_by_com1(void)
{
	begin();
	wire_lint0();
	in_handler = type_from_com1;
	outb(COM1 + 2, 1);
	outb(COM1 + 4, 0x0b);
	outb(COM1 + 1, 1);
	pic_unmask(4);
	read_line(4);
}

const struct check pc_keyboard_checks[] = {
	{"keyboard-self-test", self_test, 0},
	{"keyboard-reset", reset, 0},
	{"keyboard-reset-by-interrupt", reset_by_interrupt, 0},
	{"keyboard-by-ioapic", by_ioapic, 0},
};
const size_t pc_keyboard_check_count = ARRAY_SIZE(pc_keyboard_checks);
