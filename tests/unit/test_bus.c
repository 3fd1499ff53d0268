/*
 * vmm/device/bus.c with the devices at it: every port, in every width, against what is there.
 */
#include "tests/unit/unit.h"

#include "lib/console.h"
#include "vmm/device/bus.h"
#include "vmm/vm.h"

#define COM1	      0x3f8
#define COM1_SCR      0x3ff
#define EXIT	      0xf4
#define KEYBOARD      0x64
#define KEYBOARD_DATA 0x60
#define RESET	      0xcf9
#define SCRATCH	      0x5a
#define MCR	      0x3fc
#define LOOPBACK      0x10
#define OUT2	      0x08 /* lets its interrupt out */
#define UNWRITTEN     0x100
#define TSC_KHZ	      2000000
#define START	      1000000000000ull

static struct vm vm;
static struct vcpu first;
static unsigned int ends, resets;
static const char *expected_cause = "exit-port";
static uint8_t end_status;
static char sent[16];
static size_t sent_count;

void vm_end(struct vm *ended, uint8_t status, const char *cause)
{
	assert_ptr_equal(ended, &vm);
	assert_string_equal(cause, expected_cause);
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

static unsigned int told;
static char last_told[160];

void log_line(enum log_level level, const char *format, ...)
{
	va_list args;

	assert_int_equal(level, LOG_INFO);
	va_start(args, format);
	vsnprintf(last_told, sizeof(last_told), format, args);
	va_end(args);
	told++;
}

static unsigned int changes;

void interrupts_changed(struct vcpu *vcpu)
{
	assert_ptr_equal(vcpu, &first);
	changes++;
}

void interrupts_changed_at_length(struct vcpu *vcpu)
{
	interrupts_changed(vcpu);
}

/* Stands still, but where a test moves it. */
static uint64_t now;

uint64_t fake_rdtsc(void)
{
	return now;
}

static int start(void **state)
{
	static const struct pc_parts parts = {.low = 64 << 20, .seconds = 1700000000};

	(void)state;
	memset(&vm, 0, sizeof(vm));
	strcpy(vm.config.name, "g");
	vm.vcpu[0] = &first;
	now = START;
	pc_init(TSC_KHZ);
	pc_reset(&vm.pc, &parts, now);
	vm.pc.com1.scr = SCRATCH;
	ends = resets = changes = 0;
	sent_count = 0;
	return 0;
}

/* What answers a read, and what takes a byte that is written. */
static const struct range {
	uint16_t first, last;
	bool reads, writes;
} ranges[] = {
	{0x20, 0x21, true, true},   {0x40, 0x43, true, true},	{0x60, 0x61, true, true},
	{0x64, 0x64, true, false},  {0x70, 0x71, true, true},	{0xa0, 0xa1, true, true},
	{0x3b0, 0x3df, true, true}, {0x3f8, 0x3ff, true, true}, {0x4d0, 0x4d1, true, true},
	{0x600, 0x60b, true, true},
};

static bool answers(uint16_t port, bool write)
{
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (port >= ranges[i].first && port <= ranges[i].last)
			return write ? ranges[i].writes : ranges[i].reads;
	return false;
}

/* Of the bytes of an access, whether any has somebody. */
static bool any_answers(uint32_t port, unsigned int size, bool write)
{
	for (unsigned int i = 0; i < size; i++)
		if (answers(port + i, write))
			return true;
	return false;
}

static void a_port_where_nothing_is_reads_ones_and_is_counted(void **state)
{
	(void)state;
	for (uint32_t port = 0; port < 0x10000; port++) {
		for (unsigned int size = 1; size <= 4; size *= 2) {
			uint32_t ones = size == 4 ? 0xffffffff : (1u << 8 * size) - 1;
			uint32_t value = bus_read(&vm, port, size);
			bool answered = any_answers(port, size, false);

			assert_int_equal(vm.unhandled_io, !answered);
			vm.unhandled_io = 0;
			if (!answered)
				assert_int_equal(value, ones);
			assert_int_equal(value & ~ones, 0);
		}
	}
	assert_int_equal(ends + resets + sent_count, 0);
}

/* In what it gives, and in what it leaves behind. */
static void a_wide_read_is_one_of_each_byte(void **state)
{
	static struct pc before, after;

	(void)state;
	for (uint32_t port = 0; port < 0x10000; port++) {
		for (unsigned int size = 2; size <= 4; size *= 2) {
			uint32_t bytes = 0;

			before = vm.pc;
			for (unsigned int i = 0; i < size; i++)
				bytes |= bus_read(&vm, port + i, 1) << 8 * i;
			after = vm.pc;
			vm.pc = before;
			assert_int_equal(bus_read(&vm, port, size), bytes);
			assert_memory_equal(&vm.pc, &after, sizeof(after));
		}
	}
}

/* The bytes are different, and none of them resets or turns off. */
static void a_wide_write_is_one_of_each_byte_that_is_decoded_alone(void **state)
{
	static struct pc before, after;
	uint64_t seed = 7;

	(void)state;
	for (uint32_t port = 0; port < 0x10000; port++) {
		for (unsigned int size = 2; size <= 4; size *= 2) {
			uint32_t value = random_next(&seed) & 0x5f5f5f5f;

			if (port == EXIT)
				continue;
			sent_count = 0;
			before = vm.pc;
			for (unsigned int i = 0; i < size; i++)
				if (answers(port + i, true))
					bus_write(&vm, port + i, 1, value >> 8 * i & 0xff);
			after = vm.pc;
			vm.pc = before;
			bus_write(&vm, port, size, value);
			assert_memory_equal(&vm.pc, &after, sizeof(after));
			assert_int_equal(vm.unhandled_io, !any_answers(port, size, true));
			vm.unhandled_io = 0;
		}
	}
	assert_int_equal(ends + resets, 0);
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
	assert_int_equal(vm.pc.com1.ier, 5);
	assert_int_equal(vm.pc.com1.fcr, 1);
	assert_int_equal(vm.pc.com1.lcr, 3);
	bus_write(&vm, COM1_SCR, 2, 0x77a5);
	assert_int_equal(vm.pc.com1.scr, 0xa5);
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
		/* F1h, F3h ... pulse other lines; D1h awaits the output port's byte */
		assert_int_equal(resets_by(KEYBOARD, 1, value), value >= 0xf0 && !(value & 1));
		i8042_reset(&vm.pc.keyboard);
	}
	assert_int_equal(vm.unhandled_io, 0);
	assert_false(resets_by(RESET, 2, 0x0606));
	assert_false(resets_by(RESET - 1, 4, 0xffffffff)); /* PCI's address register */
	assert_false(resets_by(RESET, 4, 0xffffffff));
	assert_false(resets_by(KEYBOARD, 2, 0xfefe));
	assert_false(resets_by(KEYBOARD - 1, 2, 0xfefe));
	assert_int_equal(vm.unhandled_io, 5);
}

