/*
 * A counter of the 8254 as its data sheet tells it: what happens at each CLK, and at what is
 * written or a gate's edge between two. It knows of no time. Slow, and nothing to share with
 * vmm/chip/i8254_counter.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct i8254_clocked {
	uint8_t control, first;
	bool half_written, gate, out, null;
	bool written;	       /* a count, since the control word */
	bool to_load, trigger; /* at the next CLK */
	bool loaded;
	bool armed;  /* the strobe is to come */
	bool frozen; /* `raw` is read */
	uint16_t raw;
	int32_t cr, ce; /* as numbers */
	int32_t before; /* what is counted was loaded as this */
	bool risen;
};

static inline unsigned int i8254_clocked_mode(const struct i8254_clocked *c)
{
	unsigned int mode = c->control >> 1 & 7;

	return mode > 5 ? mode - 4 : mode;
}

static inline uint16_t i8254_clocked_read(const struct i8254_clocked *c)
{
	uint16_t digits = 0;
	int32_t rest = c->ce % 10000;

	if (c->frozen)
		return c->raw;
	if (!(c->control & 1))
		return c->ce;
	for (unsigned int i = 0; i < 4; i++, rest /= 10)
		digits |= rest % 10 << 4 * i;
	return digits;
}

static inline void i8254_clocked_set_out(struct i8254_clocked *c, bool out)
{
	c->risen |= out && !c->out;
	c->out = out;
}

static inline void i8254_clocked_freeze(struct i8254_clocked *c)
{
	c->raw = i8254_clocked_read(c);
	c->frozen = true;
	c->loaded = c->to_load = c->trigger = false;
}

static inline void i8254_clocked_program(struct i8254_clocked *c, uint8_t control)
{
	i8254_clocked_freeze(c);
	c->control = control;
	c->half_written = c->written = false;
	c->null = true;
	i8254_clocked_set_out(c, i8254_clocked_mode(c) != 0);
}

static inline void i8254_clocked_count(struct i8254_clocked *c, uint16_t raw)
{
	unsigned int mode = i8254_clocked_mode(c);

	c->cr = raw;
	if (c->control & 1)
		c->cr = (raw >> 12) * 1000 + (raw >> 8 & 15) * 100 + (raw >> 4 & 15) * 10 +
			(raw & 15);
	if (raw == 0)
		c->cr = c->control & 1 ? 10000 : 65536;
	c->null = c->written = true;
	if (mode == 0) {
		i8254_clocked_freeze(c);
		i8254_clocked_set_out(c, false);
	}
	if (mode == 0 || mode == 4 || ((mode == 2 || mode == 3) && !c->loaded))
		c->to_load = true;
}

static inline void i8254_clocked_write(struct i8254_clocked *c, uint8_t byte)
{
	switch (c->control >> 4 & 3) {
	case 1:
		i8254_clocked_count(c, byte);
		break;
	case 2:
		i8254_clocked_count(c, byte << 8);
		break;
	default:
		if (c->half_written) {
			c->half_written = false;
			i8254_clocked_count(c, byte << 8 | c->first);
			break;
		}
		c->half_written = true;
		c->first = byte;
		if (i8254_clocked_mode(c) == 0) {
			i8254_clocked_freeze(c);
			i8254_clocked_set_out(c, false);
		}
	}
}

static inline void i8254_clocked_gate(struct i8254_clocked *c, bool gate)
{
	unsigned int mode = i8254_clocked_mode(c);

	if (gate && !c->gate && mode != 0 && mode != 4 && c->written)
		c->trigger = true;
	if (!gate && c->gate && (mode == 2 || mode == 3))
		i8254_clocked_set_out(c, true);
	c->gate = gate;
}

static inline void i8254_clocked_load(struct i8254_clocked *c)
{
	c->ce = c->before = c->cr;
	if (i8254_clocked_mode(c) == 3)
		c->ce &= ~1;
	c->null = c->to_load = c->trigger = c->frozen = false;
	c->loaded = c->armed = true;
}

/* Down by one; from 0 to the highest count. */
static inline void i8254_clocked_down(struct i8254_clocked *c)
{
	if (c->ce == 0)
		c->ce = c->control & 1 ? 10000 : 65536;
	c->ce--;
}

static inline void i8254_clocked_strobe(struct i8254_clocked *c)
{
	i8254_clocked_down(c);
	i8254_clocked_set_out(c, !(c->armed && c->ce == 0));
	if (c->ce == 0)
		c->armed = false;
}

static inline void i8254_clocked_rate(struct i8254_clocked *c)
{
	if (c->ce == 1)
		i8254_clocked_load(c);
	else
		i8254_clocked_down(c);
	i8254_clocked_set_out(c, c->ce != 1 || c->before == 1);
}

static inline void i8254_clocked_square(struct i8254_clocked *c)
{
	int32_t last = c->out && (c->before & 1) ? 0 : 2;
	bool whole = !c->out || c->before == 1; /* 1 has no low half */

	if (c->ce != last) {
		c->ce -= 2;
		return;
	}
	i8254_clocked_load(c);
	i8254_clocked_set_out(c, whole || c->before == 1);
}

static inline void i8254_clocked_clk(struct i8254_clocked *c)
{
	unsigned int mode = i8254_clocked_mode(c);

	if (c->to_load || c->trigger) {
		i8254_clocked_load(c);
		i8254_clocked_set_out(c, mode >= 2);
		return;
	}
	if (!c->loaded || (!c->gate && mode != 1 && mode != 5))
		return;
	switch (mode) {
	case 0:
	case 1:
		i8254_clocked_down(c);
		i8254_clocked_set_out(c, c->out || c->ce == 0);
		break;
	case 2:
		i8254_clocked_rate(c);
		break;
	case 3:
		i8254_clocked_square(c);
		break;
	default:
		i8254_clocked_strobe(c);
	}
}
