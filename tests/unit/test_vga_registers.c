/*
 * The registers of a VGA as software writes them and reads them back.
 */
#include "tests/unit/unit.h"

#include "vmm/chip/vga_registers.h"

static struct vga_registers vga;

static int start(void **state)
{
	(void)state;
	memset(&vga, 0xff, sizeof(vga));
	vga_registers_reset(&vga);
	return 0;
}

static uint8_t in(uint16_t port)
{
	return vga_registers_read(&vga, port);
}

static void out(uint16_t port, uint8_t value)
{
	vga_registers_write(&vga, port, value);
}

static uint8_t indexed(uint16_t port, uint8_t index)
{
	out(port, index);
	return in(port + 1);
}

static void set_indexed(uint16_t port, uint8_t index, uint8_t value)
{
	out(port, index);
	out(port + 1, value);
}

static void after_reset_it_is_in_text_mode(void **state)
{
	(void)state;
	assert_int_equal(in(0x3cc), 0x67);
	assert_int_equal(indexed(0x3d4, 0x01), 79);
	assert_int_equal(indexed(0x3d4, 0x09) & 0x1f, 15);
	assert_int_equal(indexed(0x3d4, 0x13), 40);
	assert_int_equal(indexed(0x3ce, 0x06), 0x0e); /* text, B8000h */
	assert_int_equal(indexed(0x3c4, 0x04), 0x02);
	assert_int_equal(in(0x3c6), 0xff);
	assert_int_equal(vga_registers_start(&vga), 0);
	assert_int_equal(vga_registers_cursor(&vga), 0);
	assert_true(vga_registers_has_cursor(&vga));
}

static void indexed_registers_are_kept(void **state)
{
	static const struct {
		uint16_t port;
		uint8_t first, count, bits; /* the index has so many */
	} set[] = {
		{0x3d4, 8, VGA_CRTC_REGISTERS, 0x1f},
		{0x3c4, 0, VGA_SEQUENCER_REGISTERS, 0x07},
		{0x3ce, 0, VGA_GRAPHICS_REGISTERS, 0x0f},
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(set); i++) {
		for (unsigned int index = set[i].first; index < 256; index++)
			set_indexed(set[i].port, index, 0x40 + (index & set[i].bits));
		for (unsigned int index = set[i].first; index <= set[i].bits; index++) {
			assert_int_equal(indexed(set[i].port, index),
					 index < set[i].count ? 0x40 + index : 0);
			assert_int_equal(in(set[i].port), index);
		}
		out(set[i].port, 0xff);
		assert_int_equal(in(set[i].port), set[i].bits);
	}
}

static void start_and_cursor_are_of_the_crt_controller(void **state)
{
	(void)state;
	set_indexed(0x3d4, 0x0c, 0x12);
	set_indexed(0x3d4, 0x0d, 0x34);
	set_indexed(0x3d4, 0x0e, 0x56);
	set_indexed(0x3d4, 0x0f, 0x78);
	assert_int_equal(vga_registers_start(&vga), 0x1234);
	assert_int_equal(vga_registers_cursor(&vga), 0x5678);
	set_indexed(0x3d4, 0x0a, 0x2d);
	assert_false(vga_registers_has_cursor(&vga));
}

static void a_protected_crt_controller_keeps_its_first_registers(void **state)
{
	(void)state;
	for (unsigned int index = 0; index < 8; index++)
		set_indexed(0x3d4, index, 0x00);
	assert_int_equal(indexed(0x3d4, 0x00), 0x5f);
	assert_int_equal(indexed(0x3d4, 0x06), 0xbf);
	assert_int_equal(indexed(0x3d4, 0x07), 0x0f); /* but for bit 4 */
	set_indexed(0x3d4, 0x07, 0xff);
	assert_int_equal(indexed(0x3d4, 0x07), 0x1f);
	set_indexed(0x3d4, 0x11, 0x0e);
	set_indexed(0x3d4, 0x00, 0x12);
	set_indexed(0x3d4, 0x07, 0x34);
	assert_int_equal(indexed(0x3d4, 0x00), 0x12);
	assert_int_equal(indexed(0x3d4, 0x07), 0x34);
}

