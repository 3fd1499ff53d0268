/*
 * vmm/device/screen.c: when a guest's text page is looked at, and where its lines go. What is a
 * line is test_vga_text's.
 */
#include "tests/unit/unit.h"

#include "vmm/device/screen.h"
#include "vmm/vm.h"

#define PAGE_BYTES (VGA_TEXT_CELLS * sizeof(uint16_t))
#define WHITE	   0x0700
#define SCANS	   20

static struct vm vm;
static uint16_t *page;
static char shown[4096];
static size_t shown_count;

void guest_console_write(struct guest_console *console, const char *name, char c)
{
	assert_ptr_equal(console, &vm.screen);
	assert_string_equal(name, "g");
	assert_in_range(shown_count, 0, sizeof(shown) - 2);
	shown[shown_count++] = c;
	shown[shown_count] = '\0';
}

static void draw(unsigned int row, unsigned int column, const char *text)
{
	uint16_t *cell = page + row * VGA_TEXT_COLUMNS + column;

	while (*text)
		*cell++ = WHITE | (unsigned char)*text++;
}

/* The cursor tells which row is still being written. */
static void move_cursor(unsigned int row)
{
	unsigned int at = row * VGA_TEXT_COLUMNS;

	screen_write(&vm, 0x3d4, 0x0e);
	screen_write(&vm, 0x3d5, at >> 8);
	screen_write(&vm, 0x3d4, 0x0f);
	screen_write(&vm, 0x3d5, at & 0xff);
}

static void set_start(unsigned int row)
{
	unsigned int at = row * VGA_TEXT_COLUMNS;

	screen_write(&vm, 0x3d4, 0x0c);
	screen_write(&vm, 0x3d5, at >> 8);
	screen_write(&vm, 0x3d4, 0x0d);
	screen_write(&vm, 0x3d5, at & 0xff);
}

static void scan(unsigned int times)
{
	while (times--)
		screen_scan(&vm);
}

static void expect(const char *text)
{
	assert_string_equal(shown, text);
	shown_count = 0;
	shown[0] = '\0';
}

static int start(void **state)
{
	(void)state;
	memset(&vm, 0, sizeof(vm));
	strcpy(vm.config.name, "g");
	page = calloc(1, PAGE_BYTES);
	vm.ram.count = 1;
	vm.ram.extent[0] = (struct guest_extent){VGA_TEXT_PAGE, PAGE_BYTES, (uint8_t *)page};
	vga_text_reset(&vm.pc.screen);
	shown_count = 0;
	shown[0] = '\0';
	return 0;
}

static int end(void **state)
{
	(void)state;
	free(page);
	return 0;
}

static void a_line_comes_out_once(void **state)
{
	(void)state;
	draw(0, 0, "hello");
	move_cursor(1);
	scan(SCANS);
	expect("hello\n");
	draw(1, 0, "world");
	move_cursor(2);
	scan(SCANS);
	expect("world\n");
}

/* A cell that is not looked at any more: its page is another's from then on. */
static void a_screen_that_stands_still_is_not_scanned(void **state)
{
	struct vga_text before;

	(void)state;
	draw(0, 0, "hello");
	move_cursor(1);
	scan(SCANS);
	before = vm.pc.screen;
	memset(vm.pc.screen.seen, 'x', sizeof(vm.pc.screen.seen));
	memset(vm.pc.screen.given, 'y', sizeof(vm.pc.screen.given));
	expect("hello\n");
	scan(SCANS);
	expect("");
	assert_int_equal(vm.pc.screen.seen[0][0], 'x');
	vm.pc.screen = before;
}

static void one_character_anywhere_has_it_scanned_again(void **state)
{
	(void)state;
	for (unsigned int row = 0; row < VGA_TEXT_ROWS - 1; row++) {
		for (unsigned int column = 0; column < VGA_TEXT_COLUMNS; column += 7) {
			scan(SCANS);
			memset(vm.pc.screen.seen, 'x', sizeof(vm.pc.screen.seen));
			draw(row, column, "#");
			scan(1);
			assert_int_not_equal(vm.pc.screen.seen[0][0], 'x');
			shown_count = 0;
		}
	}
}

