/*
 * What machine this is, and how it is ended from inside.
 */
#pragma once

#include <stdint.h>

enum machine_kind {
	MACHINE_PC,
	MACHINE_BOCHS,
	MACHINE_TCG, /* QEMU without KVM */
	MACHINE_KVM,
};

/* As they stand in enum option_panic of boot/options.h. */
void machine_init(void);
void machine_set_panic(unsigned int action);

/* "pc", "bochs", "tcg" or "kvm": the machine= of the @boot record. */
const char *machine_name(void);

/*
 * The regular end: prints "@end status=N" and ends the machine with that exit status (Bochs,
 * QEMU), by ACPI S5 (a PC), or else halts and says so.
 */
_Noreturn void machine_end(uint8_t status);

/*
 * The end after a fault or a refusal: "@end status=1", then what `panic=` says; if it says nothing,
 * an emulator ends and a PC halts.
 */
_Noreturn void machine_panic(void);
