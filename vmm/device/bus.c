#include "vmm/device/bus.h"

#include <stdbool.h>
#include <stddef.h>

#include "vmm/device/com1.h"
#include "vmm/device/reset.h"
#include "vmm/vm.h"

/* Not decoded as a whole: each byte of a write is one for the port that it falls on. */
#define BYTEWISE 0

/* name, first port, ports, widths of a write that is decoded as a whole, read, write */
#define DEVICES(X)                                                                                 \
	X(KEYBOARD, KEYBOARD_PORT, 1, 1, NULL, keyboard_write)                                     \
	X(EXIT, EXIT_PORT, 1, 1 | 2 | 4, NULL, exit_port_write)                                    \
	X(COM1, COM1_PORT, UART_PORTS, BYTEWISE, com1_read, com1_write)                            \
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

/* Also one byte, where nothing is. Apart, so that bus_read() has no registers to save. */
__attribute__((noinline)) static uint32_t read_wide(struct vm *vm, uint16_t port, unsigned int size)
{
	uint32_t value = 0;
	bool handled = false;

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
		vm->unhandled_io++;
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
		vm->unhandled_io++;
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
