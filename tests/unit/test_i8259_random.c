/*
 * The PC's interrupt controllers against a pair that is written the long way: a line at a time, in
 * the order of its priority, and nothing kept that can be found out anew.
 */
#include "tests/unit/i8259_fixture.h"

#define STEPS 2000000

struct model {
	bool high[8], requested[8], served[8], masked[8], elcr[8];
	bool ltim, ic4, aeoi, rotates, nests_specially, special_mask, reads_isr, polled;
	unsigned int lowest;
	unsigned int icw; /* the next, 5 if there is none to come */
	unsigned int base;
};

static struct model model[2];

static bool level(const struct model *m, unsigned int line)
{
	return m->ltim || m->elcr[line];
}

static int model_next(const struct model *m);

static bool requests(const struct model *m, unsigned int line)
{
	if (m == &model[0] && line == 2)
		return model_next(&model[1]) >= 0;
	return level(m, line) ? m->high[line] : m->requested[line];
}

static int model_next(const struct model *m)
{
	if (m->icw != 5)
		return -1;
	for (unsigned int i = 1; i <= 8; i++) {
		unsigned int line = (m->lowest + i) % 8;
		bool blocks = m->served[line] && !(m->special_mask && m->masked[line]);

		if (blocks && !(m->nests_specially && m == &model[0] && line == 2))
			return -1;
		if (requests(m, line) && !m->masked[line])
			return line;
		if (blocks)
			return -1;
	}
	return -1;
}

static int model_begin(struct model *m)
{
	int line = model_next(m);

	if (line < 0)
		return -1;
	m->requested[line] = level(m, line);
	m->served[line] = !m->aeoi;
	if (m->aeoi && m->rotates)
		m->lowest = line;
	return line;
}

static unsigned int model_acknowledge(void)
{
	int line = model_begin(&model[0]);
	unsigned int base = model[0].base;

	if (line == 2) {
		base = model[1].base;
		line = model_begin(&model[1]);
	}
	return base + (line < 0 ? 7 : line);
}

static void model_line(unsigned int irq, bool is)
{
	struct model *m = &model[irq / 8];

	if (irq == 2)
		return;
	if (!is)
		m->requested[irq % 8] = false;
	else if (!m->high[irq % 8])
		m->requested[irq % 8] = true;
	m->high[irq % 8] = is;
}

static uint8_t model_read(struct model *m, bool data)
{
	uint8_t value = 0;

	if (m->polled) {
		int line = model_begin(m);

		m->polled = false;
		return line < 0 ? 7 : 0x80 + line;
	}
	for (unsigned int line = 0; line < 8; line++) {
		bool is = data		 ? m->masked[line]
			  : m->reads_isr ? m->served[line]
					 : requests(m, line);

		value += is << line;
	}
	return value;
}

static void model_icw1(struct model *m, uint8_t value)
{
	for (unsigned int line = 0; line < 8; line++)
		m->requested[line] = m->served[line] = m->masked[line] = false;
	m->ltim = value & 8;
	m->ic4 = value & 1;
	m->aeoi = m->rotates = m->nests_specially = m->special_mask = false;
	m->reads_isr = m->polled = false;
	m->lowest = 7;
	m->icw = 2;
	for (unsigned int line = 0; line < 8; line++)
		m->requested[line] = level(m, line) && m->high[line];
}

/* The line in service with the highest priority, -1 if there is none. */
static int model_served(const struct model *m)
{
	for (unsigned int i = 1; i <= 8; i++) {
		unsigned int line = (m->lowest + i) % 8;

		if (m->served[line] && !(m->special_mask && m->masked[line]))
			return line;
	}
	return -1;
}

static void model_ocw2(struct model *m, uint8_t value)
{
	bool rotate = value & 0x80, specific = value & 0x40, eoi = value & 0x20;
	int line = specific ? value & 7 : model_served(m);

	if (!eoi && !specific)
		m->rotates = rotate;
	if (eoi && line >= 0)
		m->served[line] = false;
	if (rotate && (eoi || specific) && line >= 0)
		m->lowest = line;
}

static void model_command(struct model *m, uint8_t value)
{
	if (value & 0x10) {
		model_icw1(m, value);
	} else if (value & 8) {
		m->polled = value & 4;
		m->reads_isr = value & 2 ? value & 1 : m->reads_isr;
		m->special_mask = value & 0x40 ? value & 0x20 : m->special_mask;
	} else {
		model_ocw2(m, value);
	}
}

static void model_data(struct model *m, uint8_t value)
{
	if (m->icw == 1 || m->icw == 5) {
		for (unsigned int line = 0; line < 8; line++)
			m->masked[line] = value >> line & 1;
		return;
	}
	if (m->icw == 2)
		m->base = value & 0xf8;
	if (m->icw == 4) {
		m->aeoi = value & 2;
		m->nests_specially = value & 0x10;
	}
	m->icw += m->icw == 3 && !m->ic4 ? 2 : 1;
}

