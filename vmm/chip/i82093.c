#include "vmm/chip/i82093.h"

#define ID_SHIFT 24
#define ID_MASK	 0x0f
#define VERSION	 0x00170020 /* entries 0 to 17h, no pin assertion register */

#define VECTOR		0x000000ff
#define DELIVERY_SHIFT	8
#define DELIVERY_MASK	7
#define LOGICAL		0x00000800
#define SEND_PENDING	0x00001000
#define POLARITY	0x00002000
#define REMOTE_IRR	0x00004000
#define LEVEL_TRIGGERED 0x00008000
#define MASKED		0x00010000
#define LOW_WRITABLE	(0xfff | POLARITY | LEVEL_TRIGGERED | MASKED)
#define DESTINATION	0xff000000

enum i82093_register {
	IOAPICID,
	IOAPICVER,
	IOAPICARB,
	IOREDTBL = 0x10, /* low and high halves, to 3Fh */
};

static const uint32_t all_pins = (1u << I82093_PINS) - 1;

void i82093_reset(struct i82093 *ioapic, uint8_t id)
{
	*ioapic = (struct i82093){.id = id & ID_MASK, .closed = all_pins};
	for (unsigned int pin = 0; pin < I82093_PINS; pin++)
		ioapic->low[pin] = MASKED;
}

/* The pins that have a message to send. */
static uint32_t due(const struct i82093 *ioapic)
{
	uint32_t levels = ioapic->lines & ioapic->levels & ~ioapic->remote_irr;

	return (levels | ioapic->edges) & ~ioapic->closed;
}

static enum apic_delivery delivery(uint32_t low)
{
	return low >> DELIVERY_SHIFT & DELIVERY_MASK;
}

bool i82093_next_message(struct i82093 *ioapic, struct apic_message *message)
{
	uint32_t pins = due(ioapic);
	unsigned int pin;
	uint32_t bit, low;

	if (!pins)
		return false;
	pin = __builtin_ctz(pins);
	bit = 1u << pin;
	low = ioapic->low[pin];
	ioapic->edges &= ~bit;
	ioapic->remote_irr |= bit & ioapic->levels;
	*message = (struct apic_message){
		.destination = ioapic->high[pin] >> 24,
		.vector = low & VECTOR,
		.delivery = delivery(low),
		.logical = low & LOGICAL,
		.level_triggered = ioapic->levels & bit,
	};
	return true;
}

void i82093_set_line(struct i82093 *ioapic, unsigned int pin, bool level)
{
	uint32_t bit;

	if (pin >= I82093_PINS)
		return;
	bit = 1u << pin;
	if (level) {
		ioapic->edges |= bit & ~(ioapic->lines | ioapic->levels | ioapic->closed);
		ioapic->lines |= bit;
	} else {
		ioapic->lines &= ~bit;
	}
}

void i82093_eoi(struct i82093 *ioapic, uint8_t vector)
{
	for (uint32_t pins = ioapic->remote_irr; pins; pins &= pins - 1) {
		unsigned int pin = __builtin_ctz(pins);

		if ((ioapic->low[pin] & VECTOR) == vector)
			ioapic->remote_irr &= ~(1u << pin);
	}
}

bool i82093_unmasked(const struct i82093 *ioapic, unsigned int pin)
{
	return pin < I82093_PINS && !(ioapic->closed >> pin & 1);
}

static uint32_t with(uint32_t pins, uint32_t bit, bool is)
{
	return is ? pins | bit : pins & ~bit;
}

static void write_low(struct i82093 *ioapic, unsigned int pin, uint32_t value)
{
	uint32_t bit = 1u << pin;
	enum apic_delivery mode = delivery(value);
	bool reserved = mode == APIC_REMOTE_READ || mode == APIC_STARTUP;
	bool has_eoi = mode == APIC_FIXED || mode == APIC_LOWEST_PRIORITY;

	ioapic->low[pin] = value & LOW_WRITABLE;
	ioapic->closed = with(ioapic->closed, bit, value & MASKED || reserved);
	ioapic->levels = with(ioapic->levels, bit, value & LEVEL_TRIGGERED && has_eoi);
	ioapic->edges &= ~(ioapic->closed | ioapic->levels);
	ioapic->remote_irr &= ioapic->levels;
}

static uint32_t read_low(const struct i82093 *ioapic, unsigned int pin)
{
	uint32_t low = ioapic->low[pin];

	if (ioapic->remote_irr >> pin & 1)
		low |= REMOTE_IRR;
	if (due(ioapic) >> pin & 1)
		low |= SEND_PENDING;
	return low;
}

/* The pin whose entry is selected: beyond the table a number that no pin has. */
static unsigned int selected_pin(const struct i82093 *ioapic)
{
	return (ioapic->select - (unsigned int)IOREDTBL) / 2;
}

static uint32_t read_window(const struct i82093 *ioapic)
{
	unsigned int pin = selected_pin(ioapic);

	switch (ioapic->select) {
	case IOAPICID:
	case IOAPICARB: /* takes the value when the ID is written */
		return (uint32_t)ioapic->id << ID_SHIFT;
	case IOAPICVER:
		return VERSION;
	}
	if (pin >= I82093_PINS)
		return 0;
	return ioapic->select & 1 ? ioapic->high[pin] : read_low(ioapic, pin);
}

static void write_window(struct i82093 *ioapic, uint32_t value)
{
	unsigned int pin = selected_pin(ioapic);

	if (ioapic->select == IOAPICID)
		ioapic->id = value >> ID_SHIFT & ID_MASK;
	if (pin >= I82093_PINS)
		return;
	if (ioapic->select & 1)
		ioapic->high[pin] = value & DESTINATION;
	else
		write_low(ioapic, pin, value);
}

uint32_t i82093_read(struct i82093 *ioapic, uint32_t offset)
{
	switch (offset) {
	case I82093_IOREGSEL:
		return ioapic->select;
	case I82093_IOWIN:
		return read_window(ioapic);
	default:
		return 0;
	}
}

void i82093_write(struct i82093 *ioapic, uint32_t offset, uint32_t value)
{
	switch (offset) {
	case I82093_IOREGSEL:
		ioapic->select = value;
		break;
	case I82093_IOWIN:
		write_window(ioapic, value);
		break;
	case I82093_EOI:
		i82093_eoi(ioapic, value);
		break;
	}
}
