/*
 * What a machine must do beside what each of its CPUs must have (vmx/requirements.h): a row each,
 * for the check at boot and for `doctor`.
 */
#pragma once

#include <stdbool.h>

struct machine_need {
	const char *key;
	bool (*met)(void);   /* on the first CPU, after fpu_detect() and clock_select() */
	const char *message; /* what is wrong otherwise, and what to do */
};

/* Ends with a row without a key. */
extern const struct machine_need machine_needs[];
