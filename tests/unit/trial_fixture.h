/* What the trial of a save method needs around it: memory, and features that the test sets. */
#pragma once

#include <stdarg.h>

#include "tests/unit/unit.h"

#include "boot/memory.h"
#include "fpu/features.h"
#include "fpu/image.h"
#include "fpu/trial.h"
#include "fpu/xsave_area.h"
#include "lib/x86.h"

struct fpu_features fpu_features_found;
#define features fpu_features_found

uint64_t memory_alloc(uint64_t size, uint64_t align)
{
	return (uint64_t)aligned_alloc(align, size);
}

void memory_free(uint64_t address, uint64_t size)
{
	(void)size;
	free((void *)address);
}

_Noreturn void panic(const char *format, ...);
_Noreturn void panic(const char *format, ...)
{
	fail_msg("panic: %s", format);
	abort();
}
