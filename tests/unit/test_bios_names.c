#include "tests/unit/unit.h"

#include "vmm/exit/bios_names.h"

static char text[256];

static const char *describe(uint8_t vector, uint16_t ax, bool instruction)
{
	const struct bios_event event = {vector, ax, 0x0123, 0x8036, instruction};
	int length = bios_describe(text, sizeof(text), &event);

	assert_int_equal(length, strlen(text));
	return text;
}

static void expect(uint8_t vector, uint16_t ax, bool instruction, const char *begins)
{
	describe(vector, ax, instruction);
	if (strncmp(text, begins, strlen(begins)))
		fail_msg("\"%s\" does not begin with \"%s\"", text, begins);
	assert_non_null(strstr(text, "0123:8036"));
}

static void a_call_is_named_with_its_function_and_what_to_do(void **state)
{
	(void)state;
	expect(0x10, 0x0E41, true, "it called BIOS INT 10h AX=0E41h (video: write a character) ");
	assert_non_null(strstr(text, "there is no BIOS here: print on COM1 at 3F8h"));
	expect(0x10, 0xFF00, true, "it called BIOS INT 10h AX=FF00h (video) ");
	assert_non_null(strstr(text, "COM1"));
	expect(0x13, 0x4280, true, "it called BIOS INT 13h AX=4280h (disk: read sectors) ");
	assert_non_null(strstr(text, "module"));
	expect(0x15, 0xE820, true, "it called BIOS INT 15h AX=E820h (system services: memory map)");
	assert_non_null(strstr(text, "multiboot"));
	expect(0x15, 0xE802, true, "it called BIOS INT 15h AX=E802h (system services) ");
	expect(0x15, 0x8812, true,
	       "it called BIOS INT 15h AX=8812h (system services: extended memory size) ");
	expect(0x12, 0x1234, true, "it called BIOS INT 12h AX=1234h (memory size) ");
	expect(0x16, 0x0000, true, "it called BIOS INT 16h AX=0000h (keyboard: read a key) ");
	expect(0x19, 0, true, "it called BIOS INT 19h AX=0000h (boot) ");
	expect(0x21, 0x4C00, true, "it called BIOS INT 21h AX=4C00h (DOS) ");
	expect(0xE0, 0, true, "it called BIOS INT E0h AX=0000h (not known) ");
}

static void an_exception_is_named_as_the_manual_does(void **state)
{
	(void)state;
	expect(0, 0, false, "exception 0 (#DE) in real mode at ");
	expect(2, 0, false, "exception 2 (NMI) in real mode at ");
	expect(6, 0, false, "exception 6 (#UD) in real mode at ");
	expect(8, 0, false, "exception 8 (#DF, or IRQ 0) in real mode at ");
	expect(13, 0, false, "exception 13 (#GP, or IRQ 5) in real mode at ");
	expect(15, 0, false, "exception 15 (IRQ 7) in real mode at ");
	expect(16, 0, false, "exception 16 (#MF) in real mode at ");
	expect(19, 0, false, "exception 19 (#XM) in real mode at ");
}

/* The same vectors, by INT n. */
static void an_instruction_is_no_exception(void **state)
{
	(void)state;
	expect(6, 0, true, "it called BIOS INT 06h ");
	expect(16, 0x0003, true, "it called BIOS INT 10h AX=0003h (video: set the video mode) ");
	expect(18, 0, true, "it called BIOS INT 12h ");
}

static void an_interrupt_has_its_number_and_irq(void **state)
{
	(void)state;
	expect(0x61, 0, false, "interrupt 61h in real mode at ");
	expect(0x70, 0, false, "interrupt 70h (IRQ 8) in real mode at ");
	expect(0x77, 0, false, "interrupt 77h (IRQ 15) in real mode at ");
	expect(0x78, 0, false, "interrupt 78h in real mode at ");
	/* none of the CPU's: a handler that calls the one before it */
	expect(0x1A, 0x0200, false, "it called BIOS INT 1Ah AX=0200h (clock: read the clock) ");
}

static void every_line_fits(void **state)
{
	(void)state;
	for (unsigned vector = 0; vector < 256; vector++)
		for (unsigned ax = 0; ax < 0x10000; ax += vector == 0x15 ? 1 : 0x100)
			for (unsigned instruction = 0; instruction < 2; instruction++)
				assert_true(strlen(describe((uint8_t)vector, (uint16_t)ax,
							    instruction)) < sizeof(text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_is_named_with_its_function_and_what_to_do),
		cmocka_unit_test(an_exception_is_named_as_the_manual_does),
		cmocka_unit_test(an_instruction_is_no_exception),
		cmocka_unit_test(an_interrupt_has_its_number_and_irq),
		cmocka_unit_test(every_line_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
