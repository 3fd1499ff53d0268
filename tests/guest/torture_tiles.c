/*
 * AMX's tiles, where CPUID offers them. They are in XCR0 during an operation only, so that no XSAVE
 * of the others has them: what is in them stays over all the others, and over resets it does not.
 */
#include "torture.h"

#include "support/tiles.h"

static struct tile_registers tiles; /* as they are */
static bool disabled;		    /* by IA32_XFD: its data is not to be relied on from then on */

static unsigned configured(void)
{
	unsigned n = below(TILES);

	return tiles.config.rows[n] ? n : TILES;
}

static void look(void)
{
	static uint8_t rows[TILE_ROWS][TILE_ROW_BYTES];
	static struct tile_config config;
	char why[128];

	if (!disabled) {
		if (!tiles_hold(&tiles, why, sizeof(why)))
			wrong("%s", why);
		return;
	}
	tiles_store_config(&config);
	if (!fpu_part_equal("tilecfg", 0, &tiles.config, &config, sizeof(config), why, sizeof(why)))
		wrong("%s", why);
	if (!may_fault())
		return;
	TRY(TILES64("tileloadd (%0,%1,1), %%tmm3"),
	    :
	    : "r"(rows), "r"((uintptr_t)TILE_ROW_BYTES)
	    : "memory");
	if (trap.vector != (tiles.config.rows[3] ? VECTOR_NM : trap.vector) ||
	    (trap.vector != VECTOR_NM && trap.vector != VECTOR_UD))
		wrong("TILELOADD while it is disabled: vector %d", trap.vector);
	if (trap.vector == VECTOR_NM && rdmsr(MSR_XFD_ERR) != XCR0_TILEDATA)
		wrong("IA32_XFD_ERR is 0x%llx", (unsigned long long)rdmsr(MSR_XFD_ERR));
	wrmsr(MSR_XFD_ERR, 0);
}

static void configure(void)
{
	tiles_pattern(&tiles, draw(), draw());
	tiles_configure(&tiles.config);
	for (unsigned n = 0; n < TILES; n++)
		if (tiles.config.rows[n] && !disabled && below(4))
			tile_load(n, tiles.data[n]);
		else
			memset(tiles.data[n], 0, sizeof(tiles.data[n]));
}

static void load_one(unsigned n)
{
	static struct tile_registers from;

	tiles_pattern(&from, draw(), draw());
	for (unsigned row = 0; row < tiles.config.rows[n]; row++)
		memcpy(tiles.data[n][row], from.data[below(TILES)][row], tiles.config.row_bytes[n]);
	tile_load(n, tiles.data[n]);
}

static void change(void)
{
	unsigned n = configured(), what = below(8);

	if (what < 3) {
		configure();
	} else if (what == 3) {
		tiles_release();
		memset(&tiles, 0, sizeof(tiles));
	} else if (what == 4 && n < TILES && !disabled) {
		tile_zero(n);
		memset(tiles.data[n], 0, sizeof(tiles.data[n]));
	} else if (what < 7 && n < TILES && !disabled) {
		load_one(n);
	} else if (what == 7 && tiles_xfd_offered()) {
		disabled = !disabled;
		wrmsr(MSR_XFD, disabled ? XCR0_TILEDATA : 0);
		if (!disabled)
			configure();
	}
}

/* With interrupts off: the handler saves all that XCR0 has. */
void change_tiles(void)
{
	bool interrupts = read_flags() & FLAG_IF;

	cli();
	xsetbv(0, xcr0_now | XCR0_TILES);
	if (below(2))
		look();
	change();
	if (below(2) && have_hypercalls())
		yield();
	if (below(2))
		look();
	xsetbv(0, xcr0_now);
	if (interrupts)
		sti();
}
