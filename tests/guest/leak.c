/*
 * Reads everything that it may without having written it: only the architectural reset state may
 * show, and later only what it wrote itself.
 *
 *   first=NAME  the first FPU instruction of its life, of the names in looks[] of leak_look.c
 *               (default: fxsave)
 *   grow        enables the components of XCR0 one by one, and looks after each
 *   wait=N      turns given to others before the first look, and between others (default 12)
 *   resets=N    resets itself so often, with all registers full, and looks again (default 0)
 *   seed=N      of the values that it writes
 *   secret      another guest altogether: fills every register with bytes 53h in each turn, until
 *   secrets=N   only so many VMs are left (default 1)
 *
 * XGETBV with ECX=1 heeds no TS, and shows which components of whoever is in the registers are in
 * use. What is neither this guest's nor initial is counted as foreign; it is no failure here,
 * because some policies allow it: the test decides.
 */
#include "leak.h"

#include "support/tiles.h"
#include "support/trap.h"

const char guest_name[] = "leak";

#define SECRET	     0x5353535353535353ull
#define HOSTS_SECRET 0x4848484848484848ull /* fpu/clobber.c */

struct life {
	uint64_t magic, resets;
};

#define LIFE	   ((volatile struct life *)0x300000)
#define LIFE_MAGIC 0x6c65616b6c696665ull
#define RAM_END	   0x380000u

extern char image_end[];

struct fpu_registers own;
uint64_t xcr0_all, in_use;

static uint64_t seed;

static unsigned probes, foreign, armed;
static uint64_t foreign_components;

/* XGETBV(1) while somebody else may be in the registers. */
static void probe(void)
{
	struct hypercall_stats stats;
	uint32_t low = 0, high = 0;

	if (!xcr0_all)
		return;
	get_stats(&stats, 0);
	TRY("xgetbv", : "+a"(low), "+d"(high) : "c"(1) : "memory");
	if (trap.vector != NO_TRAP)
		return;
	probes++;
	armed += stats.own_state != HYPERCALL_FPU_OPEN;
	if (!(low & ~in_use))
		return;
	foreign++;
	foreign_components |= low & ~in_use;
}

void let_others_run(void)
{
	for (uint64_t i = option_number("wait", 12); i; i--) {
		yield();
		probe();
	}
}

const char *whose(const void *bytes, size_t size)
{
	for (size_t i = 0; i + 8 <= size; i += 8) {
		uint64_t value;

		memcpy(&value, (const uint8_t *)bytes + i, sizeof(value));
		if (value == SECRET)
			return " (another guest's secret)";
		if (value == HOSTS_SECRET)
			return " (the hypervisor's)";
	}
	return "";
}

void look_everywhere(const char *when)
{
	static struct fpu_registers got;
	char why[128];

	fpu_store(&got);
	if (!fpu_equal(&own, &got, why, sizeof(why)))
		fail("%s: %s%s", when, why,
		     whose(&got, offsetof(struct fpu_registers, zero_upper)));
}

/* What VMX does not switch, and what it does: as the manual's table of reset states says. */
static void other_registers(void)
{
	static const struct {
		const char *name;
		uint32_t number;
		uint64_t value;
	} msrs[] = {
		{"PAT", MSR_PAT, 0x0007040600070406},
		{"SYSENTER_CS", MSR_SYSENTER_CS, 0},
		{"SYSENTER_ESP", MSR_SYSENTER_ESP, 0},
		{"SYSENTER_EIP", MSR_SYSENTER_EIP, 0},
		{"STAR", MSR_STAR, 0},
		{"LSTAR", MSR_LSTAR, 0},
		{"CSTAR", MSR_CSTAR, 0},
		{"FMASK", MSR_FMASK, 0},
		{"KERNEL_GS_BASE", MSR_KERNEL_GS_BASE, 0},
		{"TSC_AUX", MSR_TSC_AUX, 0},
	};
	uintptr_t dr[] = {read_dr0(), read_dr1(), read_dr2(), read_dr3()};

	for (unsigned i = 0; i < ARRAY_SIZE(msrs); i++) {
		uint32_t low = 0, high = 0;

		TRY("rdmsr", : "+a"(low), "+d"(high) : "c"(msrs[i].number) : "memory");
		if (trap.vector == NO_TRAP)
			expect(((uint64_t)high << 32 | low) == msrs[i].value, "%s is 0x%08x%08x",
			       msrs[i].name, high, low);
	}
	expect(!(read_cr0() & (CR0_TS | CR0_EM | CR0_MP)), "CR0 is 0x%lx",
	       (unsigned long)read_cr0());
	expect(!read_cr2(), "CR2 is 0x%lx", (unsigned long)read_cr2());
	for (unsigned i = 0; i < 4; i++)
		expect(!dr[i], "DR%u is 0x%lx", i, (unsigned long)dr[i]);
	expect((uint32_t)read_dr6() == 0xffff0ff0, "DR6 is 0x%lx", (unsigned long)read_dr6());
	expect(read_dr7() == 0x400, "DR7 is 0x%lx", (unsigned long)read_dr7());
#ifdef __x86_64__
	expect(!read_cr8(), "CR8 is 0x%lx", read_cr8());
#endif
}

