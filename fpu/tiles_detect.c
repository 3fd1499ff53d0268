#include "fpu/tiles_detect.h"

#include <stdbool.h>

#include "boot/layout.h"
#include "boot/machine.h"
#include "boot/memory.h"
#include "fpu/detect.h"
#include "fpu/features.h"
#include "fpu/tile_trial.h"
#include "fpu/tiles.h"
#include "fpu/tiles_hw.h"
#include "lib/assert.h"
#include "lib/console.h"
#include "lib/string.h"
#include "lib/x86.h"

#define CPUID7_AMX_TILE BIT(24) /* EDX */
#define CPUIDD1_XGETBV1 BIT(2)	/* EAX: XGETBV with ECX=1 */
#define CPUIDD1_XFD	BIT(4)
#define CPUIDDI_ALIGNED BIT(1) /* ECX */
#define CPUIDDI_XFD	BIT(2)

#define TILECFG_SIZE  64 /* of palette 1: SDM Vol. 1 chapter 18 */
#define TILEDATA_SIZE 8192

static bool cpu_has_tiles(void)
{
	return fpu_features()->superset && (cpuid(7).edx & CPUID7_AMX_TILE) &&
	       (cpuid_count(0xd, 0).eax & XCR0_TILES) == XCR0_TILES &&
	       (cpuid_count(0xd, 1).eax & CPUIDD1_XGETBV1) &&
	       cpuid_count(0xd, FPU_COMPONENT_TILECFG).eax == TILECFG_SIZE &&
	       cpuid_count(0xd, FPU_COMPONENT_TILEDATA).eax == TILEDATA_SIZE;
}

static void place(uint32_t component)
{
	struct cpuid_regs r = cpuid_count(0xd, component);

	fpu_features_found.component[component] = (struct fpu_component){
		.size = r.eax,
		.offset = r.ebx,
		.aligned = r.ecx & CPUIDDI_ALIGNED,
	};
}

static uint32_t try(void)
{
	struct fpu_tiles carried, found;
	uint32_t wrong;

	if (fpu_tiles_create(&carried) || fpu_tiles_create(&found))
		panic("no memory for the self-test of AMX");
	fpu_tiles_open(fpu_features()->superset | XCR0_TILES);
	wrong = fpu_tile_trial(carried.image, found.image);
	fpu_tiles_close(fpu_features()->superset | XCR0_TILES);
	fpu_tiles_destroy(&carried);
	fpu_tiles_destroy(&found);
	return wrong;
}

static void tell(uint32_t wrong, bool forced)
{
	bool in_bochs = !strcmp(machine_name(), "bochs");

	log_line(in_bochs && !forced ? LOG_INFO : LOG_WARNING,
		 "AMX: XSAVE and XRSTOR do not keep tiles:%s%s%s%s %s: guests %s",
		 wrong & FPU_TILES_XINUSE ? " XINUSE" : "",
		 wrong & FPU_TILES_TILECFG ? " TILECFG" : "",
		 wrong & FPU_TILES_TILEDATA ? " TILEDATA" : "",
		 wrong & FPU_TILES_INITIAL ? " INIT" : "",
		 wrong & (wrong - 1) ? "are wrong" : "is wrong",
		 forced ? "have it all the same (amx=force)" : "do not have it");
}

void fpu_tiles_detect(enum fpu_tiles_wanted wanted)
{
	struct fpu_features *f = &fpu_features_found;
	uint32_t wrong;

	if (wanted == FPU_TILES_OFF || !cpu_has_tiles())
		return;
	place(FPU_COMPONENT_TILECFG);
	place(FPU_COMPONENT_TILEDATA);
	f->tiles = XCR0_TILES;
	f->xfd = (cpuid_count(0xd, 1).eax & CPUIDD1_XFD) &&
		 (cpuid_count(0xd, FPU_COMPONENT_TILEDATA).ecx & CPUIDDI_XFD);
	fpu_init_hardware();
	wrong = try();
	if (wrong)
		tell(wrong, wanted == FPU_TILES_FORCE);
	f->tiles_unmarked = wrong & FPU_TILES_XINUSE;
	if (!wrong || wanted == FPU_TILES_FORCE)
		return;
	f->tiles = 0;
	f->xfd = false;
	f->component[FPU_COMPONENT_TILECFG] = (struct fpu_component){};
	f->component[FPU_COMPONENT_TILEDATA] = (struct fpu_component){};
	fpu_init_hardware();
}
