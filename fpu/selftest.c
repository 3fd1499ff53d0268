#include "boot/layout.h"
#include "fpu/components.h"
#include "fpu/image.h"
#include "fpu/instructions.h"
#include "fpu/selftest.h"
#include "fpu/trial.h"
#include "fpu/xsave_area.h"
#include "lib/assert.h"
#include "lib/x86.h"

#define PATTERN_PKRU 0x5a3cc3a8
#define PKRU_BYTES   8 /* of which the upper 4 are reserved */

bool fpu_method_works(enum fpu_save_method method)
{
	struct fpu_trial_images images = {
		.carried = fpu_image_create(),
		.foreign = fpu_image_create(),
		.tried = fpu_image_create(),
		.found = fpu_image_create(),
	};
	bool works;

	if (!images.carried || !images.foreign || !images.tried || !images.found)
		panic("no memory for the FPU self-test");
	__asm__ volatile("clts");
	works = fpu_trial(method, &images);
	write_cr0(read_cr0() | CR0_TS);
	fpu_image_destroy(images.carried);
	fpu_image_destroy(images.foreign);
	fpu_image_destroy(images.tried);
	fpu_image_destroy(images.found);
	return works;
}

uint32_t fpu_find_pkru(void)
{
	static union {
		struct fpu_image image;
		uint32_t word[PAGE_SIZE / sizeof(uint32_t)];
	} area __attribute__((aligned(64)));
	struct cpuid_regs r = cpuid_count(0xd, FPU_COMPONENT_PKRU); /* EAX = size, EBX = offset */
	uint32_t i = sizeof(area.image) / sizeof(uint32_t), offset;
	bool found;

	if (r.ebx > sizeof(area) - PKRU_BYTES)
		return 0;
	__asm__ volatile("clts");
	fpu_wrpkru(PATTERN_PKRU);
	found = fpu_xsave64(&area.image, XCR0_PKRU);
	fpu_wrpkru(0);
	while (i < PAGE_SIZE / sizeof(uint32_t) - 1 && area.word[i] != PATTERN_PKRU)
		i++;
	offset = i * sizeof(uint32_t);
	found = found && area.word[i] == PATTERN_PKRU && fpu_xrstor64(&area.image, XCR0_PKRU) &&
		fpu_rdpkru() == PATTERN_PKRU;
	fpu_wrpkru(0);
	write_cr0(read_cr0() | CR0_TS);
	/* Bochs 2.7 says nothing in CPUID.D.9 */
	if (!found || (r.ebx && r.ebx != offset) || (r.eax && r.eax != PKRU_BYTES))
		return 0;
	return offset;
}
