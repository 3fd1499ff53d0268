/*
 * How the machine is ended from inside: an emulator by its own port, a PC by ACPI's S5.
 * ACPI 6.4: 4.8.3.2 PM1 control registers, 16.1.7 transitions.
 */
#pragma once

#include <stdint.h>

#include "boot/acpi.h"

/* What is done after a panic or a refusal: `panic=`. */
enum power_panic {
	POWER_PANIC_EXIT,
	POWER_PANIC_REBOOT,
	POWER_PANIC_HALT,
	POWER_PANIC_AUTO, /* an emulator ends; a PC halts, with the message on its screen */
};

/* POWER_PANIC_AUTO until then. At boot. */
void power_set_panic(enum power_panic action);

/* Keeps what S5 takes. First CPU, after paging_init(); until then a PC is halted. */
void power_init(const struct acpi *acpi);

/*
 * The regular end: prints "@end status=N" and ends the machine with that exit status (Bochs,
 * QEMU), by ACPI S5 (a PC), or else halts and says so. A PC that has no COM1 halts as after a
 * refusal, unless panic= says something else.
 */
_Noreturn void power_end(uint8_t status);

/*
 * The end where what is on the screen is to be read: "@end status=N", then what `panic=` says, by
 * which an emulator is ended with that status.
 */
_Noreturn void power_end_shown(uint8_t status);

/* The same after a fault or a refusal, with status 1. */
_Noreturn void power_panic(void);

/* Called when the machine is about to end with status 0. */
void power_at_good_end(void (*hook)(void));
