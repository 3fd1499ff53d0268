#include "fpu/clear.h"
#include "fpu/features.h"
#include "fpu/instructions.h"
#include "lib/assert.h"
#include "lib/x86.h"

void fpu_clear_memory(void *address, uint64_t size)
{
	if (!size)
		return;
	assert(((uint64_t)address | size) % 128 == 0);
	if (fpu_features()->superset & XCR0_AVX)
		fpu_clear_avx(address, size);
	else
		fpu_clear_sse(address, size);
}