static void the_keyboards_output_port_resets_by_the_line_at_its_bit_0(void **state)
{
	(void)state;
	assert_false(resets_by(KEYBOARD, 1, 0xd1));
	assert_false(resets_by(KEYBOARD_DATA, 1, 0x03));
	assert_false(resets_by(KEYBOARD, 1, 0xd1));
	assert_true(resets_by(KEYBOARD_DATA, 1, 0x02));
}

static void acpi_turns_off_by_the_sleep_type_that_its_tables_name(void **state)
{
	(void)state;
	expected_cause = "power-off";
	bus_write(&vm, ACPI_PM_CONTROL_PORT + 1, 1, 0x20 | 3 << 2);
	assert_int_equal(ends, 0);
	bus_write(&vm, ACPI_PM_CONTROL_PORT, 2, 0x2000 | ACPI_PM_SLP_TYP_S5 << 10);
	assert_int_equal(ends, 1);
	assert_int_equal(end_status, 0);
	expected_cause = "exit-port";
}

/* All four bytes of it at one time. */
static void the_power_management_timer_is_read_as_a_whole(void **state)
{
	uint64_t ticks = 0x00ffffff;

	(void)state;
	now = START + ticks * TSC_KHZ * 1000 / ACPI_PM_HZ + TSC_KHZ * 1000 / ACPI_PM_HZ / 2;
	assert_int_equal(bus_read(&vm, ACPI_PM_TIMER_PORT, 4), ticks);
	assert_int_equal(bus_read(&vm, ACPI_PM_TIMER_PORT, 2), 0xffff);
	assert_int_equal(bus_read(&vm, ACPI_PM_TIMER_PORT + 2, 2), 0xff);
}

