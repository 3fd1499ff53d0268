#include "tests/unit/unit.h"

#include "lib/font.h"
#include "lib/framebuffer.h"

#define PLAIN	0xc0c0c0u
#define ERROR	0xff6060u
#define PADDING 0xa5 /* what nobody writes */

/* A font in which each line of each glyph is another. */
const uint8_t font[FONT_COUNT][FONT_HEIGHT] = {
	['A' - FONT_FIRST] = {0x80, 0x01, 0xff, 0x00, 0xaa, 0x55, 0x18, 0x81, 1, 2, 3, 4, 5, 6, 7,
			      8},
	['?' - FONT_FIRST] = {0xf0, 0x0f, 0xcc, 0x33},
	['~' - FONT_FIRST] = {1, 2, 4, 8, 16, 32, 64, 128, 255},
};

static struct framebuffer fb;
static const struct text_device *text;
static size_t size;

static struct framebuffer make(uint32_t width, uint32_t height, uint32_t bits, uint32_t pitch)
{
	struct framebuffer framebuffer = {
		.width = width,
		.height = height,
		.bits = bits,
		.pitch = pitch,
		.red = {16, 8},
		.green = {8, 8},
		.blue = {0, 8},
	};

	if (bits == 15) {
		framebuffer.red = (struct framebuffer_field){10, 5};
		framebuffer.green = (struct framebuffer_field){5, 5};
		framebuffer.blue = (struct framebuffer_field){0, 5};
	} else if (bits == 16) {
		framebuffer.red = (struct framebuffer_field){11, 5};
		framebuffer.green = (struct framebuffer_field){5, 6};
		framebuffer.blue = (struct framebuffer_field){0, 5};
	}
	return framebuffer;
}

/* Its memory ends where the last pixel does: AddressSanitizer sees what is beyond. */
static void begin(struct framebuffer framebuffer)
{
	uint32_t bytes = (framebuffer.bits + 7) / 8;

	fb = framebuffer;
	size = (size_t)fb.pitch * (fb.height - 1) + (size_t)fb.width * bytes;
	fb.memory = malloc(size);
	assert_non_null(fb.memory);
	memset(fb.memory, PADDING, size);
	text = framebuffer_text(&fb);
}

static void draw(uint32_t row, uint32_t column, uint16_t cell)
{
	text->draw(row, column, &cell, 1);
}

static void end(void)
{
	free(fb.memory);
}

static uint32_t pixel(uint32_t x, uint32_t y)
{
	uint32_t bytes = (fb.bits + 7) / 8, value = 0;

	memcpy(&value, fb.memory + (size_t)y * fb.pitch + (size_t)x * bytes, bytes);
	return value;
}

static uint32_t part(struct framebuffer_field field, uint32_t rgb, int shift)
{
	uint32_t level = rgb >> shift & 0xff;

	if (field.size > 8)
		return level << (field.size - 8) << field.position;
	return level >> (8 - field.size) << field.position;
}

static uint32_t pixel_of(uint32_t rgb)
{
	return part(fb.red, rgb, 16) | part(fb.green, rgb, 8) | part(fb.blue, rgb, 0);
}

static void expect_glyph(uint32_t x, uint32_t y, uint32_t scale, char c, uint32_t rgb)
{
	for (uint32_t j = 0; j < FONT_HEIGHT * scale; j++) {
		for (uint32_t i = 0; i < FONT_WIDTH * scale; i++) {
			bool ink = font[c - FONT_FIRST][j / scale] & (0x80 >> i / scale);

			assert_int_equal(pixel(x + i, y + j), ink ? pixel_of(rgb) : 0);
		}
	}
}

/* Every byte that is not a pixel of [0, width) x [0, height) is as it was. */
static void expect_untouched(uint32_t width, uint32_t height)
{
	uint32_t bytes = (fb.bits + 7) / 8;

	for (size_t i = 0; i < size; i++)
		if (i / fb.pitch >= height || i % fb.pitch >= (size_t)width * bytes)
			assert_int_equal(fb.memory[i], PADDING);
}

