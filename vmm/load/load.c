#include "vmm/load/load.h"

#include "lib/errno.h"
#include "lib/refusal.h"
#include "vmm/guest_ram.h"
#include "vmm/load/acpi_tables.h"
#include "vmm/load/bzimage.h"
#include "vmm/load/firmware.h"
#include "vmm/load/mp_tables.h"
#include "vmm/load/multiboot.h"
#include "vmm/load/loader.h"

#define TABLES_OF_BOTH 2 /* specifications are to be written */
#define PAGE	       0x1000ull

int guest_load(struct guest_load *load, const struct guest_ram *ram,
	       const struct guest_image *kernel, const struct guest_start *start,
	       struct refusal *refusal)
{
	struct loader loader = {
		.load = load,
		.ram = ram,
		.kernel = kernel,
		.start = start,
		.refusal = refusal,
	};

	load->count = load->next = 0;
	load->done = 0;
	load->machine = start->machine;
	load->tables = TABLES_OF_BOTH;
	if (start->module_count > GUEST_MODULES_MAX)
		return refuse(refusal, -E2BIG, "%u modules: at most %d can be handed over",
			      start->module_count, GUEST_MODULES_MAX);
	firmware_install(ram);
	places_init(&loader.places, ram);
	return kernel->protocol == GUEST_LINUX ? bzimage_load(&loader) : multiboot_load(&loader);
}

/* Before the first copy: a kernel that lies where they are wins. */
static void write_tables(struct guest_load *load, const struct guest_ram *ram)
{
	if (load->tables == TABLES_OF_BOTH)
		mp_tables_install(ram, &load->machine);
	else
		acpi_tables_install(ram, &load->machine);
	load->tables--;
}

bool guest_load_step(struct guest_load *load, const struct guest_ram *ram)
{
	const struct guest_copy *copy = &load->copy[load->next];
	uint64_t left, size;

	if (load->tables) {
		write_tables(load, ram);
		return false;
	}
	if (load->next == load->count)
		return true;
	left = copy->size - load->done;
	size = left < PAGE ? left : PAGE;
	if (copy->from)
		guest_ram_write(ram, copy->gpa + load->done, copy->from + load->done, size);
	else
		guest_ram_clear(ram, copy->gpa + load->done, size);
	load->done += size;
	if (load->done == copy->size) {
		load->done = 0;
		load->next++;
	}
	return load->next == load->count;
}
