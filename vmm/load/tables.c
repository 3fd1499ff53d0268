#include "vmm/load/tables.h"

#include "vmm/load/firmware_rom.h"

_Static_assert(TABLES_MP + TABLES_MP_SIZE <= TABLES_ACPI &&
		       TABLES_DSDT + TABLES_DSDT_MAX <=
			       (FIRMWARE_SEGMENT << 4) + FIRMWARE_ROM_OFFSET,
	       "the tables and the firmware's code do not overlap");

uint8_t tables_checksum(const void *bytes, uint32_t size)
{
	const uint8_t *at = bytes;
	uint8_t sum = 0;

	while (size--)
		sum += *at++;
	return (uint8_t)-sum;
}
