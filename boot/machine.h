/*
 * What machine this is.
 */
#pragma once

#include <stdbool.h>

enum machine_kind {
	MACHINE_PC,
	MACHINE_BOCHS,
	MACHINE_TCG, /* QEMU without KVM */
	MACHINE_KVM,
};

/* Finds out. First CPU, before what is below. */
void machine_init(void);

enum machine_kind machine_kind(void);

/* By a program that executes one instruction after the other. */
static inline bool machine_is_emulated(void)
{
	return machine_kind() == MACHINE_BOCHS || machine_kind() == MACHINE_TCG;
}

/* "pc", "bochs", "tcg" or "kvm": the machine= of the @boot record. */
const char *machine_name(void);
