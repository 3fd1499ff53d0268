/*
 * The 8254: channel 0, which interrupts (IRQ 0), and channel 2, which counts and interrupts nobody.
 * Intel 8254 data sheet.
 */
#pragma once

#include <stdint.h>

#define PIT_HZ 1193182u

/* Starts channel 0 as a one-shot: IRQ 0 after `ticks` (1 to 65535) of PIT_HZ. */
void pit_start_oneshot(uint16_t ticks);

/* Starts channel 0 as a rate generator: IRQ 0 every `ticks` of PIT_HZ. */
void pit_start_periodic(uint16_t ticks);

/* Has channel 2 count down from 65536, over and over; reads it; leaves its gate as it was found. */
void pit_count_start(void);
uint32_t pit_count(void);
void pit_count_stop(void);
