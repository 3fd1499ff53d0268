/*
 * vmm/device/bus.c with the devices at it: every port, in every width, against what a guest of the
 * hypervisor has always found there.
 */
#include "tests/unit/unit.h"

#include "lib/console.h"
#include "vmm/device/bus.h"
#include "vmm/vm.h"

#define COM1	  0x3f8
#define COM1_SCR  0x3ff
#define EXIT	  0xf4
#define KEYBOARD  0x64
#define RESET	  0xcf9
#define SCRATCH	  0x5a
#define MCR	  0x3fc
#define LOOPBACK  0x10
#define UNWRITTEN 0x100

static struct vm vm;
static unsigned int ends, resets;
static uint8_t end_status;
static char sent[16];
static size_t sent_count;

void vm_end(struct vm *ended, uint8_t status, const char *cause)
{
	assert_ptr_equal(ended, &vm);
	assert_string_equal(cause, "exit-port");
	end_status = status;
	ends++;
}

void vm_reset(struct vm *reset)
{
	assert_ptr_equal(reset, &vm);
	resets++;
}

void guest_console_write(struct guest_console *console, const char *name, char c)
{
	assert_ptr_equal(console, &vm.console);
	assert_string_equal(name, "g");
	assert_in_range(sent_count, 0, sizeof(sent) - 1);
	sent[sent_count++] = c;
}

static int start(void **state)
{
	(void)state;
	memset(&vm, 0, sizeof(vm));
	strcpy(vm.config.name, "g");
	uart_reset(&vm.uart);
	vm.uart.scr = SCRATCH;
	ends = resets = 0;
	sent_count = 0;
	return 0;
}

static bool is_com1(uint32_t port)
{
	return port >= COM1 && port < COM1 + 8;
}

static void every_port_reads_ones_but_com1(void **state)
{
	(void)state;
	for (uint32_t port = 0; port < 0x10000; port++) {
		for (unsigned int size = 1; size <= 4; size *= 2) {
			uint32_t ones = size == 4 ? 0xffffffff : (1u << 8 * size) - 1;
			uint32_t value = bus_read(&vm, port, size);
			bool answered = is_com1(port) || is_com1(port + size - 1);

			assert_int_equal(vm.unhandled_io, !answered);
			vm.unhandled_io = 0;
			if (!answered)
				assert_int_equal(value, ones);
			assert_int_equal(value & ~ones, 0);
		}
	}
	assert_int_equal(ends + resets + sent_count, 0);
}

static void a_wide_read_has_the_bytes_of_the_ports_that_follow(void **state)
{
	(void)state;
	assert_int_equal(bus_read(&vm, COM1_SCR, 1), SCRATCH);
	assert_int_equal(bus_read(&vm, COM1_SCR, 2), 0xff00 | SCRATCH);
	assert_int_equal(bus_read(&vm, COM1_SCR, 4), 0xffffff00 | SCRATCH);
	assert_int_equal(bus_read(&vm, COM1_SCR - 1, 2), SCRATCH << 8 | 0xb0);
	assert_int_equal(bus_read(&vm, COM1_SCR - 3, 4), SCRATCH << 24 | 0xb06000);
	assert_int_equal(bus_read(&vm, COM1 - 3, 4), 0x00ffffff);
	assert_int_equal(vm.unhandled_io, 0);
}

static void a_wide_write_has_a_byte_for_each_port_that_follows(void **state)
{
	(void)state;
	bus_write(&vm, COM1, 1, 'a');
	bus_write(&vm, COM1 - 1, 2, 'b' << 8 | 0xff);
	bus_write(&vm, COM1 - 3, 4, (uint32_t)'c' << 24 | 0xffffff);
	bus_write(&vm, COM1, 4, 0x03010500 | 'd');
	assert_int_equal(sent_count, 4);
	assert_memory_equal(sent, "abcd", 4);
	assert_int_equal(vm.uart.ier, 5);
	assert_int_equal(vm.uart.fcr, 1);
	assert_int_equal(vm.uart.lcr, 3);
	bus_write(&vm, COM1_SCR, 2, 0x77a5);
	assert_int_equal(vm.uart.scr, 0xa5);
	bus_write(&vm, MCR, 1, LOOPBACK);
	bus_write(&vm, COM1, 1, 'e');
	assert_int_equal(sent_count, 4);
	assert_int_equal(bus_read(&vm, COM1, 1), 'e');
	assert_int_equal(vm.unhandled_io, 0);
}