/* Rows that are above and below of what is shown are in the page all the same. */
static void a_screen_that_scrolls_by_its_start_is_scanned_again(void **state)
{
	(void)state;
	draw(0, 0, "first");
	move_cursor(1);
	scan(SCANS);
	expect("first\n");
	for (unsigned int row = 1; row < 2 * VGA_TEXT_ROWS; row++) {
		char line[16], expected[20];

		snprintf(line, sizeof(line), "line %u", row);
		snprintf(expected, sizeof(expected), "%s\n", line);
		draw(row, 0, line);
		if (row >= VGA_TEXT_ROWS - 1)
			set_start(row - VGA_TEXT_ROWS + 2);
		move_cursor(row + 1);
		scan(SCANS);
		expect(expected);
	}
}

/* As far as a word of the page is, and as a sum that turns by one is again where it was. */
static void a_line_that_has_moved_has_it_scanned_again(void **state)
{
	(void)state;
	for (unsigned int row = 1; row < VGA_TEXT_ROWS - 1; row++) {
		draw(0, 0, "moves");
		memset(page + row * VGA_TEXT_COLUMNS, 0, 5 * sizeof(uint16_t));
		scan(SCANS);
		memset(page, 0, 5 * sizeof(uint16_t));
		draw(row, 0, "moves");
		memset(vm.pc.screen.seen, 'x', sizeof(vm.pc.screen.seen));
		scan(1);
		assert_int_not_equal(vm.pc.screen.seen[0][0], 'x');
		shown_count = 0;
	}
}

/* The page is a ring. */
static void a_screen_that_goes_over_the_end_of_the_page_is_whole(void **state)
{
	unsigned int last = VGA_TEXT_CELLS - 1;

	(void)state;
	screen_write(&vm, 0x3d4, 0x0c);
	screen_write(&vm, 0x3d5, last >> 8);
	screen_write(&vm, 0x3d4, 0x0d);
	screen_write(&vm, 0x3d5, last & 0xff);
	scan(SCANS);
	draw(0, VGA_TEXT_COLUMNS - 1, "over"); /* shown row 1 */
	scan(SCANS);
	expect("over\n");
}

/*
 * Scrolled by its start the shown rows lie beyond the first 25: what changes there without the
 * start is looked at too.
 */
static void what_is_drawn_behind_a_start_that_stays_comes_out(void **state)
{
	(void)state;
	set_start(40);
	draw(40, 0, "one");
	move_cursor(41);
	scan(SCANS);
	expect("one\n");
	draw(41, 0, "two");
	move_cursor(42);
	scan(SCANS);
	expect("two\n");
}

static void the_end_shows_what_did_not_come_out(void **state)
{
	(void)state;
	draw(0, 0, "done");
	draw(1, 0, "prompt>");
	move_cursor(1);
	scan(1);
	assert_true(screen_flush(&vm));
	expect("done\nprompt>\n");
	assert_true(screen_flush(&vm));
	expect("");
}

/* It is looked at again after as much as there has to be room for. */
static void an_end_of_a_full_screen_is_not_all_at_once(void **state)
{
	char text[2] = "a";

	(void)state;
	for (unsigned int row = 0; row < VGA_TEXT_ROWS; row++, text[0]++)
		draw(row, 0, text);
	assert_false(screen_flush(&vm));
	assert_int_equal(vm.screen_still, 0);
	expect("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm\nn\no\np\nq\nr\ns\nt\nu\nv\nw\nx\ny\n");
	assert_true(screen_flush(&vm));
	expect("");
}

static void a_guest_without_that_memory_has_no_screen(void **state)
{
	(void)state;
	vm.ram.extent[0].gpa = 0;
	vm.ram.extent[0].size = PAGE_BYTES - 1;
	draw(0, 0, "hello");
	move_cursor(1);
	scan(SCANS);
	screen_flush(&vm);
	expect("");
}

#define screen_test(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		screen_test(a_line_comes_out_once),
		screen_test(a_screen_that_stands_still_is_not_scanned),
		screen_test(one_character_anywhere_has_it_scanned_again),
		screen_test(a_screen_that_scrolls_by_its_start_is_scanned_again),
		screen_test(a_line_that_has_moved_has_it_scanned_again),
		screen_test(a_screen_that_goes_over_the_end_of_the_page_is_whole),
		screen_test(what_is_drawn_behind_a_start_that_stays_comes_out),
		screen_test(the_end_shows_what_did_not_come_out),
		screen_test(an_end_of_a_full_screen_is_not_all_at_once),
		screen_test(a_guest_without_that_memory_has_no_screen),
	};

	return cmocka_run_group_tests_name("screen", tests, NULL, NULL);
}
