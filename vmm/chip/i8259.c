#include "vmm/chip/i8259.h"

#define CASCADE_IRQ 2
#define NONE	    8 /* no line */
#define SPURIOUS    7
#define MASTER_ELCR 0xf8 /* the timer's, the keyboard's and the cascade are edges */
#define SLAVE_ELCR  0xde /* and the clock's and the coprocessor's */

#define ICW1_IC4       0x01
#define ICW1_LTIM      0x08
#define ICW1_SELECT    0x10
#define ICW2_BASE      0xf8
#define ICW4_8086      0x01
#define ICW4_AEOI      0x02
#define ICW4_SFNM      0x10
#define OCW2_LEVEL     0x07
#define OCW3_RIS       0x01
#define OCW3_RR	       0x02
#define OCW3_POLL      0x04
#define OCW3_SELECT    0x08
#define OCW3_SMM       0x20
#define OCW3_ESMM      0x40
#define POLL_REQUEST   0x80
#define COMMAND(value) ((value) >> 5) /* OCW2: R, SL and EOI */

enum expects {
	EXPECTS_ICW1,
	EXPECTS_ICW2,
	EXPECTS_ICW3,
	EXPECTS_ICW4,
	INITIALISED,
};

enum ocw2_command {
	ROTATE_IN_AEOI_CLEAR,
	NONSPECIFIC_EOI,
	NO_OPERATION,
	SPECIFIC_EOI,
	ROTATE_IN_AEOI_SET,
	ROTATE_ON_NONSPECIFIC_EOI,
	SET_PRIORITY,
	ROTATE_ON_SPECIFIC_EOI,
};

void i8259_reset(struct i8259 *pic)
{
	*pic = (struct i8259){.master.cascade = 1 << CASCADE_IRQ};
}

static uint8_t level_triggered(const struct i8259_chip *chip)
{
	return chip->level_mode ? 0xff : chip->elcr;
}

/* A set of lines so turned that bit 0 has the highest priority, and back. */
static unsigned int by_priority(const struct i8259_chip *chip, uint8_t lines)
{
	return (uint8_t)((lines | lines << 8) >> chip->top);
}

static unsigned int highest(const struct i8259_chip *chip, unsigned int turned)
{
	return (__builtin_ctz(turned) + chip->top) & 7;
}

static void put_lowest(struct i8259_chip *chip, unsigned int line)
{
	chip->top = (line + 1) & 7;
}

/* By priority. In special mask mode what is masked counts as if it were not in service. */
static unsigned int in_service(const struct i8259_chip *chip)
{
	return by_priority(chip, chip->special_mask ? chip->isr & ~chip->imr : chip->isr);
}

/* The line that is served next, or NONE. */
static unsigned int next_line(const struct i8259_chip *chip)
{
	unsigned int serving = in_service(chip);
	unsigned int first = serving & -serving;
	unsigned int higher = first - 1; /* than that; all if nothing is in service */
	unsigned int requests = by_priority(chip, chip->irr & ~chip->imr);

	/* the other controller has priorities of its own */
	if (chip->special_fully_nested && first == by_priority(chip, chip->cascade))
		higher |= first;
	requests &= higher;
	return requests && chip->expects == INITIALISED ? highest(chip, requests) : NONE;
}

/* After any change. The cascade's request is the slave's INT, whatever else set or cleared it. */
static void update(struct i8259 *pic)
{
	if (next_line(&pic->slave) != NONE)
		pic->master.irr |= pic->master.cascade;
	else
		pic->master.irr &= ~pic->master.cascade;
	pic->interrupts = next_line(&pic->master) != NONE;
}

/* The line whose service begins, or NONE. */
static unsigned int begin(struct i8259_chip *chip)
{
	unsigned int line = next_line(chip);

	if (line == NONE)
		return NONE;
	chip->irr &= ~(1 << line) | level_triggered(chip);
	if (!chip->automatic_eoi)
		chip->isr |= 1 << line;
	else if (chip->rotates)
		put_lowest(chip, line);
	return line;
}

uint8_t i8259_acknowledge(struct i8259 *pic)
{
	const struct i8259_chip *chip = &pic->master;
	unsigned int line = begin(&pic->master);

	if (line == CASCADE_IRQ) {
		chip = &pic->slave;
		line = begin(&pic->slave);
	}
	update(pic);
	return chip->base | (line == NONE ? SPURIOUS : line);
}

void i8259_set_line(struct i8259 *pic, unsigned int irq, bool level)
{
	struct i8259_chip *chip = irq < 8 ? &pic->master : &pic->slave;
	uint8_t line = 1 << (irq & 7);

	if (irq >= I8259_LINES || !(chip->lines & line) == !level)
		return;
	chip->lines ^= line;
	if (level)
		chip->irr |= line;
	else
		chip->irr &= ~line;
	update(pic);
}

static void end_of_interrupt(struct i8259_chip *chip, unsigned int line, bool rotate)
{
	chip->isr &= ~(1 << line);
	if (rotate)
		put_lowest(chip, line);
}

static void write_ocw2(struct i8259_chip *chip, uint8_t value)
{
	enum ocw2_command command = COMMAND(value);
	unsigned int serving = in_service(chip);

	switch (command) {
	case ROTATE_IN_AEOI_CLEAR:
	case ROTATE_IN_AEOI_SET:
		chip->rotates = command == ROTATE_IN_AEOI_SET;
		break;
	case NONSPECIFIC_EOI:
	case ROTATE_ON_NONSPECIFIC_EOI:
		if (serving)
			end_of_interrupt(chip, highest(chip, serving),
					 command == ROTATE_ON_NONSPECIFIC_EOI);
		break;
	case SPECIFIC_EOI:
	case ROTATE_ON_SPECIFIC_EOI:
		end_of_interrupt(chip, value & OCW2_LEVEL, command == ROTATE_ON_SPECIFIC_EOI);
		break;
	case SET_PRIORITY:
		put_lowest(chip, value & OCW2_LEVEL);
		break;
	case NO_OPERATION:
		break;
	}
}