/* In a new VM. A reset leaves it as it is. */
static void memory(void)
{
	if (LIFE->magic == LIFE_MAGIC)
		return;
	for (uintptr_t at = (uintptr_t)image_end; at < RAM_END; at += sizeof(uint64_t)) {
		const uint64_t *word = (const uint64_t *)at;

		if (!*word)
			continue;
		fail("0x%lx holds 0x%llx%s", (unsigned long)at, (unsigned long long)*word,
		     whose(word, sizeof(*word)));
		return;
	}
}

/* What was never written is left initial. */
static void load_own(void)
{
	static uint8_t area[FPU_AREA_SIZE] __attribute__((aligned(64)));

	if (!xcr0_all) {
		asm volatile("fxrstor" WIDE " %0" : : "m"(own.fx) : "memory");
		return;
	}
	fpu_area_make(area, &own, in_use);
	asm volatile("xrstor" WIDE " %0" : : "m"(area), "a"(~0u), "d"(~0u) : "memory");
}

/* Its own value in one more component after the other; those that it never wrote stay initial. */
static void one_by_one(void)
{
	static struct fpu_registers from;

	fpu_calibrate_quietly(seed);
	load_own();
	look_everywhere("own value loaded");
	fpu_pattern(&from, seed, LIFE->resets + 1, FPU_FULL);
	for (unsigned bit = 0; bit < 8; bit++) {
		if (!xcr0_all && bit > 1)
			return;
		if (xcr0_all && !(xcr0_all & 1u << bit))
			continue;
		for (unsigned n = 0; n < FPU_ALL_VECTORS; n++) {
			if (bit == 1 && n < FPU_LOW_VECTORS) {
				memcpy(own.vector[n], from.vector[n], 16);
				memcpy(own.fx.xmm[n], from.vector[n], 16);
			}
			if (bit == 2 && n < FPU_LOW_VECTORS)
				memcpy(own.vector[n] + 16, from.vector[n] + 16, 16);
			if (bit == 6 && n < FPU_LOW_VECTORS)
				memcpy(own.vector[n] + 32, from.vector[n] + 32, 32);
			if (bit == 7 && n >= 16)
				memcpy(own.vector[n], from.vector[n], 64);
		}
		if (bit == 0) {
			memcpy(&own.fx, &from.fx, offsetof(struct fxsave, mxcsr));
			memcpy(own.fx.st, from.fx.st, sizeof(own.fx.st));
		}
		if (bit == 1)
			own.fx.mxcsr = from.fx.mxcsr;
		if (bit == 5)
			memcpy(own.opmask, from.opmask, sizeof(own.opmask));
		in_use |= 1u << bit;
		load_own();
		look_everywhere("own value written");
		let_others_run();
		look_everywhere("own value written, and others ran");
	}
}

/* A component that is switched on later was never anybody's. Half of the times while resident. */
static void grow(void)
{
	static const uint32_t steps[] = {FPU_X87, FPU_X87 | FPU_SSE, FPU_X87 | FPU_SSE | FPU_AVX,
					 FPU_X87 | FPU_SSE | FPU_AVX | FPU_AVX512};
	uint32_t all = fpu_components;

	if (!xcr0_all) {
		skip("no XSAVE here");
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(steps); i++) {
		fpu_components = (all & ~(FPU_AVX | FPU_AVX512)) | (all & steps[i]) | FPU_SSE;
		let_others_run();
		xsetbv(0, steps[i] & xcr0_all);
		if (i & 1)
			let_others_run();
		look_everywhere("after a further bit of XCR0");
	}
}

/* Tiles are not in `own`: nobody who looks here writes them before the end of a life. */
static void tiles(void)
{
	static struct tile_registers got;
	static const struct tile_registers none;
	char why[128];

	if (!tiles_offered() || GUEST_BITS == 32)
		return;
	xsetbv(0, xcr0_all | XCR0_TILES);
	for (uint64_t i = option_number("wait", 12); i; i--) {
		tiles_store(&got);
		expect(tiles_equal(&none, &got, why, sizeof(why)), "%s%s", why,
		       whose(got.data, sizeof(got.data)));
		yield();
	}
	if (tiles_xfd_offered())
		expect(!rdmsr(MSR_XFD) && !rdmsr(MSR_XFD_ERR), "IA32_XFD is 0x%llx, _ERR 0x%llx",
		       (unsigned long long)rdmsr(MSR_XFD), (unsigned long long)rdmsr(MSR_XFD_ERR));
	xsetbv(0, xcr0_all);
}

