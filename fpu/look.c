#include "fpu/look.h"

#include "fpu/features.h"
#include "fpu/guest.h"
#include "fpu/image.h"
#include "fpu/instructions.h"
#include "fpu/owner.h"
#include "fpu/registers.h"
#include "lib/string.h"

static void write_xcr0(const struct fpu_cpu *cpu, uint64_t value)
{
	if (cpu->xcr0 != cpu->superset)
		fpu_xsetbv(value);
}

void fpu_look(const struct fpu_cpu *cpu, const struct fpu_guest *guest, struct fpu_image *to,
	      bool *is32)
{
	if (!cpu->dirty || !fpu_resident(cpu, &guest->context)) {
		memcpy(to, guest->image, fpu_image_room());
		*is32 = guest->is32;
		return;
	}
	registers_open();
	write_xcr0(cpu, cpu->superset);
	fpu_image_save_elsewhere(to, is32);
	write_xcr0(cpu, cpu->xcr0);
	registers_close();
}
