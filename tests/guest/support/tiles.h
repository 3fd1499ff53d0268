/*
 * AMX's tile registers: patterns in all of them, and whether they are still there. 64-bit guests
 * only, as the instructions are. SDM Vol. 1 chapter 18.
 *
 * DEFECT_TILES on the command line: the emulator's XSAVE and XRSTOR keep only part of a tile
 * (tools/defects.py): all shapes are then ones that it keeps, as many rows as a row has bytes, and
 * no more than eight.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XCR0_TILES	0x60000ull
#define XCR0_TILEDATA	0x40000ull
#define MSR_XFD		0x1c4
#define MSR_XFD_ERR	0x1c5
#define DEFECT_TILES	"amx-xsave"
#define TILES		8
#define TILE_ROWS	16
#define TILE_ROW_BYTES	64
#define TILES_AREA_SIZE 12288 /* more than an XSAVE area of all components */

/* As LDTILECFG takes it: SDM Vol. 2A, table 3-10. */
struct tile_config {
	uint8_t palette, start_row, reserved0[14];
	uint16_t row_bytes[TILES];
	uint8_t reserved1[16];
	uint8_t rows[TILES];
	uint8_t reserved2[8];
} __attribute__((aligned(64)));

/* What lies outside of a tile's rows and columns is 0. */
struct tile_registers {
	struct tile_config config;
	uint8_t data[TILES][TILE_ROWS][TILE_ROW_BYTES];
};

/* An instruction of AMX; a 32-bit guest, which does not come to it, could not be assembled. */
#ifdef __x86_64__
#define TILES64(instruction) instruction
#else
#define TILES64(instruction) "ud2"
#endif

/* CPUID offers AMX, which 64-bit code alone can use; IA32_XFD besides. */
bool tiles_offered(void);
bool tiles_xfd_offered(void);

/* A configuration of its own for each round, and other bytes in each tile. */
void tiles_pattern(struct tile_registers *to, uint64_t seed, uint64_t round);

/* LDTILECFG and a load of every tile that it configures; and all of it out again. */
void tiles_load(const struct tile_registers *from);
void tiles_store(struct tile_registers *to);

/* One of them, which is configured. */
void tile_load(unsigned n, const uint8_t rows[TILE_ROWS][TILE_ROW_BYTES]);
void tile_store(unsigned n, uint8_t rows[TILE_ROWS][TILE_ROW_BYTES]);
void tile_zero(unsigned n);

void tiles_configure(const struct tile_config *config);
void tiles_release(void);
void tiles_store_config(struct tile_config *to);

/* True if equal; else what differs first, in words, into why[size]. */
bool tiles_equal(const struct tile_registers *want, const struct tile_registers *got, char *why,
		 size_t size);
/* The same of what the registers hold. */
bool tiles_hold(const struct tile_registers *want, char *why, size_t size);
