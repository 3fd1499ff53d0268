#include "vmm/load/firmware.h"

#include "lib/string.h"
#include "vmm/guest_ram.h"
#include "vmm/load/firmware_rom.h"
#include "vmm/chip/uart.h"

#define VECTORS		 256
#define VECTOR_TICK	 0x08
#define VECTOR_TICK_HOOK 0x1C
#define BDA		 0x400ull
#define BDA_SIZE	 0x100

/* Offsets in the BIOS data area. */
enum bda_field {
	BDA_COM1 = 0x00,
	BDA_EBDA_SEGMENT = 0x0E,
	BDA_EQUIPMENT = 0x10,
	BDA_MEMORY_KIB = 0x13,
	BDA_KEYBOARD_HEAD = 0x1A,
	BDA_KEYBOARD_TAIL = 0x1C,
	BDA_VIDEO_MODE = 0x49,
	BDA_VIDEO_COLUMNS = 0x4A,
	BDA_VIDEO_PAGE_SIZE = 0x4C,
	BDA_CURSOR_SHAPE = 0x60,
	BDA_CRT_PORT = 0x63,
	BDA_KEYBOARD_START = 0x80,
	BDA_KEYBOARD_END = 0x82,
	BDA_VIDEO_LAST_ROW = 0x84,
	BDA_CHARACTER_HEIGHT = 0x85,
	BDA_KEYBOARD_KIND = 0x96,
	BDA_KEYBOARD_LEDS = 0x97,
};

#define EQUIPMENT_COPROCESSOR  0x0002
#define EQUIPMENT_80X25_COLOUR 0x0020
#define EQUIPMENT_SERIAL_PORT  0x0200 /* one */
#define KEYBOARD_101_KEYS      0x10
#define KEYBOARD_ANSWERED      0x10
#define KEYBOARD_BUFFER	       0x001E
#define KEYBOARD_BUFFER_END    0x003E

extern const uint8_t firmware_rom[FIRMWARE_ROM_SIZE];

static void put16(uint8_t *table, unsigned int offset, uint16_t value)
{
	memcpy(table + offset, &value, sizeof(value));
}

static void install_vectors(const struct guest_ram *ram)
{
	uint8_t table[VECTORS * 4];

	for (unsigned int vector = 0; vector < VECTORS; vector++) {
		put16(table, vector * 4, FIRMWARE_ROM_OFFSET + vector * FIRMWARE_ENTRY_SIZE);
		put16(table, vector * 4 + 2, FIRMWARE_SEGMENT);
	}
	put16(table, VECTOR_TICK * 4, FIRMWARE_ROM_OFFSET + FIRMWARE_TICK);
	put16(table, VECTOR_TICK_HOOK * 4, FIRMWARE_ROM_OFFSET + FIRMWARE_TICK_HOOK);
	guest_ram_write(ram, 0, table, sizeof(table));
}

/*
 * True of this machine, but for the screen: it is said to be in mode 3 at B8000h, as after the
 * start of a PC, since kernels take its size from here and divide by it.
 */
static void install_data_area(const struct guest_ram *ram)
{
	uint8_t bda[BDA_SIZE] = {0};

	put16(bda, BDA_COM1, COM1_PORT);
	put16(bda, BDA_EBDA_SEGMENT, FIRMWARE_EBDA >> 4);
	put16(bda, BDA_EQUIPMENT,
	      EQUIPMENT_COPROCESSOR | EQUIPMENT_80X25_COLOUR | EQUIPMENT_SERIAL_PORT);
	put16(bda, BDA_MEMORY_KIB, FIRMWARE_EBDA >> 10);
	put16(bda, BDA_KEYBOARD_HEAD, KEYBOARD_BUFFER);
	put16(bda, BDA_KEYBOARD_TAIL, KEYBOARD_BUFFER);
	put16(bda, BDA_KEYBOARD_START, KEYBOARD_BUFFER);
	put16(bda, BDA_KEYBOARD_END, KEYBOARD_BUFFER_END);
	bda[BDA_VIDEO_MODE] = 3;
	put16(bda, BDA_VIDEO_COLUMNS, 80);
	put16(bda, BDA_VIDEO_PAGE_SIZE, 0x1000);
	put16(bda, BDA_CURSOR_SHAPE, 0x0607);
	put16(bda, BDA_CRT_PORT, 0x3D4);
	bda[BDA_VIDEO_LAST_ROW] = 24;
	put16(bda, BDA_CHARACTER_HEIGHT, 16);
	bda[BDA_KEYBOARD_KIND] = KEYBOARD_101_KEYS;
	bda[BDA_KEYBOARD_LEDS] = KEYBOARD_ANSWERED; /* and all are dark */
	guest_ram_write(ram, BDA, bda, sizeof(bda));
}

static void install_extended_data_area(const struct guest_ram *ram)
{
	uint8_t ebda[FIRMWARE_EBDA_SIZE] = {FIRMWARE_EBDA_SIZE >> 10}; /* its size in KiB */

	guest_ram_write(ram, FIRMWARE_EBDA, ebda, sizeof(ebda));
}

void firmware_install(const struct guest_ram *ram)
{
	install_vectors(ram);
	install_data_area(ram);
	install_extended_data_area(ram);
	guest_ram_write(ram, (FIRMWARE_SEGMENT << 4) + FIRMWARE_ROM_OFFSET, firmware_rom,
			FIRMWARE_ROM_SIZE);
}
