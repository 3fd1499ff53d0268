/*
 * What machine this is.
 */
#pragma once

enum machine_kind {
	MACHINE_PC,
	MACHINE_BOCHS,
	MACHINE_TCG, /* QEMU without KVM */
	MACHINE_KVM,
};

/* Finds out. First CPU, before the two below. */
void machine_init(void);

enum machine_kind machine_kind(void);

/* "pc", "bochs", "tcg" or "kvm": the machine= of the @boot record. */
const char *machine_name(void);