/* And the PC's lines are looked at where one may be another. */
static void a_device_that_may_interrupt_tells_of_it(void **state)
{
	(void)state;
	bus_read(&vm, COM1 + 5, 1);
	bus_write(&vm, COM1, 1, 'a');
	bus_read(&vm, 0x40, 1);
	bus_read(&vm, 0x71, 1);
	bus_read(&vm, ACPI_PM_TIMER_PORT, 4);
	bus_write(&vm, COM1_SCR, 1, 1);
	bus_write(&vm, MCR, 1, OUT2);
	assert_int_equal(changes, 0); /* the short ways */
	bus_write(&vm, COM1 + 1, 1, 2);
	bus_write(&vm, MCR, 1, OUT2);
	assert_int_equal(changes, 2);
	assert_true(vm.pc.pic.master.lines & 1 << PC_IRQ_COM1);
	bus_write(&vm, 0x43, 1, 0x34);
	bus_write(&vm, 0x71, 1, 0);
	bus_write(&vm, 0x21, 1, 0xef);
	assert_int_equal(changes, 5);
	assert_true(i8259_interrupts(&vm.pc.pic));
}

/* A device answers nowhere else: one access a port, counted. */
static void what_is_written_elsewhere_is_lost_and_counted(void **state)
{
	uint64_t unhandled = 0;

	(void)state;
	for (uint32_t port = 0; port < 0x10000; port++) {
		if (answers(port, true) || port == EXIT || port == KEYBOARD || port == RESET)
			continue;
		bus_write(&vm, port, 1, 0xfe);
		assert_int_equal(vm.unhandled_io, ++unhandled);
		assert_int_equal(vm.unhandled_write, port);
	}
	assert_int_equal(ends + resets + sent_count + changes, 0);
}

static void the_first_use_of_a_port_is_named_and_the_one_by_which_somebody_waits(void **state)
{
	(void)state;
	told = 0;
	for (unsigned int i = 1; i < 100000; i++)
		bus_read(&vm, 0x510, 1);
	assert_int_equal(told, 1);
	assert_string_equal(last_told, "g: IN at port 0x510, where nothing is");
	bus_write(&vm, 0x510, 1, 0);
	assert_int_equal(told, 2);
	assert_string_equal(last_told,
			    "g: port 0x510, where nothing is, has been accessed 100000 times");
	bus_write(&vm, 0x511, 1, 0);
	assert_string_equal(last_told, "g: OUT at port 0x511, where nothing is");
	for (unsigned int port = 0x1000; port < 0x1100; port++)
		bus_read(&vm, port, 1);
	assert_int_equal(told, 1 + 1 + VM_PORTS_NAMED - 1);
	assert_non_null(strstr(last_told, ": more such ports are not named"));
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
		cmocka_unit_test_setup(a_port_where_nothing_is_reads_ones_and_is_counted, start),
		cmocka_unit_test_setup(a_wide_read_is_one_of_each_byte, start),
		cmocka_unit_test_setup(a_wide_write_is_one_of_each_byte_that_is_decoded_alone,
				       start),
		cmocka_unit_test_setup(a_wide_read_has_the_bytes_of_the_ports_that_follow, start),
		cmocka_unit_test_setup(a_wide_write_has_a_byte_for_each_port_that_follows, start),
		cmocka_unit_test_setup(the_exit_port_is_decoded_at_its_own_address_in_any_width,
				       start),
		cmocka_unit_test_setup(a_reset_is_a_byte_to_its_port, start),
		cmocka_unit_test_setup(the_keyboards_output_port_resets_by_the_line_at_its_bit_0,
				       start),
		cmocka_unit_test_setup(acpi_turns_off_by_the_sleep_type_that_its_tables_name,
				       start),
		cmocka_unit_test_setup(the_power_management_timer_is_read_as_a_whole, start),
		cmocka_unit_test_setup(a_device_that_may_interrupt_tells_of_it, start),
		cmocka_unit_test_setup(what_is_written_elsewhere_is_lost_and_counted, start),
		cmocka_unit_test_setup(
			the_first_use_of_a_port_is_named_and_the_one_by_which_somebody_waits,
			start),
		cmocka_unit_test_setup(ports_wrap, start),
	};

	return cmocka_run_group_tests_name("bus", tests, NULL, NULL);
}
