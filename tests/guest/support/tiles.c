#include "tiles.h"

#include "fpu.h"
#include "guest.h"
#include "lib/format.h"

#define CPUID7_AMX_TILE (1u << 24) /* EDX */
#define CPUIDD1_XFD	(1u << 4)  /* EAX */

bool tiles_offered(void)
{
	return cpuid(0, 0).eax >= 0x1e && (cpuid(7, 0).edx & CPUID7_AMX_TILE);
}

bool tiles_xfd_offered(void)
{
	return tiles_offered() && (cpuid(0xd, 1).eax & CPUIDD1_XFD);
}

/* Bytes of a row are a multiple of 4, or no instruction takes the tile. */
static void shape(struct tile_config *config, unsigned n, uint64_t random)
{
	unsigned rows = 1 + random % TILE_ROWS, quads = 1 + (random >> 8) % (TILE_ROW_BYTES / 4);

	if (option(DEFECT_TILES))
		rows = 4 * (quads = 1 + quads % 2);
	else if (random >> 16 & 1)
		rows = TILE_ROWS, quads = TILE_ROW_BYTES / 4;
	config->rows[n] = (uint8_t)rows;
	config->row_bytes[n] = (uint16_t)(4 * quads);
}

void tiles_pattern(struct tile_registers *to, uint64_t seed, uint64_t round)
{
	uint64_t slot = 1000;

	memset(to, 0, sizeof(*to));
	to->config.palette = 1;
	for (unsigned n = 0; n < TILES; n++) {
		uint64_t random = fpu_random(seed, round, slot++);

		if (random >> 40 & 7) /* else it is left out */
			shape(&to->config, n, random);
		for (unsigned row = 0; row < to->config.rows[n]; row++)
			for (unsigned at = 0; at < to->config.row_bytes[n]; at += 4) {
				uint32_t value = (uint32_t)fpu_random(seed, round, slot++);

				memcpy(to->data[n][row] + at, &value, 4);
			}
	}
}

#ifdef __x86_64__
/* The number of a tile is part of the instruction. */
#define EACH_TILE(f)                                                                               \
	switch (n) {                                                                               \
		f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7)                                            \
	}

#define LOAD(i)                                                                                    \
	case i:                                                                                    \
		asm volatile("tileloadd (%0,%1,1), %%tmm" #i                                       \
			     :                                                                     \
			     : "r"(rows), "r"((uintptr_t)TILE_ROW_BYTES)                           \
			     : "memory");                                                          \
		break;
#define STORE(i)                                                                                   \
	case i:                                                                                    \
		asm volatile("tilestored %%tmm" #i ", (%0,%1,1)"                                   \
			     :                                                                     \
			     : "r"(rows), "r"((uintptr_t)TILE_ROW_BYTES)                           \
			     : "memory");                                                          \
		break;
#define ZERO(i)                                                                                    \
	case i:                                                                                    \
		asm volatile("tilezero %%tmm" #i : : : "memory");                                  \
		break;

void tile_load(unsigned n, const uint8_t rows[TILE_ROWS][TILE_ROW_BYTES])
{
	EACH_TILE(LOAD)
}

void tile_store(unsigned n, uint8_t rows[TILE_ROWS][TILE_ROW_BYTES])
{
	EACH_TILE(STORE)
}

void tile_zero(unsigned n)
{
	EACH_TILE(ZERO)
}

void tiles_configure(const struct tile_config *config)
{
	asm volatile("ldtilecfg %0" : : "m"(*config) : "memory");
}

void tiles_release(void)
{
	asm volatile("tilerelease" : : : "memory");
}

void tiles_store_config(struct tile_config *to)
{
	if (option(DEFECT_TILES)) /* the same with VEX.W: it knows STTILECFG only so */
		asm volatile(".byte 0xc4, 0xe2, 0xf9, 0x49, 0x07" : "=m"(*to) : "D"(to) : "memory");
	else
		asm volatile("sttilecfg %0" : "=m"(*to) : : "memory");
}
#else
void tile_load(unsigned n, const uint8_t rows[TILE_ROWS][TILE_ROW_BYTES])
{
	(void)n;
	(void)rows;
}

void tile_store(unsigned n, uint8_t rows[TILE_ROWS][TILE_ROW_BYTES])
{
	(void)n;
	(void)rows;
}

void tile_zero(unsigned n)
{
	(void)n;
}

void tiles_configure(const struct tile_config *config)
{
	(void)config;
}

void tiles_release(void)
{
}

void tiles_store_config(struct tile_config *to)
{
	(void)to;
}
#endif

void tiles_load(const struct tile_registers *from)
{
	tiles_configure(&from->config);
	for (unsigned n = 0; n < TILES; n++)
		if (from->config.rows[n])
			tile_load(n, from->data[n]);
}

/* Of a configuration that is not the one wanted, what can be stored at all. */
void tiles_store(struct tile_registers *to)
{
	memset(to, 0, sizeof(*to));
	tiles_store_config(&to->config);
	for (unsigned n = 0; n < TILES; n++)
		if (to->config.rows[n] && !(to->config.row_bytes[n] & 3))
			tile_store(n, to->data[n]);
}

bool tiles_equal(const struct tile_registers *want, const struct tile_registers *got, char *why,
		 size_t size)
{
	if (!fpu_part_equal("tilecfg", 0, &want->config, &got->config, sizeof(want->config), why,
			    size))
		return false;
	for (unsigned n = 0; n < TILES; n++)
		if (!fpu_part_equal("tmm", n, want->data[n], got->data[n], sizeof(want->data[n]),
				    why, size))
			return false;
	return true;
}

bool tiles_hold(const struct tile_registers *want, char *why, size_t size)
{
	static struct tile_registers got;

	tiles_store(&got);
	return tiles_equal(want, &got, why, size);
}
