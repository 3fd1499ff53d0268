/*
 * The 8259 pair: what every PC has had, and what a machine may lack. Intel 8259A data sheet.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Moves the IRQs to VECTOR_PIC_FIRST and masks them all. */
void pic_init(void);

/* Lets IRQ 0 (the 8254) through, or not. */
void pic_enable_timer(bool enable);

/* Whether somebody uses it: IRQ 0, if the 8254 is what wakes the CPU. */
bool pic_asked_for(unsigned int irq);

void pic_mask(unsigned int irq);
void pic_unmask(unsigned int irq);

/* Whether there is none behind it, and so nothing to end. */
bool pic_spurious(unsigned int irq);
void pic_end_of_interrupt(unsigned int irq);