/* All eight, of whatever shape. */
static void fill_tiles(void)
{
	static struct tile_registers secret;

	if (!tiles_offered() || GUEST_BITS == 32)
		return;
	xsetbv(0, xgetbv(0) | XCR0_TILES);
	if (tiles_xfd_offered())
		wrmsr(MSR_XFD, 0);
	tiles_pattern(&secret, seed, 1);
	for (unsigned n = 0; n < TILES; n++)
		for (unsigned row = 0; row < secret.config.rows[n]; row++)
			memset(secret.data[n][row], 0x53, secret.config.row_bytes[n]);
	tiles_load(&secret);
	if (tiles_xfd_offered()) {
		wrmsr(MSR_XFD, XCR0_TILEDATA);
		wrmsr(MSR_XFD_ERR, XCR0_TILEDATA);
	}
}

static void fill_with_secret(void)
{
	static struct fpu_registers secret;
	uint64_t left = option_number("secrets", 1), turns = 0;
	struct hypercall_stats stats;

	need_control();
	memset(&secret, 0x53, sizeof(secret));
	secret.zero_upper = false;
	secret.fx.fcw = 0x037f;
	secret.fx.fsw = 0x0353;
	secret.fx.ftw = 0xff;
	secret.fx.mxcsr = 0x5f93;
	fpu_enable();
	do {
		fpu_load(&secret);
		fill_tiles();
		yield();
		get_stats(&stats, 0);
		turns++;
	} while (stats.vms_running > left || stats.vms_settling);
	print("leak: %llu turns with a secret\n", (unsigned long long)turns);
	report_pass("secret");
}

static void enabled(void)
{
	fpu_reset_state(&own);
	in_use = FPU_X87; /* FCW is not 037Fh */
	if (cpuid(1, 0).ecx & 1u << 26) {
		write_cr4(read_cr4() | CR4_OSXSAVE);
		expect(xgetbv(0) == FPU_X87, "XCR0 is 0x%llx", (unsigned long long)xgetbv(0));
	}
	fpu_detect();
	if (fpu_components & FPU_XSAVE)
		xcr0_all = fpu_components & (FPU_X87 | FPU_SSE | FPU_AVX | FPU_AVX512);
	if (option("grow") && xcr0_all)
		xsetbv(0, FPU_X87);
}

static const struct check checks[] = {
	{"other-registers", other_registers, NEEDS_HYPERCALL},
	{"memory", memory, NEEDS_HYPERCALL},
	{"enabled", enabled, NEEDS_HYPERCALL},
	{"first-look", first_look, NEEDS_HYPERCALL},
	{"one-by-one", one_by_one, NEEDS_HYPERCALL},
	{"tiles", tiles, NEEDS_HYPERCALL},
};

static const struct check checks_growing[] = {
	{"enabled", enabled, NEEDS_HYPERCALL},
	{"grow", grow, NEEDS_HYPERCALL},
	{"one-by-one", one_by_one, NEEDS_HYPERCALL},
};

/* Every register full, for whoever looks next. */
static void leave_something_behind(void)
{
	static struct fpu_registers full;

	fpu_pattern(&full, seed, 1000, FPU_FULL);
	fpu_load(&full);
	fill_tiles();
	write_cr2(SECRET & 0x7fffffff);
	write_dr0(SECRET & 0xffffff);
	write_dr3(SECRET & 0xffffff);
#ifdef __x86_64__
	wrmsr(MSR_STAR, SECRET);
	wrmsr(MSR_LSTAR, SECRET & 0x7fffffffffff);
	wrmsr(MSR_FMASK, SECRET & 0xffffffff);
	wrmsr(MSR_KERNEL_GS_BASE, SECRET & 0x7fffffffffff);
#endif
	wrmsr(MSR_PAT, 0x0606060606060606);
	wrmsr(MSR_SYSENTER_CS, 0x53);
	wrmsr(MSR_SYSENTER_EIP, SECRET & 0x7fffffff);
	memset((void *)image_end, 0x53, 4096);
}

int guest_main(void)
{
	seed = option_number("seed", 1);
	if (option("secret")) {
		fill_with_secret();
		return report_end();
	}
	if (LIFE->magic != LIFE_MAGIC)
		LIFE->resets = 0;
	if (option("grow"))
		run_checks(checks_growing, ARRAY_SIZE(checks_growing), NULL);
	else
		run_checks(checks, ARRAY_SIZE(checks), NULL);
	print("leak: probes=%u armed=%u foreign=%u components=0x%llx\n", probes, armed, foreign,
	      (unsigned long long)foreign_components);
	leave_something_behind();
	if (!report_failures() && LIFE->resets < option_number("resets", 0)) {
		LIFE->magic = LIFE_MAGIC;
		LIFE->resets++;
		yield();
		outb(0xcf9, 6);
		report_fail("reset", "still here");
	}
	return report_end();
}
