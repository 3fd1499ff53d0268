#include "boot/ioapic.h"

#include <stddef.h>

#include "boot/madt.h"
#include "boot/paging.h"
#include "lib/console.h"

#define IOAPICS_MAX	16
#define DEFAULT_ADDRESS 0xfec00000

#define REGISTERS_SIZE	 0x20
#define WINDOW		 0x10 /* the register whose number was written at offset 0 */
#define REGISTER_VERSION 0x01
#define REGISTER_ENTRY	 0x10 /* two for each input: low, high half */

#define ENTRY_VECTOR	0xff
#define ENTRY_DELIVERY	(7u << 8)
#define DELIVERY_LOWEST (1u << 8)

/* Where IRQ 0 arrives on one board or another, by the first I/O APIC. */
static const uint8_t pit_inputs[] = {0, 2};

/* Written at boot by the first CPU. */
static uint32_t ioapics[IOAPICS_MAX];
static unsigned int count;

static uint32_t read_register(uint32_t address, uint32_t reg)
{
	*(volatile uint32_t *)(uint64_t)address = reg;
	return *(volatile uint32_t *)(uint64_t)(address + WINDOW);
}

static void write_register(uint32_t address, uint32_t reg, uint32_t value)
{
	*(volatile uint32_t *)(uint64_t)address = reg;
	*(volatile uint32_t *)(uint64_t)(address + WINDOW) = value;
}

void ioapic_init(const uint8_t *madt, uint32_t length)
{
	unsigned int answer = 0;

	count = madt ? madt_ioapics(madt, length, ioapics, IOAPICS_MAX) : 0;
	if (!count)
		ioapics[count++] = DEFAULT_ADDRESS;
	for (unsigned int i = 0; i < count; i++) {
		uint32_t version = 0;

		if (paging_map_device(ioapics[i], REGISTERS_SIZE))
			version = read_register(ioapics[i], REGISTER_VERSION);
		if (version && version != ~0u)
			ioapics[answer++] = ioapics[i];
	}
	count = answer;
}

bool ioapic_route_pit(uint32_t low, uint8_t apic_id)
{
	if (!count)
		return false;
	for (unsigned int i = 0; i < sizeof(pit_inputs); i++) {
		uint32_t entry = REGISTER_ENTRY + 2 * pit_inputs[i];

		write_register(ioapics[0], entry + 1, (uint32_t)apic_id << 24);
		write_register(ioapics[0], entry, low);
	}
	return true;
}

/* Fixed or lowest priority: NMIs and the like have no vector. */
static bool sends(uint32_t entry, uint8_t vector)
{
	return !(entry & IOAPIC_MASKED) && (entry & ENTRY_DELIVERY) <= DELIVERY_LOWEST &&
	       (entry & ENTRY_VECTOR) == vector;
}

bool ioapic_mask(uint8_t vector)
{
	bool found = false;

	for (unsigned int i = 0; i < count; i++) {
		unsigned int last = read_register(ioapics[i], REGISTER_VERSION) >> 16 & 0xff;

		for (unsigned int input = 0; input <= last; input++) {
			uint32_t entry = read_register(ioapics[i], REGISTER_ENTRY + 2 * input);

			if (!sends(entry, vector))
				continue;
			write_register(ioapics[i], REGISTER_ENTRY + 2 * input,
				       entry | IOAPIC_MASKED);
			log_warning("input %u of the I/O APIC at 0x%x (vector 0x%x, "
				    "%s-triggered) is masked",
				    input, ioapics[i], vector,
				    entry & IOAPIC_LEVEL ? "level" : "edge");
			found = true;
		}
	}
	return found;
}