static void one_bit_says_at_which_ports_the_crt_controller_is(void **state)
{
	(void)state;
	set_indexed(0x3b4, 0x0f, 0x11); /* nothing is there */
	assert_int_equal(in(0x3b4), 0xff);
	assert_int_equal(in(0x3b5), 0xff);
	assert_int_equal(in(0x3ba), 0xff);
	assert_int_equal(vga_registers_cursor(&vga), 0);
	out(0x3c2, 0x66);
	set_indexed(0x3b4, 0x0f, 0x22);
	assert_int_equal(in(0x3b5), 0x22);
	assert_int_equal(in(0x3d5), 0xff);
	assert_int_equal(in(0x3da), 0xff);
	assert_int_not_equal(in(0x3ba), 0xff);
	assert_int_equal(in(0x3cc), 0x66);
	assert_int_equal(in(0x3b0), 0xff);
	assert_int_equal(in(0x3bf), 0xff);
}

static void the_attribute_controller_takes_index_and_data_in_turn(void **state)
{
	(void)state;
	in(0x3da);
	out(0x3c0, 0x03);
	out(0x3c0, 0x2a);
	out(0x3c0, 0x04);
	in(0x3da); /* the next is an index again */
	out(0x3c0, 0x03);
	assert_int_equal(in(0x3c0), 0x03);
	assert_int_equal(in(0x3c1), 0x2a);
	out(0x3c0, 0x05); /* reading has changed nothing: this is data */
	assert_int_equal(in(0x3c1), 0x05);
	out(0x3c0, 0x34);
	assert_int_equal(in(0x3c0), 0x34);
	assert_int_equal(in(0x3c1), 0x00);
	out(0x3c0, 0xff);
	assert_int_equal(in(0x3c1), 0x3f);
	out(0x3c0, 0x1f); /* there is no such register */
	out(0x3c0, 0x3f);
	assert_int_equal(in(0x3c1), 0x00);
}

static void the_retrace_comes_and_goes(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(in(0x3da) ^ in(0x3da), 0x09);
}

static void the_palette_is_written_and_read_in_a_row(void **state)
{
	(void)state;
	out(0x3c8, 0xfe);
	for (unsigned int i = 0; i < 9; i++) /* and round to the first */
		out(0x3c9, 0xc0 + i);
	assert_int_equal(in(0x3c7), 0);
	assert_int_equal(in(0x3c8), 1);
	out(0x3c7, 0xfe);
	assert_int_equal(in(0x3c7), 3);
	for (unsigned int i = 0; i < 9; i++)
		assert_int_equal(in(0x3c9), i);
}

static void the_palette_has_the_colours_of_text(void **state)
{
	static const uint8_t colour[][4] = {
		{0, 0, 0, 0}, {4, 0x2a, 0, 0}, {0x14, 0x2a, 0x15, 0}, {0x3f, 0x3f, 0x3f, 0x3f}};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(colour); i++) {
		out(0x3c7, colour[i][0]);
		for (unsigned int part = 1; part < 4; part++)
			assert_int_equal(in(0x3c9), colour[i][part]);
	}
}

static void other_registers_read_back_elsewhere(void **state)
{
	(void)state;
	out(0x3da, 0x5a);
	assert_int_equal(in(0x3ca), 0x5a);
	out(0x3c6, 0x0f);
	assert_int_equal(in(0x3c6), 0x0f);
	assert_int_equal(in(0x3c2), 0x10);
	assert_int_equal(in(0x3c3), 0xff);
	assert_int_equal(in(0x3d0), 0xff);
}

static void random_accesses_are_harmless(void **state)
{
	uint64_t seed = 80;

	(void)state;
	for (unsigned int i = 0; i < 1000000; i++) {
		uint64_t random = random_next(&seed);
		uint16_t port = VGA_FIRST_PORT + random % VGA_PORTS;

		if (random >> 16 & 1)
			out(port, random >> 32);
		else
			assert_in_range(in(port), 0, 0xff);
	}
}

#define vga_test(name) cmocka_unit_test_setup(name, start)

int main(void)
{
	const struct CMUnitTest tests[] = {
		vga_test(after_reset_it_is_in_text_mode),
		vga_test(indexed_registers_are_kept),
		vga_test(start_and_cursor_are_of_the_crt_controller),
		vga_test(a_protected_crt_controller_keeps_its_first_registers),
		vga_test(one_bit_says_at_which_ports_the_crt_controller_is),
		vga_test(the_attribute_controller_takes_index_and_data_in_turn),
		vga_test(the_retrace_comes_and_goes),
		vga_test(the_palette_is_written_and_read_in_a_row),
		vga_test(the_palette_has_the_colours_of_text),
		vga_test(other_registers_read_back_elsewhere),
		vga_test(random_accesses_are_harmless),
	};

	return cmocka_run_group_tests_name("vga_registers", tests, NULL, NULL);
}