static void model_elcr(struct model *m, uint8_t value)
{
	for (unsigned int line = 0; line < 8; line++) {
		m->elcr[line] = value >> line & 1;
		if (level(m, line) && m->high[line])
			m->requested[line] = true; /* and stays it as an edge */
	}
}

static void write_both(unsigned int which, unsigned int to, uint8_t value)
{
	static const uint16_t port[2] = {MASTER, SLAVE};

	if (to == 0)
		model_command(&model[which], value);
	else if (to == 1)
		model_data(&model[which], value);
	else
		model_elcr(&model[which], value & (which ? 0xde : 0xf8));
	out(to == 2 ? ELCR + which : port[which] + to, value);
}

static void initialise_both(unsigned int which, uint64_t random)
{
	bool ic4 = random & 0x30;

	write_both(which, 0, 0x10 | ic4 | (random & 0x0f ? 0 : 8));
	write_both(which, 1, random >> 8);
	write_both(which, 1, random >> 16);
	if (ic4)
		write_both(which, 1, random & 0x40 ? 1 : random >> 24);
	write_both(which, 1, random >> 32 & random >> 40 & random >> 48);
}

static void step(uint64_t random)
{
	unsigned int which = random & 1;
	unsigned int irq = random >> 1 & 15;
	unsigned int port = which ? SLAVE : MASTER;
	uint8_t value = random >> 8;
	unsigned int what = random >> 16 & 0xff;

	if (what < 96) {
		model_line(irq, value & 1);
		i8259_set_line(&pic, irq, value & 1);
	} else if (what < 136) {
		/* also when nothing interrupts */
		assert_int_equal(model_acknowledge(), i8259_acknowledge(&pic));
	} else if (what < 160) {
		write_both(which, 0, value & 0x80 ? 0x20 : value & 0xe7);
	} else if (what < 176) {
		write_both(which, 0, (value & 0x6f) | 8);
	} else if (what < 184) {
		write_both(which, 1, value & random >> 24);
	} else if (what < 186) {
		write_both(which, 2, value);
	} else if (what < 188) {
		initialise_both(which, random >> 24);
	} else if (what == 188 && (value & 0x0f) == 0) {
		write_both(which, 0, value >> 4 | 0x10); /* and what comes is taken for ICWs */
	} else if (what > 190) {
		bool data = value & 1;

		assert_int_equal(model_read(&model[which], data), in(port + data));
	}
}

static void it_does_what_the_slower_pair_does(void **state)
{
	uint64_t seed = 8259;
	unsigned int interrupts = 0, quiet = 0;

	(void)state;
	i8259_reset(&pic);
	for (unsigned int i = 0; i < 2; i++)
		model[i] = (struct model){.icw = 1, .lowest = 7};
	for (unsigned int i = 0; i < STEPS; i++) {
		uint64_t random = random_next(&seed);
		unsigned int irq = random >> 60;
		bool passes;

		step(random);
		assert_int_equal(i8259_interrupts(&pic), model_next(&model[0]) >= 0);
		*(i8259_interrupts(&pic) ? &interrupts : &quiet) += 1;
		passes = irq < 8 || (model[0].icw == 5 && !model[0].masked[2]);
		assert_int_equal(i8259_unmasked(&pic, irq),
				 irq != 2 && passes && model[irq / 8].icw == 5 &&
					 !model[irq / 8].masked[irq % 8]);
	}
	assert_true(interrupts > STEPS / 8 && quiet > STEPS / 8);
}

/* Whatever is written wherever, sanitizers see to the rest. */
static void any_access_in_any_order_is_defined(void **state)
{
	static const uint16_t ports[] = {MASTER, MASTER_DATA, SLAVE, SLAVE_DATA, ELCR, ELCR_SLAVE};
	uint64_t seed = 231468;

	(void)state;
	for (unsigned int i = 0; i < STEPS; i++) {
		uint64_t random = random_next(&seed);
		uint16_t port = random & 7 ? ports[(random >> 8 & 0xff) % 6] : random >> 8;

		switch (random >> 32 & 3) {
		case 0:
			out(port, random >> 24);
			break;
		case 1:
			in(port);
			break;
		case 2:
			i8259_set_line(&pic, random >> 40 & 31, random >> 45 & 1);
			break;
		case 3:
			if (i8259_interrupts(&pic))
				i8259_acknowledge(&pic);
			break;
		}
		assert_in_range(pic.master.top, 0, 7);
		assert_in_range(pic.slave.top, 0, 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(it_does_what_the_slower_pair_does, start),
		cmocka_unit_test_setup(any_access_in_any_order_is_defined, start),
	};

	return cmocka_run_group_tests_name("i8259_random", tests, NULL, NULL);
}