static void write_ocw3(struct i8259_chip *chip, uint8_t value)
{
	chip->polled = value & OCW3_POLL;
	if (value & OCW3_RR)
		chip->reads_isr = value & OCW3_RIS;
	if (value & OCW3_ESMM)
		chip->special_mask = value & OCW3_SMM;
}

/* What was an edge is forgotten: the line has to rise anew. */
static void write_icw1(struct i8259_chip *chip, uint8_t value)
{
	*chip = (struct i8259_chip){
		.lines = chip->lines,
		.elcr = chip->elcr,
		.base = chip->base,
		.cascade = chip->cascade,
		.expects = EXPECTS_ICW2,
		.level_mode = value & ICW1_LTIM,
		.icw4_needed = value & ICW1_IC4,
	};
	chip->irr = chip->lines & level_triggered(chip);
}

static void write_command(struct i8259_chip *chip, uint8_t value)
{
	if (value & ICW1_SELECT)
		write_icw1(chip, value);
	else if (value & OCW3_SELECT)
		write_ocw3(chip, value);
	else
		write_ocw2(chip, value);
}

static void write_data(struct i8259_chip *chip, uint8_t value)
{
	switch ((enum expects)chip->expects) {
	case EXPECTS_ICW2:
		chip->base = value & ICW2_BASE;
		chip->expects = EXPECTS_ICW3;
		break;
	case EXPECTS_ICW3:
		chip->expects = chip->icw4_needed ? EXPECTS_ICW4 : INITIALISED;
		break;
	case EXPECTS_ICW4:
		chip->automatic_eoi = value & ICW4_AEOI;
		chip->special_fully_nested = value & ICW4_SFNM;
		chip->expects = INITIALISED;
		break;
	case EXPECTS_ICW1:
	case INITIALISED:
		chip->imr = value;
		break;
	}
}

static void write_elcr(struct i8259_chip *chip, uint8_t value)
{
	chip->elcr = value;
	chip->irr |= chip->lines & level_triggered(chip);
}

void i8259_write(struct i8259 *pic, uint16_t port, uint8_t value)
{
	switch (port) {
	case I8259_MASTER:
		write_command(&pic->master, value);
		break;
	case I8259_MASTER + 1:
		write_data(&pic->master, value);
		break;
	case I8259_SLAVE:
		write_command(&pic->slave, value);
		break;
	case I8259_SLAVE + 1:
		write_data(&pic->slave, value);
		break;
	case I8259_ELCR:
		write_elcr(&pic->master, value & MASTER_ELCR);
		break;
	case I8259_ELCR + 1:
		write_elcr(&pic->slave, value & SLAVE_ELCR);
		break;
	default:
		return;
	}
	update(pic);
}

/* A poll command makes of the next read, at either port, an acknowledgement. */
static uint8_t poll(struct i8259 *pic, struct i8259_chip *chip)
{
	unsigned int line = begin(chip);

	chip->polled = false;
	update(pic);
	return line == NONE ? SPURIOUS : POLL_REQUEST | line;
}

static uint8_t read_command(struct i8259 *pic, struct i8259_chip *chip)
{
	if (chip->polled)
		return poll(pic, chip);
	return chip->reads_isr ? chip->isr : chip->irr;
}

static uint8_t read_data(struct i8259 *pic, struct i8259_chip *chip)
{
	return chip->polled ? poll(pic, chip) : chip->imr;
}

uint8_t i8259_read(struct i8259 *pic, uint16_t port)
{
	switch (port) {
	case I8259_MASTER:
		return read_command(pic, &pic->master);
	case I8259_MASTER + 1:
		return read_data(pic, &pic->master);
	case I8259_SLAVE:
		return read_command(pic, &pic->slave);
	case I8259_SLAVE + 1:
		return read_data(pic, &pic->slave);
	case I8259_ELCR:
		return pic->master.elcr;
	case I8259_ELCR + 1:
		return pic->slave.elcr;
	default:
		return 0xff;
	}
}

static void initialise(struct i8259 *pic, uint16_t port, uint8_t base, uint8_t icw3)
{
	i8259_write(pic, port, ICW1_SELECT | ICW1_IC4);
	i8259_write(pic, port + 1, base);
	i8259_write(pic, port + 1, icw3);
	i8259_write(pic, port + 1, ICW4_8086);
	i8259_write(pic, port + 1, 0xff);
}

void i8259_as_firmware_leaves_it(struct i8259 *pic)
{
	i8259_reset(pic);
	initialise(pic, I8259_MASTER, 0x08, 1 << CASCADE_IRQ);
	initialise(pic, I8259_SLAVE, 0x70, CASCADE_IRQ);
}

static bool passes(const struct i8259_chip *chip, unsigned int line)
{
	return chip->expects == INITIALISED && !(chip->imr >> line & 1);
}

bool i8259_unmasked(const struct i8259 *pic, unsigned int irq)
{
	if (irq >= I8259_LINES || irq == CASCADE_IRQ)
		return false;
	if (irq < 8)
		return passes(&pic->master, irq);
	return passes(&pic->master, CASCADE_IRQ) && passes(&pic->slave, irq - 8);
}
