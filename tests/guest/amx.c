/*
 * AMX: tiles that CR0.TS does not guard. Patterns in all of them, over every kind of exit and while
 * others use theirs; nothing of anybody else's; IA32_XFD, where there is one.
 *
 *   seed=N     the patterns are this VM's own (default 1)
 *   rounds=N   passes over all kinds of exit (default 6)
 *   turns=N    turns that are given to others in the checks (default 30)
 *   peers=N    waits at first until so many VMs run (default 1)
 *   resets=N   resets itself so often, with all in use, and begins anew (default 0)
 *   only=LIST  of the names in checks[] below
 *   amx-xsave  support/tiles.h
 *   smp-exception-exit, smp-sti-window  support/leave.h
 */
#include "support/fpu.h"
#include "support/guest.h"
#include "support/leave.h"
#include "support/tiles.h"
#include "support/trap.h"

const char guest_name[] = "amx";

struct life {
	uint64_t magic, resets;
};

#define LIFE	   ((volatile struct life *)0x300000)
#define LIFE_MAGIC 0x73656c6974786d61ull

static uint64_t seed, round, turns, without;
static struct tile_registers want;
static char why[128];

static void enable(void)
{
	xsetbv(0, without | XCR0_TILES);
}

static void new_pattern(void)
{
	tiles_pattern(&want, seed, ++round);
	tiles_load(&want);
}

/* Whether an exception may be taken without an exit: support/trap.h. */
static bool may_fault(void)
{
	return !option(DEFECT_EXCEPTION);
}

static void expect_held(const char *when)
{
	expect(tiles_hold(&want, why, sizeof(why)), "%s, pattern %llu: %s", when,
	       (unsigned long long)round, why);
}

static void offered(void)
{
	struct cpuid_result config = cpuid(0xd, 17), data = cpuid(0xd, 18), tiles = cpuid(0x1d, 1);

	expect((cpuid(0xd, 0).eax & XCR0_TILES) == XCR0_TILES, "XCR0 is not to have tiles");
	expect(config.eax == 64 && data.eax == 8192, "%u and %u bytes", config.eax, data.eax);
	expect((data.ecx & 4) == (tiles_xfd_offered() ? 4 : 0), "CPUID.D.18:ECX is 0x%x", data.ecx);
	expect(cpuid(0xd, 0).ecx >= data.ebx + data.eax, "%u bytes at most", cpuid(0xd, 0).ecx);
	expect(tiles.eax == (1024u << 16 | 8192) && tiles.ebx == (TILES << 16 | TILE_ROW_BYTES) &&
		       (tiles.ecx & 0xffff) == TILE_ROWS,
	       "palette 1 is 0x%x 0x%x 0x%x", tiles.eax, tiles.ebx, tiles.ecx);
	xsetbv(0, without);
	expect(cpuid(0xd, 0).ebx < 8192, "%u bytes without tiles", cpuid(0xd, 0).ebx);
	enable();
	expect(cpuid(0xd, 0).ebx == data.ebx + data.eax, "%u bytes with tiles", cpuid(0xd, 0).ebx);
}

/* Where CPUID does not offer it. */
static void out_of_reach(void)
{
	expect(!(cpuid(7, 0).edx & 7u << 22), "CPUID.7:EDX is 0x%x", cpuid(7, 0).edx);
	if (!(fpu_components & FPU_XSAVE))
		return;
	expect(!cpuid(0xd, 17).eax && !cpuid(0xd, 18).eax, "CPUID.D has tiles");
	expect(!(cpuid(0xd, 1).eax & 1u << 4), "IA32_XFD is offered");
	TRY("xsetbv", : : "c"(0), "a"((uint32_t)(xgetbv(0) | XCR0_TILES)), "d"(0) : "memory");
	expect(trap.vector == VECTOR_GP, "XCR0 with tiles: vector %d", trap.vector);
}