/* The value at which the access ends the VM; UNWRITTEN: it does not. */
static unsigned int ends_with(uint16_t port, unsigned int size, uint32_t value)
{
	ends = 0;
	bus_write(&vm, port, size, value);
	return ends ? end_status : UNWRITTEN;
}

static void the_exit_port_is_decoded_at_its_own_address_in_any_width(void **state)
{
	(void)state;
	assert_int_equal(ends_with(EXIT, 1, 7), 7);
	assert_int_equal(ends_with(EXIT, 2, 0x1203), 3);
	assert_int_equal(ends_with(EXIT, 4, 0x12345600), 0);
	assert_int_equal(vm.unhandled_io, 0);
	assert_int_equal(ends_with(EXIT - 1, 2, 0x0101), UNWRITTEN);
	assert_int_equal(ends_with(EXIT - 3, 4, 0x01010101), UNWRITTEN);
	assert_int_equal(ends_with(EXIT + 1, 1, 1), UNWRITTEN);
	assert_int_equal(vm.unhandled_io, 3);
}

static bool resets_by(uint16_t port, unsigned int size, uint32_t value)
{
	resets = 0;
	bus_write(&vm, port, size, value);
	return resets;
}

static void a_reset_is_a_byte_to_its_port(void **state)
{
	(void)state;
	for (unsigned int value = 0; value < 0x100; value++) {
		assert_int_equal(resets_by(RESET, 1, value), !!(value & 4));
		assert_int_equal(vm.unhandled_io, 0);
		assert_int_equal(resets_by(KEYBOARD, 1, value), value == 0xfe);
		assert_int_equal(vm.unhandled_io, value != 0xfe);
		vm.unhandled_io = 0;
	}
	assert_false(resets_by(RESET, 2, 0x0606));
	assert_false(resets_by(RESET - 1, 4, 0xffffffff)); /* PCI's address register */
	assert_false(resets_by(RESET, 4, 0xffffffff));
	assert_false(resets_by(KEYBOARD, 2, 0xfefe));
	assert_false(resets_by(KEYBOARD - 1, 2, 0xfefe));
	assert_int_equal(vm.unhandled_io, 5);
}

/* A device of ours answers nowhere else: one access a port, counted. */
static void what_is_written_elsewhere_is_lost_and_counted(void **state)
{
	uint64_t unhandled = 0;

	(void)state;
	for (uint32_t port = 0; port < 0x10000; port++) {
		if (is_com1(port) || port == EXIT || port == KEYBOARD || port == RESET)
			continue;
		bus_write(&vm, port, 1, 0xfe);
		assert_int_equal(vm.unhandled_io, ++unhandled);
		assert_int_equal(vm.unhandled_write, port);
	}
	assert_int_equal(ends + resets + sent_count, 0);
}

/* Port FFFFh is the last: the bytes of a wide access go on at port 0. */
static void ports_wrap(void **state)
{
	(void)state;
	assert_int_equal(bus_read(&vm, 0xffff, 4), 0xffffffff);
	bus_write(&vm, 0xffff, 4, 0xffffffff);
	assert_int_equal(vm.unhandled_io, 2);
	assert_int_equal(vm.unhandled_read, 0xffff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_port_reads_ones_but_com1, start),
		cmocka_unit_test_setup(a_wide_read_has_the_bytes_of_the_ports_that_follow, start),
		cmocka_unit_test_setup(a_wide_write_has_a_byte_for_each_port_that_follows, start),
		cmocka_unit_test_setup(the_exit_port_is_decoded_at_its_own_address_in_any_width,
				       start),
		cmocka_unit_test_setup(a_reset_is_a_byte_to_its_port, start),
		cmocka_unit_test_setup(what_is_written_elsewhere_is_lost_and_counted, start),
		cmocka_unit_test_setup(ports_wrap, start),
	};

	return cmocka_run_group_tests_name("bus", tests, NULL, NULL);
}
