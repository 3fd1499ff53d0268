/*
 * Takes what it can get of the CPU, of the console and of the hypervisor, for ever: one way per
 * command-line word. What it prints is numbered, so that nothing can be lost without being missed.
 *
 *   lines=N   of what prints: so many lines, and then the end
 */
#include "support/guest.h"
#include "support/leave.h"
#include "support/trap.h"

const char guest_name[] = "hostile";

#define RESET_PORT   0xcf9
#define SCREEN	     0xb8000
#define HPET	     0xfed00000
#define APIC	     0xfee00000
#define ROWS	     25
#define COLUMNS	     80
#define TIMER_VECTOR 0x41

static uint64_t lines;

/* One line into text: its number, and letters up to 64 characters. Returns the length. */
static unsigned make_line(char *text, uint64_t number)
{
	unsigned length = 0;

	for (uint64_t divisor = 1000000; divisor; divisor /= 10)
		text[length++] = (char)('0' + number / divisor % 10);
	text[length++] = ' ';
	for (; length < 64; length++)
		text[length] = (char)('a' + (number + length) % 26);
	text[length++] = '\n';
	return length;
}

/* Asks the line status before each character, as drivers do. */
static void by_polling(char *text, unsigned length)
{
	for (unsigned i = 0; i < length; i++) {
		while (!(inb(COM1 + 5) & 0x20))
			asm volatile("pause");
		outb(COM1, (uint8_t)text[i]);
	}
}

/* Asks nothing. */
static void by_out(char *text, unsigned length)
{
	for (unsigned i = 0; i < length; i++)
		outb(COM1, (uint8_t)text[i]);
}

static void by_outs(char *text, unsigned length)
{
	uintptr_t count = length;

	asm volatile("rep outsb" : "+S"(text), "+c"(count) : "d"(COM1) : "memory");
}

static void by_call(char *text, unsigned length)
{
	hypercall(HYPERCALL_CONSOLE_WRITE, (uintptr_t)text, length, 0);
}

static int print_lines(void (*write)(char *, unsigned))
{
	char text[80];

	for (uint64_t number = 0; !lines || number < lines; number++)
		write(text, make_line(text, number));
	return 0;
}

static int polling(void)
{
	return print_lines(by_polling);
}

static int out(void)
{
	return print_lines(by_out);
}

static int outs(void)
{
	return print_lines(by_outs);
}

static int call(void)
{
	return print_lines(by_call);
}

/* Hypercalls of the longest length, and with the shortest lines. */
static int empty(void)
{
	static char text[HYPERCALL_CONSOLE_MAX];

	memset(text, '\n', sizeof(text));
	for (;;)
		by_call(text, sizeof(text));
	return 1;
}

static int label(void)
{
	struct hypercall_stats stats;

	for (unsigned number = 1; !lines || number <= lines; number++)
		get_stats(&stats, number);
	return 0;
}

/* The statistics of the whole CPU, with control=on: the dearest of what asks for no turn's end. */
static int stats(void)
{
	struct hypercall_stats all;

	for (;;)
		get_stats(&all, 0);
	return 1;
}

static int reset(void)
{
	outb(RESET_PORT, 0x06);
	return 1;
}

/* Ends at once; the module line has runs=. */
static int again(void)
{
	return 0;
}

static int fault(void)
{
	static const struct descriptor_pointer none;

	asm volatile("lidt %0; ud2" : : "m"(none) : "memory");
	return 1;
}

/* A row of the screen that is like no other. */
static void draw_row(unsigned row, uint32_t number)
{
	volatile uint16_t *cell = (volatile uint16_t *)SCREEN + row * COLUMNS;

	for (unsigned i = 0; i < COLUMNS; i++, number = number * 1103515245 + 12345)
		cell[i] = (uint16_t)(0x0700 | ('a' + (number >> 16) % 26));
}

/* All that it has scrolls up, and the rest is new: as much as there can be between two looks. */
static void draw_screen(uint32_t number)
{
	const unsigned kept = 3;
	volatile uint16_t *cell = (volatile uint16_t *)SCREEN;

	for (unsigned i = 0; i < kept * COLUMNS; i++)
		cell[i] = cell[(ROWS - kept) * COLUMNS + i];
	for (unsigned row = kept; row < ROWS; row++)
		draw_row(row, number * ROWS + row);
}

/* On its text page, beside lines of COM1. */
static int draws(void)
{
	char text[80];

	for (uint32_t number = 0;; number++) {
		draw_screen(number);
		for (unsigned i = 0; i < 8; i++)
			by_outs(text, make_line(text, number * 8 + i));
	}
	return 1;
}

static void write32(uintptr_t address, uint32_t value)
{
	*(volatile uint32_t *)address = value;
}

/* What devices do that takes long, without a pause. */
static int hpet(void)
{
	write32(HPET + 0x10, 1);
	for (unsigned n = 0; n < 3; n++)
		write32(HPET + 0x100 + 0x20 * n, (20 + n) << 9 | 4); /* a pin, and enabled */
	for (unsigned n = 0;; n = (n + 1) % 3)
		write32(HPET + 0x108 + 0x20 * n, 0x7fffffff);
	return 1;
}

static int rtc(void)
{
	outb(0x70, 0x0b);
	outb(0x71, 0x72); /* all of its interrupts */
	outb(0x70, 0x01);
	for (unsigned i = 0;; i++)
		outb(0x71, i % 60);
	return 1;
}

static int pit(void)
{
	outb(0x43, 0x34);
	for (;;)
		outb(0x40, 0x34);
	return 1;
}

static int apic(void)
{
	write32(APIC + 0xf0, 0x1ff);
	write32(APIC + 0x320, 0x20040); /* periodic */
	for (;;)
		write32(APIC + 0x380, 0x7fffffff);
	return 1;
}

static int com1(void)
{
	outb(COM1 + 4, 0x08);
	outb(COM1 + 1, 0x02); /* an interrupt when a byte has been sent */
	for (;;)
		outb(COM1, '\r');
	return 1;
}

static bool tick(struct frame *frame)
{
	(void)frame;
	return true;
}

static int timers(void)
{
	trap_handle(TIMER_VECTOR, tick);
	for (;;) {
		set_timer(TIMER_VECTOR, 1);
		asm volatile("sti; hlt; cli" : : : "memory");
	}
	return 1;
}

static int yields(void)
{
	for (;;)
		yield();
	return 1;
}

static int leaves(void)
{
	exits_start();
	for (unsigned i = 0;; i = (i + 1) % exit_count)
		if (!exit_missing(&exits[i]))
			exits[i].leave();
	return 1;
}

static int computes(void)
{
	for (;;)
		asm volatile("" : : : "memory");
	return 1;
}

static const struct way {
	const char *word;
	int (*go)(void);
} ways[] = {
	{"polling", polling}, {"out", out},	      {"outs", outs},	  {"call", call},
	{"empty", empty},     {"label", label},	      {"stats", stats},	  {"reset", reset},
	{"again", again},     {"fault", fault},	      {"timers", timers}, {"yields", yields},
	{"leaves", leaves},   {"computes", computes}, {"draws", draws},	  {"hpet", hpet},
	{"rtc", rtc},	      {"pit", pit},	      {"apic", apic},	  {"com1", com1},
};

int guest_main(void)
{
	lines = option_number("lines", 0);
	for (unsigned i = 0; i < ARRAY_SIZE(ways); i++)
		if (option(ways[i].word))
			return ways[i].go();
	report_fail("hostile", "it has to be told how");
	return report_end();
}
