#include "boot/madt.h"

#include "lib/string.h"

#define MADT_HEADER 44
#define MADT_IOAPIC 1

unsigned int madt_ioapics(const uint8_t *madt, uint32_t length, uint32_t *address, unsigned int max)
{
	unsigned int found = 0;

	/* type, length, and for an I/O APIC: ID, reserved, address, first interrupt */
	for (uint32_t at = MADT_HEADER; at + 2 <= length; at += madt[at + 1]) {
		if (madt[at + 1] < 2 || madt[at + 1] > length - at)
			break;
		if (madt[at] == MADT_IOAPIC && madt[at + 1] >= 12 && found < max)
			memcpy(&address[found++], &madt[at + 4], 4);
	}
	return found;
}
