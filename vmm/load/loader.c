#include "vmm/load/loader.h"

void guest_load_later(struct guest_load *load, uint64_t gpa, const uint8_t *from, uint64_t size)
{
	if (size)
		load->copy[load->count++] = (struct guest_copy){gpa, size, from};
}