static void each_depth_has_its_pixels(void **state)
{
	static const uint32_t depths[] = {15, 16, 24, 32};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(depths); i++) {
		begin(make(100, 50, depths[i], 411));
		assert_non_null(text);
		assert_int_equal(text->columns, 12);
		assert_int_equal(text->rows, 3);
		assert_int_equal(text->at_once, 8);
		draw(0, 0, TEXT_CELL(TEXT_PLAIN, 'A'));
		draw(2, 11, TEXT_CELL(TEXT_ERROR, '~'));
		text->drawn(2, 11);
		expect_glyph(0, 0, 1, 'A', PLAIN);
		expect_glyph(88, 32, 1, '~', ERROR);
		expect_untouched(96, 48);
		end();
	}
}

static void colours_may_be_anywhere_in_a_pixel_and_of_any_size(void **state)
{
	struct framebuffer framebuffer = make(16, 16, 32, 64);

	(void)state;
	framebuffer.red = (struct framebuffer_field){0, 10};
	framebuffer.green = (struct framebuffer_field){10, 11};
	framebuffer.blue = (struct framebuffer_field){22, 10};
	begin(framebuffer);
	draw(0, 1, TEXT_CELL(TEXT_ERROR, 'A'));
	assert_int_equal(pixel(8, 0), 0xff << 2 | 0x60 << 3 << 10 | 0x60u << 2 << 22);
	expect_glyph(8, 0, 1, 'A', ERROR);
	end();
}

static void a_large_screen_has_large_characters(void **state)
{
	static const struct {
		uint32_t width, height, scale, columns, rows;
	} screens[] = {
		{640, 480, 1, 80, 30},	  {1280, 720, 1, 160, 45},   {1920, 1080, 1, 240, 67},
		{2560, 1440, 2, 160, 45}, {3840, 2160, 3, 160, 45},  {2559, 800, 1, 319, 50},
		{5120, 1440, 2, 320, 45}, {1080, 1920, 1, 135, 120}, {8000, 1000, 1, 320, 62},
		{7680, 4320, 6, 160, 45}, {16000, 9000, 8, 250, 70}, {1200, 4000, 1, 150, 128},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(screens); i++) {
		uint32_t scale = screens[i].scale, right, low;

		begin(make(screens[i].width, screens[i].height, 32, screens[i].width * 4));
		assert_int_equal(text->columns, screens[i].columns);
		assert_int_equal(text->rows, screens[i].rows);
		assert_true(text->at_once >= 1 &&
			    text->at_once * scale * scale * FONT_WIDTH * FONT_HEIGHT <=
				    (scale > 2 ? 8192 : 1024));
		draw(text->rows - 1, text->columns - 1, TEXT_CELL(TEXT_PLAIN, 'A'));
		right = (text->columns - 1) * FONT_WIDTH * scale;
		low = (text->rows - 1) * FONT_HEIGHT * scale;
		expect_glyph(right, low, scale, 'A', PLAIN);
		end();
	}
}

static void what_is_not_printable_is_a_question_mark(void **state)
{
	static const uint8_t odd[] = {0, 9, 31, 127, 128, 255};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		begin(make(8, 16, 24, 24));
		draw(0, 0, TEXT_CELL(TEXT_PLAIN, odd[i]));
		expect_glyph(0, 0, 1, '?', PLAIN);
		end();
	}
}

static void what_cannot_be_drawn_on_is_refused(void **state)
{
	struct framebuffer good = make(640, 480, 32, 2560), bad[12];
	size_t count = 0;

	(void)state;
	assert_non_null(framebuffer_text(&good));
	for (; count < ARRAY_SIZE(bad); count++)
		bad[count] = good;
	bad[0].bits = 8;
	bad[1].bits = 14;
	bad[2].bits = 33;
	bad[3].bits = 0;
	bad[4].width = 7;
	bad[5].height = 15;
	bad[6].pitch = 2559;
	bad[7].red.size = 0;
	bad[8].green = (struct framebuffer_field){25, 8};
	bad[9].blue = (struct framebuffer_field){255, 255};
	bad[10].bits = 16; /* red is beyond */
	bad[11].width = UINT32_MAX;
	for (size_t i = 0; i < count; i++)
		assert_null(framebuffer_text(&bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_depth_has_its_pixels),
		cmocka_unit_test(colours_may_be_anywhere_in_a_pixel_and_of_any_size),
		cmocka_unit_test(a_large_screen_has_large_characters),
		cmocka_unit_test(what_is_not_printable_is_a_question_mark),
		cmocka_unit_test(what_cannot_be_drawn_on_is_refused),
	};

	return cmocka_run_group_tests_name("framebuffer", tests, NULL, NULL);
}
