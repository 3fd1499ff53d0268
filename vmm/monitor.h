/*
 * What a person types on COM1. Ctrl-A opens the monitor, a prompt at the foot of the screen with
 * what is being typed, and closes it. While it is closed what is typed goes to the guest that has
 * the focus or, if none has, is a command all the same, without an echo. Guests run on. Root mode,
 * interrupts off, between two turns; the first CPU.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define MONITOR_NEVER UINT64_MAX

/* At boot. */
void monitor_init(void);

/*
 * The TSC values from which on monitor_poll() is to be called: between two turns, and where the CPU
 * would have to be woken for it. MONITOR_NEVER if nothing can be typed.
 */
extern uint64_t monitor_due;
uint64_t monitor_due_idle(void);

/*
 * Takes up to 16 characters of what has been typed since the last call, and carries out the lines
 * that are complete; or goes on with a table that is being printed. A UART holds 16: what is pasted
 * in one go may lose its end.
 */
void monitor_poll(void);

/* One character of it. */
void monitor_type(char c);
