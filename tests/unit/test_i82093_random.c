/* The I/O APIC against one that is written the long way, a pin at a time. */
#include "tests/unit/unit.h"

#include "vmm/chip/i82093.h"

#define STEPS 2000000
#define PINS  I82093_PINS

struct pin {
	uint32_t low, high; /* as last written */
	bool line, edge, remote_irr;
};

static struct i82093 ioapic;
static struct pin pins[PINS];
static uint8_t id, selected;

static unsigned int mode(const struct pin *pin)
{
	return pin->low >> 8 & 7;
}

static bool masked(const struct pin *pin)
{
	return (pin->low & 0x10000) || mode(pin) == 3 || mode(pin) == 6;
}

static bool level(const struct pin *pin)
{
	return (pin->low & 0x8000) && mode(pin) < 2;
}

static bool due(const struct pin *pin)
{
	if (masked(pin))
		return false;
	return level(pin) ? pin->line && !pin->remote_irr : pin->edge;
}

static void write_pin(struct pin *pin, bool high, uint32_t value)
{
	if (high) {
		pin->high = value;
		return;
	}
	pin->low = value;
	if (masked(pin) || level(pin))
		pin->edge = false;
	if (!level(pin))
		pin->remote_irr = false;
}

static uint32_t read_pin(const struct pin *pin, bool high)
{
	if (high)
		return pin->high & 0xff000000;
	return (pin->low & 0x1afff) | (uint32_t)due(pin) << 12 | (uint32_t)pin->remote_irr << 14;
}

static void write_window(uint32_t value)
{
	if (selected == 0)
		id = value >> 24 & 15;
	if (selected >= 0x10 && selected < 0x10 + 2 * PINS)
		write_pin(&pins[selected / 2 - 8], selected % 2, value);
}

static uint32_t window(void)
{
	if (selected == 0 || selected == 2)
		return (uint32_t)id << 24;
	if (selected == 1)
		return 0x00170020;
	if (selected < 0x10 || selected >= 0x10 + 2 * PINS)
		return 0;
	return read_pin(&pins[selected / 2 - 8], selected % 2);
}

static void end(uint8_t vector)
{
	for (unsigned int i = 0; i < PINS; i++)
		if (level(&pins[i]) && (pins[i].low & 0xff) == vector)
			pins[i].remote_irr = false;
}

static void set_line(unsigned int i, bool is)
{
	struct pin *pin = &pins[i];

	if (is && !pin->line && !masked(pin) && !level(pin))
		pin->edge = true;
	pin->line = is;
}

/* One message, if there is one, is that of the first pin. True if there was. */
static bool compare_message(void)
{
	struct apic_message message;
	bool is = i82093_next_message(&ioapic, &message);

	for (unsigned int i = 0; i < PINS; i++) {
		struct pin *pin = &pins[i];

		if (!due(pin))
			continue;
		assert_true(is);
		assert_int_equal(message.vector, pin->low & 0xff);
		assert_int_equal(message.delivery, mode(pin));
		assert_int_equal(message.destination, pin->high >> 24);
		assert_int_equal(message.logical, !!(pin->low & 0x800));
		assert_int_equal(message.level_triggered, level(pin));
		assert_int_equal(message.shorthand, APIC_NO_SHORTHAND);
		pin->edge = false;
		pin->remote_irr = level(pin);
		return true;
	}
	assert_false(is);
	return false;
}

/* Mostly an entry that is unmasked, with one of a few vectors. */
static uint32_t random_entry(uint64_t random)
{
	uint32_t low = random & 0xfffef803;

	if (random >> 32 & 1)
		low |= random & 0x700;
	return random >> 33 & 3 ? low : low | 0x10000;
}

static void step(uint64_t random)
{
	unsigned int pin = (random & 0xff) % PINS;
	uint64_t rest = random >> 16;

	switch (random >> 8 & 15) {
	case 0:
	case 1:
		selected = rest & 7 ? 0x10 + 2 * pin + (rest & 8 ? 1 : 0) : rest >> 8;
		i82093_write(&ioapic, I82093_IOREGSEL, selected);
		break;
	case 2:
		write_window(random_entry(rest));
		i82093_write(&ioapic, I82093_IOWIN, random_entry(rest));
		break;
	case 3:
		end(rest & 3);
		if (rest & 4)
			i82093_eoi(&ioapic, rest & 3);
		else
			i82093_write(&ioapic, I82093_EOI, (rest & 0xffffff03));
		break;
	default:
		set_line(pin, rest & 1);
		i82093_set_line(&ioapic, pin, rest & 1);
		break;
	}
}

static void it_does_what_the_slower_one_does(void **state)
{
	uint64_t seed = 82093;
	unsigned int messages = 0;

	(void)state;
	i82093_reset(&ioapic, 0);
	for (unsigned int i = 0; i < PINS; i++)
		pins[i].low = 0x10000;
	for (unsigned int i = 0; i < STEPS; i++) {
		uint64_t random = random_next(&seed);
		unsigned int pin = (random >> 40 & 0xff) % PINS;

		step(random);
		assert_int_equal(i82093_unmasked(&ioapic, pin), !masked(&pins[pin]));
		assert_int_equal(i82093_read(&ioapic, I82093_IOREGSEL), selected);
		assert_int_equal(i82093_read(&ioapic, I82093_IOWIN), window());
		if (random >> 62)
			messages += compare_message();
	}
	assert_true(messages > STEPS / 16);
}

/* A guest that writes what it likes gets no endless row of messages. */
static void any_access_in_any_order_ends_in_no_message(void **state)
{
	uint64_t seed = 290566;

	(void)state;
	i82093_reset(&ioapic, 0);
	for (unsigned int i = 0; i < STEPS; i++) {
		uint64_t random = random_next(&seed);
		uint32_t offset = random & 7 ? random >> 8 & 0x50 : random >> 8;
		uint32_t value = random >> 32;
		unsigned int messages = 0;
		struct apic_message message;

		switch (random >> 3 & 3) {
		case 0:
			i82093_write(&ioapic, offset, value);
			break;
		case 1:
			i82093_read(&ioapic, offset);
			break;
		case 2:
			i82093_set_line(&ioapic, value & 31, value >> 5 & 1);
			break;
		case 3:
			i82093_eoi(&ioapic, value);
			break;
		}
		while (i82093_next_message(&ioapic, &message))
			assert_true(++messages <= PINS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_does_what_the_slower_one_does),
		cmocka_unit_test(any_access_in_any_order_ends_in_no_message),
	};

	return cmocka_run_group_tests_name("i82093_random", tests, NULL, NULL);
}