/* #UD without both bits of XCR0, which takes both or neither. */
static void xcr0(void)
{
	static const uint32_t halves[] = {0x20000, 0x40000};

	xsetbv(0, without);
	if (!may_fault())
		return;
	TRY(".byte 0xc4, 0xe2, 0x78, 0x49, 0xc0", : : : "memory");
	expect(trap.vector == VECTOR_UD, "TILERELEASE: vector %d", trap.vector);
	for (unsigned i = 0; i < ARRAY_SIZE(halves); i++) {
		TRY("xsetbv", : : "c"(0), "a"((uint32_t)without | halves[i]), "d"(0) : "memory");
		expect(trap.vector == VECTOR_GP, "half of it: vector %d", trap.vector);
	}
}

/* In a new VM, and after a reset; whoever has been here. */
static void initial(void)
{
	memset(&want, 0, sizeof(want));
	for (uint64_t i = 0; i < turns; i++) {
		yield();
		expect_held("before it was ever written");
	}
	if (!may_fault())
		return;
	TRY(".byte 0xc4, 0xe2, 0x7b, 0x49, 0xc0", : : : "memory"); /* TILEZERO */
	expect(trap.vector == VECTOR_UD, "a tile without configuration: vector %d", trap.vector);
}

static void every_exit(void)
{
	uint64_t rounds = option_number("rounds", 6);

	for (uint64_t pass = 0; pass < rounds; pass++)
		for (unsigned i = 0; i < exit_count; i++) {
			if (exit_missing(&exits[i]))
				continue;
			new_pattern();
			exits[i].leave();
			expect_held(exits[i].name);
			exits[i].leave();
			expect_held(exits[i].name);
		}
}

/* For several turns, so that it is saved once and loaded again and again. */
static void others_run(void)
{
	for (uint64_t i = 0; i < turns; i++) {
		if (i % 4 == 0)
			new_pattern();
		yield();
		expect_held("others ran");
	}
}

/* A tile alone is changed while others run; configured anew, all of them are zero. */
static void changed_in_part(void)
{
	static struct tile_registers other;

	new_pattern();
	for (uint64_t i = 0; i < turns; i++) {
		unsigned n = i % TILES;

		if (!want.config.rows[n])
			continue;
		memset(want.data[n], 0, sizeof(want.data[n]));
		tile_zero(n);
		yield();
		expect_held("a tile was zeroed");
		tiles_pattern(&other, seed, ++round);
		for (unsigned row = 0; row < want.config.rows[n]; row++)
			memcpy(want.data[n][row], &other.data[0][0][row], want.config.row_bytes[n]);
		tile_load(n, want.data[n]);
		yield();
		expect_held("a tile was loaded");
	}
	memset(want.data, 0, sizeof(want.data));
	tiles_configure(&want.config);
	yield();
	expect_held("configured anew");
}

/* What is off in XCR0 is not lost. */
static void switched_off(void)
{
	for (uint64_t i = 0; i < turns; i++) {
		new_pattern();
		xsetbv(0, i & 1 ? without : FPU_X87);
		yield();
		enable();
		expect_held("XCR0 was without tiles");
	}
}

static void released(void)
{
	new_pattern();
	yield();
	tiles_release();
	memset(&want, 0, sizeof(want));
	for (uint64_t i = 0; i < turns; i++) {
		yield();
		expect_held("released");
	}
}

/* CR0.TS says nothing to tiles; the FPU is used in between, and lost to others. */
static void own_ts(void)
{
	static struct fpu_registers have, got;

	new_pattern();
	fpu_pattern(&have, seed, round, FPU_FULL);
	for (uint64_t i = 0; i < turns; i++) {
		fpu_load(&have);
		yield();
		write_cr0(read_cr0() | CR0_TS);
		yield();
		expect_held("with CR0.TS");
		clts();
		fpu_store(&got);
		expect(fpu_equal(&have, &got, why, sizeof(why)), "the FPU: %s", why);
	}
}

