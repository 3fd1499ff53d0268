#include "tests/unit/unit.h"

#include "lib/console.h"
#include "lib/kept_log.h"
#include "lib/serial.h"
#include "lib/text_screen.h"
#include "tests/unit/ports.h"

#define COLUMNS 40
#define ROWS	4

static char com1[4096], e9[4096];
static size_t com1_length, e9_length, room;
static bool uart_there;
static uint16_t cells[ROWS][COLUMNS];
static _Alignas(64) struct kept_log kept;

uint8_t device_inb(uint16_t port)
{
	(void)port;
	return 0xff;
}

void device_outb(uint16_t port, uint8_t value)
{
	assert_int_equal(port, 0xe9);
	e9[e9_length++] = (char)value;
}

bool serial_init(void)
{
	return uart_there;
}

void serial_write(char c)
{
	com1[com1_length++] = c;
}

bool serial_try_write(char c)
{
	if (!room)
		return false;
	room--;
	serial_write(c);
	return true;
}

void serial_give_up(void)
{
}

int serial_read(void)
{
	return -1;
}

void serial_flush(void)
{
}

static void draw(unsigned int row, unsigned int column, const uint16_t *run, unsigned int count)
{
	memcpy(&cells[row][column], run, count * sizeof(*run));
}

static void drawn(unsigned int row, unsigned int column)
{
	(void)row;
	(void)column;
}

static const struct text_device screen = {COLUMNS, ROWS, COLUMNS, draw, drawn};

#define ALL (CONSOLE_COM1 | CONSOLE_VGA | CONSOLE_FRAMEBUFFER | CONSOLE_E9)

static int start(void **state)
{
	(void)state;
	memset(com1, 0, sizeof(com1));
	memset(e9, 0, sizeof(e9));
	com1_length = e9_length = 0;
	memset(cells, 0, sizeof(cells));
	room = SIZE_MAX;
	uart_there = true;
	kept_log_begin(&kept, 1);
	console_keep(&kept);
	console_hold_screen(false);
	console_set_screen(CONSOLE_FRAMEBUFFER, &screen);
	console_select(ALL);
	return 0;
}

static void expect_row(unsigned int row, const char *text, enum text_colour colour)
{
	for (size_t c = 0; c < strlen(text); c++)
		assert_int_equal(cells[row][c], TEXT_CELL(colour, text[c]));
	assert_int_equal(TEXT_CELL_CHAR(cells[row][strlen(text)]), ' ');
}

static void expect_kept(const char *text)
{
	assert_int_equal(kept_log_check(&kept), KEPT_LOG_WHOLE);
	assert_int_equal(kept_log_length(&kept), strlen(text));
	for (size_t i = 0; text[i]; i++)
		assert_int_equal(kept_log_at(&kept, i), text[i]);
}

static void what_is_logged_is_on_every_device(void **state)
{
	(void)state;
	log_error("no %s", "good");
	record("end status=%u", 1);
	print("text\n");
	assert_string_equal(com1, "ERROR: no good\r\n@end status=1\r\ntext\r\n");
	assert_string_equal(e9, "ERROR: no good\n@end status=1\ntext\n");
	expect_kept(e9);
	expect_row(0, "ERROR: no good", TEXT_ERROR);
	expect_row(1, "@end status=1", TEXT_RECORD);
	expect_row(2, "text", TEXT_PLAIN);
}

static void a_screen_of_the_kind_that_is_not_selected_is_left_alone(void **state)
{
	(void)state;
	console_select(CONSOLE_COM1 | CONSOLE_VGA);
	print("text\n");
	assert_int_equal(cells[0][0], 0);
	console_set_screen(CONSOLE_VGA, &screen);
	console_select(CONSOLE_COM1 | CONSOLE_VGA);
	print("text\n");
	expect_row(0, "text", TEXT_PLAIN);
	assert_string_equal(e9, "");
}

static void a_machine_may_have_no_screen(void **state)
{
	(void)state;
	console_set_screen(CONSOLE_FRAMEBUFFER, NULL);
	console_select(ALL);
	print("text\n");
	assert_string_equal(com1, "text\r\n");
	assert_int_equal(cells[0][0], 0);
	assert_false(console_show());
}

static void a_machine_may_have_a_screen_alone(void **state)
{
	(void)state;
	uart_there = false;
	console_select(CONSOLE_COM1 | CONSOLE_FRAMEBUFFER);
	print("text\n");
	expect_row(0, "text", TEXT_PLAIN);
	assert_string_equal(com1, "");
	assert_false(console_can_read());
	expect_kept("text\n");
}

/* A framebuffer above 4 GiB is mapped later. */
static void a_screen_that_is_held_shows_all_when_it_is_no_more(void **state)
{
	(void)state;
	console_hold_screen(true);
	log_warning("early");
	assert_false(console_show());
	assert_int_equal(cells[0][0], 0);
	console_hold_screen(false);
	print("late\n");
	expect_row(0, "warning: early", TEXT_WARNING);
	expect_row(1, "late", TEXT_PLAIN);
}

static void what_is_sent_in_pieces_is_kept_once_and_coloured_as_a_whole(void **state)
{
	static const char line[] = "ERROR: in pieces\n";
	size_t sent = 0;

	(void)state;
	while (sent < strlen(line)) {
		room = 3;
		sent += console_send(line + sent, strlen(line) - sent);
	}
	while (console_show())
		;
	expect_row(0, "ERROR: in pieces", TEXT_ERROR);
	assert_string_equal(com1, "ERROR: in pieces\r\n");
	expect_kept(line);
}

/* As a panic does. */
static void a_line_that_is_broken_off_does_not_colour_the_next(void **state)
{
	(void)state;
	console_send("ERRO", 4);
	console_write("R: x\n", 5);
	expect_row(0, "ERRO", TEXT_PLAIN);
	expect_row(1, "R: x", TEXT_PLAIN);
	expect_kept("ERRO\nR: x\n");
}

#define console_test(name) cmocka_unit_test_setup(name, start)

int main(void)
{
	const struct CMUnitTest tests[] = {
		console_test(what_is_logged_is_on_every_device),
		console_test(a_screen_of_the_kind_that_is_not_selected_is_left_alone),
		console_test(a_machine_may_have_no_screen),
		console_test(a_machine_may_have_a_screen_alone),
		console_test(a_screen_that_is_held_shows_all_when_it_is_no_more),
		console_test(what_is_sent_in_pieces_is_kept_once_and_coloured_as_a_whole),
		console_test(a_line_that_is_broken_off_does_not_colour_the_next),
	};

	return cmocka_run_group_tests_name("console", tests, NULL, NULL);
}
