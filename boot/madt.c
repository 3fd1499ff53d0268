#include "boot/madt.h"

#include <stdbool.h>

#include "boot/bootinfo.h"

/* Of an entry: type, length, and what its type says. */
#define MADT_HEADER	  44
#define MADT_LOCAL_APIC	  0
#define MADT_IOAPIC	  1
#define MADT_LOCAL_X2APIC 9

#define LOCAL_APIC_SIZE	 8
#define LOCAL_APIC_ID	 3
#define LOCAL_APIC_FLAGS 4

#define IOAPIC_SIZE    12
#define IOAPIC_ADDRESS 4

#define LOCAL_X2APIC_SIZE  16
#define LOCAL_X2APIC_ID	   4
#define LOCAL_X2APIC_FLAGS 8

#define FLAGS_ENABLED (1u << 0)

#define XAPIC_BROADCAST	 0xffu
#define X2APIC_BROADCAST 0xffffffffu

/* Whether a whole entry is there. */
static bool entry_at(const uint8_t *madt, uint32_t length, uint32_t at)
{
	return at < length && length - at >= 2 && madt[at + 1] >= 2 && madt[at + 1] <= length - at;
}

unsigned int madt_ioapics(const uint8_t *madt, uint32_t length, uint32_t *address, unsigned int max)
{
	unsigned int found = 0;

	for (uint32_t at = MADT_HEADER; entry_at(madt, length, at); at += madt[at + 1]) {
		if (madt[at] == MADT_IOAPIC && madt[at + 1] >= IOAPIC_SIZE && found < max)
			address[found++] = boot_read32(&madt[at + IOAPIC_ADDRESS]);
	}
	return found;
}

static bool is_enabled_cpu(const uint8_t *entry, uint32_t *apic_id)
{
	if (entry[0] == MADT_LOCAL_APIC && entry[1] >= LOCAL_APIC_SIZE) {
		*apic_id = entry[LOCAL_APIC_ID];
		return *apic_id != XAPIC_BROADCAST &&
		       boot_read32(&entry[LOCAL_APIC_FLAGS]) & FLAGS_ENABLED;
	}
	if (entry[0] == MADT_LOCAL_X2APIC && entry[1] >= LOCAL_X2APIC_SIZE) {
		*apic_id = boot_read32(&entry[LOCAL_X2APIC_ID]);
		return *apic_id != X2APIC_BROADCAST &&
		       boot_read32(&entry[LOCAL_X2APIC_FLAGS]) & FLAGS_ENABLED;
	}
	return false;
}

/* Looks into the table, not at what was stored of it, which may be less. */
static bool is_listed(const uint8_t *madt, uint32_t length, uint32_t apic_id)
{
	uint32_t other;

	for (uint32_t at = MADT_HEADER; entry_at(madt, length, at); at += madt[at + 1]) {
		if (is_enabled_cpu(&madt[at], &other) && other == apic_id)
			return true;
	}
	return false;
}

unsigned int madt_cpus(const uint8_t *madt, uint32_t length, uint32_t *apic_id, unsigned int max)
{
	unsigned int found = 0;
	uint32_t id;

	for (uint32_t at = MADT_HEADER; entry_at(madt, length, at); at += madt[at + 1]) {
		if (!is_enabled_cpu(&madt[at], &id) || is_listed(madt, at, id))
			continue;
		if (found < max)
			apic_id[found] = id;
		found++;
	}
	return found;
}