static void own_xsave(void)
{
	static uint8_t area[TILES_AREA_SIZE] __attribute__((aligned(64)));
	static struct tile_registers other;

	if (option(DEFECT_TILES)) {
		skip(DEFECT_TILES);
		return;
	}
	for (uint64_t i = 0; i < turns; i++) {
		new_pattern();
		asm volatile("xsave" WIDE " %0"
			     : "+m"(area)
			     : "a"((uint32_t)XCR0_TILES), "d"(0)
			     : "memory");
		tiles_pattern(&other, seed, ++round);
		tiles_load(&other);
		yield();
		asm volatile("xrstor" WIDE " %0"
			     :
			     : "m"(area), "a"((uint32_t)XCR0_TILES), "d"(0)
			     : "memory");
		yield();
		expect_held("XSAVE and XRSTOR of its own");
	}
}

static void expect_xfd(const char *what, uint64_t err)
{
	expect(trap.vector == VECTOR_NM && trap.ip == trap.at, "%s: vector %d at 0x%lx", what,
	       trap.vector, (unsigned long)trap.ip);
	expect(rdmsr(MSR_XFD_ERR) == err, "%s: IA32_XFD_ERR is 0x%llx", what,
	       (unsigned long long)rdmsr(MSR_XFD_ERR));
}

