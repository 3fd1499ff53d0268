/*
 * The 8259 pair and the 8254 timer: what every PC has had, and what a machine may lack.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PIT_HZ 1193182u

/* Moves the IRQs to VECTOR_PIC_FIRST and masks them all. */
void pic_init(void);

/* Lets IRQ 0 (the 8254) through, or not. */
void pic_enable_timer(bool enable);

/* Whether somebody uses it: IRQ 0, if the 8254 is what wakes the CPU. */
bool pic_asked_for(unsigned int irq);

void pic_mask(unsigned int irq);

/* Whether there is none behind it, and so nothing to end. */
bool pic_spurious(unsigned int irq);
void pic_end_of_interrupt(unsigned int irq);

/* Starts channel 0 as a one-shot: IRQ 0 after `ticks` (1 to 65535) of PIT_HZ. */
void pit_start_oneshot(uint16_t ticks);

/* Starts channel 0 as a rate generator: IRQ 0 every `ticks` of PIT_HZ. */
void pit_start_periodic(uint16_t ticks);
