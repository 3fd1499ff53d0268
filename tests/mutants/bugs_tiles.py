"""Bugs in what is done to AMX's tiles when a CPU leaves a vCPU and comes to it."""

from bug import Bug, unit

FOUND = unit("test_tiles", "every_guest_finds_what_it_left")
TRIED = unit("test_tiles", "the_trial_believes_an_honest_cpu_and_no_other")

BUGS = [
    Bug(
        "tiles-left-behind",
        "no tile of one guest is in a CPU that runs another",
        "fpu/tiles.c",
        "fpu_tiles_load(NULL);",
        "(void)0;",
        FOUND,
    ),
    Bug(
        "tiles-saved-under-xfd",
        "XSAVE takes for initial what IA32_XFD disables (SDM Vol. 1 13.14)",
        "fpu/tiles.c",
        "	if (tiles->xfd)\n		fpu_tiles_write(MSR_IA32_XFD, 0);\n",
        "",
        FOUND,
    ),
    Bug(
        "tiles-xfd-before-the-load",
        "XRSTOR of what IA32_XFD disables is #NM (SDM Vol. 1 13.14)",
        "fpu/tiles.c",
        "	if (tiles->kept) {\n		fpu_tiles_open(xcr0);\n		fpu_tiles_load(tiles->image);",
        "	if (tiles->xfd)\n		fpu_tiles_write(MSR_IA32_XFD, tiles->xfd);\n"
        "	if (tiles->kept) {\n		fpu_tiles_open(xcr0);\n		fpu_tiles_load(tiles->image);",
        FOUND,
    ),
    Bug(
        "tiles-xfd-err-shared",
        "IA32_XFD_ERR is each guest's own",
        "fpu/tiles.c",
        "			fpu_tiles_write(MSR_IA32_XFD_ERR, 0);",
        "			(void)0;",
        FOUND,
    ),
    Bug(
        "tiles-survive-a-reset",
        "after a reset tiles are initial and IA32_XFD is 0",
        "fpu/tiles.c",
        "*tiles = (struct fpu_tiles){.image = tiles->image};",
        "tiles->xfd = 0;",
        FOUND,
    ),
    Bug(
        "tiles-trial-without-rows",
        "all 16 rows of a tile are kept (SDM Vol. 1 chapter 18)",
        "fpu/tile_trial.c",
        "	if (!same(found, carried, FPU_COMPONENT_TILEDATA))",
        "	if (false)",
        TRIED,
    ),
]