static void try_write(uint32_t msr, uint64_t value)
{
	TRY("wrmsr", : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
	expect(trap.vector == VECTOR_GP, "MSR 0x%x takes 0x%llx: vector %d", msr,
	       (unsigned long long)value, trap.vector);
}

static void xfd_msrs(void)
{
	if (!tiles_xfd_offered()) {
		TRY("rdmsr", : : "c"(MSR_XFD) : "eax", "edx", "memory");
		expect(trap.vector == VECTOR_GP, "IA32_XFD reads: vector %d", trap.vector);
		try_write(MSR_XFD, 0);
		skip("no IA32_XFD here");
		return;
	}
	expect(!rdmsr(MSR_XFD) && !rdmsr(MSR_XFD_ERR), "IA32_XFD is 0x%llx, _ERR 0x%llx",
	       (unsigned long long)rdmsr(MSR_XFD), (unsigned long long)rdmsr(MSR_XFD_ERR));
	try_write(MSR_XFD, 1);
	try_write(MSR_XFD, 0x20000);
	try_write(MSR_XFD, 1ull << 63);
	try_write(MSR_XFD_ERR, 2);
	for (uint64_t i = 0; i < turns; i++) {
		uint64_t value = i & 1 ? XCR0_TILEDATA : 0, err = i & 2 ? XCR0_TILEDATA : 0;

		wrmsr(MSR_XFD, value);
		wrmsr(MSR_XFD_ERR, err);
		yield();
		expect(rdmsr(MSR_XFD) == value && rdmsr(MSR_XFD_ERR) == err,
		       "IA32_XFD is 0x%llx, _ERR 0x%llx", (unsigned long long)rdmsr(MSR_XFD),
		       (unsigned long long)rdmsr(MSR_XFD_ERR));
	}
	wrmsr(MSR_XFD, 0);
	wrmsr(MSR_XFD_ERR, 0);
}

/*
 * Its #NM comes while the FPU is somebody else's, and while it is our own; once, at the instruction
 * that needs tiles, and the FPU is as it was.
 */
static void xfd_faults(void)
{
	static uint8_t area[TILES_AREA_SIZE] __attribute__((aligned(64)));
	static struct fpu_registers have, got;
	static uint8_t row[64];

	if (!tiles_xfd_offered() || !may_fault()) {
		skip(may_fault() ? "no IA32_XFD here" : DEFECT_EXCEPTION);
		return;
	}
	for (uint64_t i = 0; i < turns; i++) {
		bool ts = i & 4;

		new_pattern();
		memset(area, 0, sizeof(area));
		asm volatile("xsave" WIDE " %0"
			     : "+m"(area)
			     : "a"((uint32_t)XCR0_TILES), "d"(0)
			     : "memory");
		fpu_pattern(&have, seed, round, FPU_FULL);
		fpu_load(&have);
		wrmsr(MSR_XFD, XCR0_TILEDATA);
		if (i & 1)
			yield();
		if (ts)
			write_cr0(read_cr0() | CR0_TS);
		TRY(TILES64("tileloadd (%0,%1,1), %%tmm0"), : : "r"(row), "r"(0ul) : "memory");
		expect_xfd("TILELOADD", XCR0_TILEDATA);
		if (i & 2)
			yield();
		expect(rdmsr(MSR_XFD_ERR) == XCR0_TILEDATA, "IA32_XFD_ERR is 0x%llx",
		       (unsigned long long)rdmsr(MSR_XFD_ERR));
		wrmsr(MSR_XFD_ERR, 0);
		TRY(TILES64("sttilecfg %0"), : "=m"(area[8192]) : : "memory");
		expect(trap.vector == NO_TRAP, "STTILECFG: vector %d", trap.vector);
		clts();
		TRY("xrstor" WIDE " %0",
		    :
		    : "m"(area), "a"((uint32_t)XCR0_TILES), "d"(0)
		    : "memory");
		expect_xfd("XRSTOR", XCR0_TILEDATA);
		wrmsr(MSR_XFD_ERR, 0);
		asm volatile("xsave" WIDE " %0"
			     : "+m"(area)
			     : "a"((uint32_t)XCR0_TILES), "d"(0)
			     : "memory");
		expect(area[512 + 2] == 2, "XSTATE_BV has 0x%x", area[512 + 2]);
		fpu_store(&got);
		expect(fpu_equal(&have, &got, why, sizeof(why)), "the FPU: %s", why);
		wrmsr(MSR_XFD, 0);
		tiles_load(&want); /* what was disabled is not to be relied on: SDM Vol. 1 13.14 */
		yield();
		expect_held("IA32_XFD was set");
	}
}

static const struct check checks[] = {
	{"offered", offered, 0},
	{"xcr0", xcr0, 0},
	{"initial", initial, NEEDS_HYPERCALL},
	{"every-exit", every_exit, 0},
	{"others-run", others_run, NEEDS_HYPERCALL},
	{"changed-in-part", changed_in_part, NEEDS_HYPERCALL},
	{"switched-off", switched_off, NEEDS_HYPERCALL},
	{"released", released, NEEDS_HYPERCALL},
	{"own-ts", own_ts, NEEDS_HYPERCALL},
	{"own-xsave", own_xsave, NEEDS_HYPERCALL},
	{"xfd-msrs", xfd_msrs, NEEDS_HYPERCALL},
	{"xfd-faults", xfd_faults, NEEDS_HYPERCALL},
};

#define CHECKS                                                                                     \
	(GUEST_BITS == 64 ? ARRAY_SIZE(checks) : 2) /* 32-bit code sees only so much of it         \
						     */

static const struct check hidden = {"hidden", out_of_reach, 0};

int guest_main(void)
{
	seed = option_number("seed", 1);
	turns = option_number("turns", 30);
	if (LIFE->magic != LIFE_MAGIC)
		LIFE->resets = 0;
	exits_start();
	fpu_enable();
	if (!tiles_offered()) {
		run_checks(&hidden, 1, NULL);
		return report_end();
	}
	fpu_calibrate_quietly(seed);
	without = xgetbv(0);
	if (have_hypercalls() && !LIFE->resets)
		wait_for_peers(option_number("peers", 1));
	for (size_t i = 0; i < CHECKS; i++) {
		if (!option_lists("only", checks[i].name))
			continue;
		enable();
		run_checks(&checks[i], 1, NULL);
	}
	print("amx: seed=%llu patterns=%llu resets=%llu\n", (unsigned long long)seed,
	      (unsigned long long)round, (unsigned long long)LIFE->resets);
	if (GUEST_BITS == 64 && !report_failures() && LIFE->resets < option_number("resets", 0)) {
		new_pattern();
		if (tiles_xfd_offered()) {
			wrmsr(MSR_XFD, XCR0_TILEDATA);
			wrmsr(MSR_XFD_ERR, XCR0_TILEDATA);
		}
		LIFE->magic = LIFE_MAGIC;
		LIFE->resets++;
		outb(0xcf9, 6);
		report_fail("reset", "still here");
	}
	return report_end();
}
