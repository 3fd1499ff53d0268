/*
 * One of the three counters of an 8254: its count and its OUT in the six modes (Intel 8254 data
 * sheet, "Mode Definitions" and "Operation Common to All Modes"). How bytes get in and out of it is
 * vmm/chip/i8254.h's.
 *
 * Time is in periods of CLK since any moment. A counter is followed up to a time by
 * i8254_counter_advance(); all else means that moment. It never goes back, and how far it is taken
 * at once makes no difference in work. Whatever is written, the modes 2 and 3 have a period of 1 to
 * 65536; that of 1, which the data sheet does not allow, leaves OUT high.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define I8254_NEVER UINT64_MAX

struct i8254_counter {
	uint64_t seen;	  /* followed up to here */
	uint64_t start;	  /* when the count in use, or its present period, began */
	uint64_t held;	  /* periods of CLK counted, while it stands still */
	uint64_t load_at; /* when `initial` comes into use, or I8254_NEVER */
	uint32_t count;	  /* in use; 0: none since the control word */
	uint32_t initial; /* last written */
	uint16_t stale;	  /* read while none is in use */
	uint8_t control;  /* bits 5:0 of the last control word */
	uint8_t mode;	  /* 0 to 5, of that */
	bool written;	  /* since the control word */
	bool null_count;  /* what was written is not in use yet */
	enum {
		I8254_LOAD_NOW,
		I8254_LOAD_AT_END,  /* of a period */
		I8254_LOAD_AT_HALF, /* of a square wave: its low half begins */
	} load;
	bool running; /* the count in use, by each CLK */
	bool gate;
	bool rose; /* OUT did; the user clears it. Of a counter whose gate stays high */
};

/* Its count begins again by itself: modes 2 and 3. */
static inline bool i8254_counter_is_periodic(const struct i8254_counter *counter)
{
	return counter->control & 4;
}

/* Of a control word, from 0 to 5: 6 and 7 are 2 and 3. */
static inline unsigned int i8254_mode_of(uint8_t control)
{
	unsigned int mode = control >> 1 & 7;

	return mode & 2 ? mode & 3 : mode;
}

/* A control word: bits 5:0 of it. */
void i8254_counter_program(struct i8254_counter *counter, uint8_t control);
/* The first of two bytes of a count. */
void i8254_counter_begin_write(struct i8254_counter *counter);
/* A count is written: 16 bits, binary or BCD as the control word says. */
void i8254_counter_write(struct i8254_counter *counter, uint16_t count);
void i8254_counter_set_gate(struct i8254_counter *counter, bool gate);
void i8254_counter_advance(struct i8254_counter *counter, uint64_t time);

/* The same, short where the count in use goes on and does not come to its end. */
static inline void i8254_counter_follow(struct i8254_counter *counter, uint64_t time)
{
	if (time > counter->seen && time < counter->load_at && counter->running &&
	    time - counter->start < counter->count)
		counter->seen = time;
	else
		i8254_counter_advance(counter, time);
}

/* The counting element, as it is read. */
uint16_t i8254_counter_value(const struct i8254_counter *counter);
bool i8254_counter_output(const struct i8254_counter *counter);
/* When OUT next rises if nothing is written, or I8254_NEVER. */
uint64_t i8254_counter_next_rise(const struct i8254_counter *counter);
