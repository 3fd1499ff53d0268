#include "vmm/device/bus.h"

#include <stdbool.h>
#include <stddef.h>

#include "lib/console.h"
#include "vmm/device/acpi.h"
#include "vmm/device/com1.h"
#include "vmm/device/keyboard.h"
#include "vmm/device/pic.h"
#include "vmm/device/pit.h"
#include "vmm/device/reset.h"
#include "vmm/device/rtc.h"
#include "vmm/device/screen.h"
#include "vmm/vm.h"

#define UNANSWERED_MANY 100000 /* accesses to a port */

/* Not decoded as a whole: each byte of a write is one for the port that it falls on. */
#define BYTEWISE 0

/* name, first port, ports, widths of a write that is decoded as a whole, read, write */
#define DEVICES(X)                                                                                 \
	X(PIC_MASTER, I8259_MASTER, 2, BYTEWISE, pic_read, pic_write)                              \
	X(PIT, I8254_PORT, I8254_PORTS, BYTEWISE, pit_read, pit_write)                             \
	X(KEYBOARD, I8042_DATA_PORT, 1, BYTEWISE, keyboard_read, keyboard_write)                   \
	X(SYSTEM_CONTROL, SYSTEM_CONTROL_PORT, 1, BYTEWISE, pit_read, pit_write)                   \
	X(KEYBOARD_COMMAND, I8042_COMMAND_PORT, 1, 1, keyboard_read, keyboard_write)               \
	X(RTC, MC146818_PORT, MC146818_PORTS, BYTEWISE, rtc_read, rtc_write)                       \
	X(PIC_SLAVE, I8259_SLAVE, 2, BYTEWISE, pic_read, pic_write)                                \
	X(EXIT, EXIT_PORT, 1, 1 | 2 | 4, NULL, exit_port_write)                                    \
	X(SCREEN, VGA_FIRST_PORT, VGA_PORTS, BYTEWISE, screen_read, screen_write)                  \
	X(COM1, COM1_PORT, UART_PORTS, BYTEWISE, com1_read, com1_write)                            \
	X(ELCR, I8259_ELCR, 2, BYTEWISE, pic_read, pic_write)                                      \
	X(ACPI, ACPI_PM_PORT, ACPI_PM_PORTS, BYTEWISE, acpi_read, acpi_write)                      \
	X(RESET_CONTROL, RESET_CONTROL_PORT, 1, 1, NULL, reset_control_write)

struct device {
	uint32_t (*read)(struct vm *vm, uint16_t port); /* a byte; NULL: nothing answers */
	void (*write)(struct vm *vm, uint16_t port, uint32_t value);
	uint8_t whole;
};

enum device_number {
	NOTHING,
#define X(name, first, count, whole, read, write) DEVICE_##name,
	DEVICES(X)
#undef X
};

static const struct device devices[] = {
#define X(name, first, count, whole, read, write) [DEVICE_##name] = {read, write, whole},
	DEVICES(X)
#undef X
};

/*
 * By port, so that the way to a device does not grow with their number. There is none above. The
 * compiler refuses ranges that overlap.
 */
#define PORTS 0x1000

static const uint8_t device_at_port[PORTS] = {
#define X(name, first, count, whole, read, write) [first... first + count - 1] = DEVICE_##name,
	DEVICES(X)
#undef X
};

static const struct device *device_at(uint32_t port)
{
	unsigned int number = NOTHING; /* whose row is all zeros */

	if (port < PORTS)
		number = device_at_port[port];
	return &devices[number];
}

/* The first access to a port is named, and the one by which somebody waits there for ever. */
static void nobody(struct vm *vm, uint16_t port, const char *instruction)
{
	struct unanswered *ports = vm->unanswered;
	unsigned int i = 0;

	vm->unhandled_io++;
	while (i < VM_PORTS_NAMED && ports[i].count && ports[i].port != port)
		i++;
	if (i == VM_PORTS_NAMED)
		return;
	ports[i].port = port;
	if (++ports[i].count == 1)
		log_info("%s: %s at port 0x%x, where nothing is%s", vm->config.name, instruction,
			 port, i + 1 == VM_PORTS_NAMED ? ": more such ports are not named" : "");
	else if (ports[i].count == UNANSWERED_MANY)
		log_info("%s: port 0x%x, where nothing is, has been accessed %u times",
			 vm->config.name, port, UNANSWERED_MANY);
}

/* Also one byte, where nothing is. Apart, so that bus_read() has no registers to save. */
__attribute__((noinline)) static uint32_t read_wide(struct vm *vm, uint16_t port, unsigned int size)
{
	uint32_t value = 0;
	bool handled = false;

	if (device_at(port)->read == acpi_read)
		return acpi_read_wide(vm, port, size);
	for (unsigned int i = 0; i < size; i++) {
		const struct device *device = device_at(port + i);
		uint32_t byte = 0xff;

		if (device->read) {
			byte = device->read(vm, port + i);
			handled = true;
		}
		value |= byte << 8 * i;
	}
	if (!handled) {
		nobody(vm, port, "IN");
		vm->unhandled_read = port;
	}
	return value;
}

uint32_t bus_read(struct vm *vm, uint16_t port, unsigned int size)
{
	const struct device *device = device_at(port);

	if (size == 1 && device->read)
		return device->read(vm, port);
	return read_wide(vm, port, size);
}

__attribute__((noinline)) static void write_wide(struct vm *vm, uint16_t port, unsigned int size,
						 uint32_t value)
{
	uint32_t at = port, end = at + size;
	bool handled = false;

	do {
		const struct device *device = device_at(at);

		if (device->write && device->whole == BYTEWISE) {
			device->write(vm, at, value & 0xff);
			handled = true;
		}
		value >>= 8;
	} while (++at != end);
	if (!handled) {
		nobody(vm, port, "OUT");
		vm->unhandled_write = port;
	}
}

void bus_write(struct vm *vm, uint16_t port, unsigned int size, uint32_t value)
{
	const struct device *device = device_at(port);

	if (device->write && (size == 1 || (device->whole & size)))
		device->write(vm, port, value);
	else
		write_wide(vm, port, size, value);
}
