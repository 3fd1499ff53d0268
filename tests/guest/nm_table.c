/*
 * Which instruction faults how, for each of the eight settings of CR0.EM, MP and TS: SDM Vol. 3,
 * table 2-2 for x87 and WAIT, 13.1 for MMX and SSE, and the exception classes of Vol. 2 (2.4 and
 * 2.8) for the VEX and EVEX ones. The hypervisor's three FPU states must not show:
 *
 *   state=LIST   of open, armed, guarded (TS=1, then loses the registers), late (loses the
 *                registers, then TS=1), or all (default)
 *   peers=N      waits for so many VMs (default 2): to lose its registers it yields to a VM that
 *                takes them, the guest `clobber`
 *
 *   smp-exception-exit  only what raises nothing: support/trap.h
 *
 * Without hypercalls there is `open` only.
 */
#include "support/fpu.h"
#include "support/guest.h"
#include "support/trap.h"

const char guest_name[] = "nm-table";

enum class {
	X87,
	WAIT,
	WAIT_PENDING, /* with an unmasked exception of its own pending */
	MMX,
	SSE,
	VEX,   /* AVX, AVX-512, opmask, XSAVE and XRSTOR: TS but not EM */
	FX,    /* FXSAVE, FXRSTOR: with EM the manual and emulators disagree */
	EXEMPT /* neither */
};

#define NEEDS_AVX    1
#define NEEDS_AVX512 2
#define NEEDS_XSAVE  4
#define NEEDS_OPT    8
#define NEEDS_BMI    16
#define NEEDS_SSE42  32
#define NEEDS_XSAVEC 64
#define NEEDS_XSAVES 128

#define SPOILS_X87 1

static uint8_t area[4096] __attribute__((aligned(64)));
static uint8_t image[4096] __attribute__((aligned(64)));
static uint8_t compacted[4096] __attribute__((aligned(64)));
static uint8_t fx_image[512] __attribute__((aligned(16)));
static uint32_t mxcsr_now;

#define PROBE(name, instruction, ...)                                                              \
	static void name(void)                                                                     \
	{                                                                                          \
		TRY(instruction, __VA_ARGS__);                                                     \
	}

PROBE(do_fnop, "fnop", : : : "memory")
PROBE(do_fnstsw, "fnstsw %%ax", : : : "eax", "memory")
PROBE(do_fnstcw, "fnstcw %0", : "=m"(area) : : "memory")
PROBE(do_fld1, "fld1", : : : "memory")
PROBE(do_fxch, "fxch %%st(0)", : : : "memory")
PROBE(do_wait, "fwait", : : : "memory")
PROBE(do_mmx, "movq %%mm1, %0", : "=m"(area) : : "memory")
PROBE(do_emms, "emms", : : : "memory")
PROBE(do_movups, "movups %%xmm1, %0", : "=m"(area) : : "memory")
PROBE(do_movaps, "movaps %%xmm2, %%xmm2", : : : "memory")
PROBE(do_stmxcsr, "stmxcsr %0", : "=m"(area) : : "memory")
PROBE(do_ldmxcsr, "ldmxcsr %0", : : "m"(mxcsr_now) : "memory")
PROBE(do_ymm, "vmovdqu %%ymm1, %0", : "=m"(area) : : "memory")
PROBE(do_zmm, "vmovdqu64 %%zmm1, %0", : "=m"(area) : : "memory")
PROBE(do_kmov, "kmovw %%k1, %0", : "=m"(area) : : "memory")
PROBE(do_xsave, "xsave" WIDE " %0", : "+m"(area) : "a"(~0u), "d"(~0u) : "memory")
PROBE(do_xsaveopt, "xsaveopt" WIDE " %0", : "+m"(area) : "a"(~0u), "d"(~0u) : "memory")
PROBE(do_xrstor, "xrstor" WIDE " %0", : : "m"(image), "a"(~0u), "d"(~0u) : "memory")
PROBE(do_xsavec, "xsavec" WIDE " %0", : "+m"(area) : "a"(~0u), "d"(~0u) : "memory")
PROBE(do_xsaves, "xsaves" WIDE " %0", : "+m"(area) : "a"(~0u), "d"(~0u) : "memory")
PROBE(do_xrstors, "xrstors" WIDE " %0", : : "m"(compacted), "a"(~0u), "d"(~0u) : "memory")
PROBE(do_fxsave, "fxsave" WIDE " %0", : "=m"(area) : : "memory")
PROBE(do_fxrstor, "fxrstor" WIDE " %0", : : "m"(fx_image) : "memory")
PROBE(do_movnti, "movnti %0, %1", : : "r"(1), "m"(area) : "memory")
PROBE(do_prefetcht0, "prefetcht0 %0", : : "m"(area) : "memory")
PROBE(do_prefetchnta, "prefetchnta %0", : : "m"(area) : "memory")
PROBE(do_fences, "sfence; lfence; mfence", : : : "memory")
PROBE(do_clflush, "clflush %0", : : "m"(area) : "memory")
PROBE(do_xgetbv, "xgetbv", : : "c"(0) : "eax", "edx", "memory")
PROBE(do_andn, "andn %%eax, %%eax, %%eax", : : : "eax", "memory")
PROBE(do_popcnt, "popcnt %%ecx, %%eax", : : : "eax", "memory")
PROBE(do_crc32, "crc32l %%ecx, %%eax", : : : "eax", "memory")

static void do_xsetbv(void)
{
	uint32_t all = fpu_components & (FPU_X87 | FPU_SSE | FPU_AVX | FPU_AVX512);

	TRY("xsetbv", : : "c"(0), "a"(all), "d"(0) : "memory");
}

static const struct instruction {
	const char *name;
	void (*run)(void);
	enum class class;
	unsigned needs;
	unsigned spoils;
} instructions[] = {
	{"fnop", do_fnop, X87, 0, SPOILS_X87}, /* it is the last opcode then */
	{"fnstsw", do_fnstsw, X87, 0, 0},
	{"fnstcw", do_fnstcw, X87, 0, 0},
	{"fxch", do_fxch, X87, 0, SPOILS_X87},
	{"fld1", do_fld1, X87, 0, SPOILS_X87},
	{"wait", do_wait, WAIT, 0, 0},
	{"wait-pending", do_wait, WAIT_PENDING, 0, 0},
	{"mmx", do_mmx, MMX, 0, 0},
	{"emms", do_emms, MMX, 0, SPOILS_X87},
	{"movups", do_movups, SSE, 0, 0},
	{"movaps", do_movaps, SSE, 0, 0},
	{"stmxcsr", do_stmxcsr, SSE, 0, 0},
	{"ldmxcsr", do_ldmxcsr, SSE, 0, 0},
	{"vmovdqu-ymm", do_ymm, VEX, NEEDS_AVX, 0},
	{"vmovdqu64-zmm", do_zmm, VEX, NEEDS_AVX512, 0},
	{"kmovw", do_kmov, VEX, NEEDS_AVX512, 0},
	{"xsave", do_xsave, VEX, NEEDS_XSAVE, 0},
	{"xsaveopt", do_xsaveopt, VEX, NEEDS_XSAVE | NEEDS_OPT, 0},
	{"xrstor", do_xrstor, VEX, NEEDS_XSAVE, 0},
	{"xsavec", do_xsavec, VEX, NEEDS_XSAVEC, 0},
	{"xsaves", do_xsaves, VEX, NEEDS_XSAVES, 0},
	{"xrstors", do_xrstors, VEX, NEEDS_XSAVES, 0},
	{"fxsave", do_fxsave, FX, 0, 0},
	{"fxrstor", do_fxrstor, FX, 0, 0},
	{"movnti", do_movnti, EXEMPT, 0, 0},
	{"prefetcht0", do_prefetcht0, EXEMPT, 0, 0},
	{"prefetchnta", do_prefetchnta, EXEMPT, 0, 0},
	{"fences", do_fences, EXEMPT, 0, 0},
	{"clflush", do_clflush, EXEMPT, 0, 0},
	{"xgetbv", do_xgetbv, EXEMPT, NEEDS_XSAVE, 0},
	{"xsetbv", do_xsetbv, EXEMPT, NEEDS_XSAVE, 0},
	{"andn", do_andn, EXEMPT, NEEDS_BMI, 0},
	{"popcnt", do_popcnt, EXEMPT, NEEDS_SSE42, 0},
	{"crc32", do_crc32, EXEMPT, NEEDS_SSE42, 0},
};

enum state { OPEN, ARMED, GUARDED, LATE };

static const char *const state_names[] = {"open", "armed", "guarded", "late"};
static const uint64_t own_states[] = {HYPERCALL_FPU_OPEN, HYPERCALL_FPU_ARMED,
				      HYPERCALL_FPU_GUARDED, HYPERCALL_FPU_GUARDED};

#define ANY (-2)

static int expected(enum class class, uintptr_t cr0)
{
	bool em = cr0 & CR0_EM, mp = cr0 & CR0_MP, ts = cr0 & CR0_TS;

	switch (class) {
	case X87:
		return em || ts ? VECTOR_NM : NO_TRAP;
	case WAIT:
		return mp && ts ? VECTOR_NM : NO_TRAP;
	case WAIT_PENDING:
		return mp && ts ? VECTOR_NM : VECTOR_MF;
	case MMX:
	case SSE:
		return em ? VECTOR_UD : ts ? VECTOR_NM : NO_TRAP;
	case VEX:
		return ts ? VECTOR_NM : NO_TRAP;
	case FX:
		return em ? ANY : ts ? VECTOR_NM : NO_TRAP;
	case EXEMPT:
		return NO_TRAP;
	}
	return ANY;
}

static unsigned offered(void)
{
	struct cpuid_result features = cpuid(1, 0);
	unsigned have = 0;

	if (fpu_components & FPU_AVX)
		have |= NEEDS_AVX;
	if (fpu_components & FPU_AVX512)
		have |= NEEDS_AVX512;
	if (fpu_components & FPU_XSAVE) {
		have |= NEEDS_XSAVE;
		if (cpuid(0xd, 1).eax & 1)
			have |= NEEDS_OPT;
		if (cpuid(0xd, 1).eax & 2)
			have |= NEEDS_XSAVEC;
		if (cpuid(0xd, 1).eax & 8)
			have |= NEEDS_XSAVES;
	}
	if ((features.ecx & 1u << 20) && (features.ecx & 1u << 23))
		have |= NEEDS_SSE42;
	if (cpuid(0, 0).eax >= 7 && (cpuid(7, 0).ebx & 1u << 3) && (have & NEEDS_AVX))
		have |= NEEDS_BMI;
	return have;
}

static uint64_t round_number;
static struct fpu_registers want, got;
static int fx_em[2]; /* what FXSAVE with EM=1 raised: TS=0, TS=1 */
static bool fx_em_seen[2];

/* Loads a pattern, and makes the images that XRSTOR, XRSTORS and FXRSTOR load: the same pattern. */
static void load_pattern(enum class class)
{
	enum fpu_kind kind = class == WAIT_PENDING ? FPU_PENDING : FPU_FULL;

	fpu_pattern(&want, option_number("seed", 5), ++round_number, kind);
	mxcsr_now = want.fx.mxcsr;
	memcpy(fx_image, &want.fx, sizeof(fx_image));
	fpu_load(&want);
	if (fpu_components & FPU_XSAVE) {
		memset(image + 512, 0, 64);
		asm volatile("xsave" WIDE " %0" : "+m"(image) : "a"(~0u), "d"(~0u) : "memory");
	}
	if (offered() & NEEDS_XSAVES) {
		memset(compacted + 512, 0, 64);
		asm volatile("xsaves" WIDE " %0" : "+m"(compacted) : "a"(~0u), "d"(~0u) : "memory");
	}
}

/* Into the state, with CR0 as given; true if the hypervisor says that it is so. */
static bool prepare(enum state state, enum class class, uintptr_t cr0,
		    struct hypercall_stats *before)
{
	load_pattern(class);
	if (state == ARMED || state == LATE)
		yield();
	write_cr0(cr0);
	if (state == GUARDED)
		yield();
	if (!have_hypercalls())
		return true;
	get_stats(before, 0);
	return before->own_state == own_states[state];
}

static void judge(const struct instruction *instruction, uintptr_t cr0, uintptr_t seen_smsw,
		  uintptr_t seen_cr0)
{
	int wanted = expected(instruction->class, cr0);
	const char *bits = cr0 & CR0_EM ? (cr0 & CR0_MP ? (cr0 & CR0_TS ? "EM MP TS" : "EM MP")
							: (cr0 & CR0_TS ? "EM TS" : "EM"))
					: (cr0 & CR0_MP ? (cr0 & CR0_TS ? "MP TS" : "MP")
							: (cr0 & CR0_TS ? "TS" : "none"));
	char why[128];

	if (wanted == ANY) {
		unsigned ts = (cr0 & CR0_TS) != 0;

		if (!fx_em_seen[ts])
			fx_em[ts] = trap.vector;
		else
			expect(fx_em[ts] == trap.vector, "%s: with EM vector %d, elsewhere %d",
			       bits, trap.vector, fx_em[ts]);
		fx_em_seen[ts] = true;
	} else {
		expect(trap.vector == wanted, "%s: vector %d instead of %d", bits, trap.vector,
		       wanted);
	}
	if (trap.vector != NO_TRAP)
		expect(trap.ip == trap.at, "%s: trap at 0x%lx instead of 0x%lx", bits,
		       (unsigned long)trap.ip, (unsigned long)trap.at);
	expect(seen_cr0 == cr0, "%s: CR0 reads 0x%lx instead of 0x%lx", bits,
	       (unsigned long)seen_cr0, (unsigned long)cr0);
	expect((seen_smsw & 0xffff) == (cr0 & 0xffff), "%s: SMSW gives 0x%lx, CR0 is 0x%lx", bits,
	       (unsigned long)seen_smsw, (unsigned long)cr0);
	if (instruction->spoils && trap.vector == NO_TRAP) {
		memcpy(&got.fx, &want.fx, offsetof(struct fxsave, mxcsr));
		memcpy(got.fx.st, want.fx.st, sizeof(got.fx.st));
	}
	/* MMX puts the top of the stack to 0, which FPU_FULL has anyway */
	expect(fpu_equal(&want, &got, why, sizeof(why)), "%s: afterwards %s", bits, why);
}

static void try_once(const struct instruction *instruction, enum state state, uintptr_t cr0)
{
	uintptr_t base = (read_cr0() | CR0_MP | CR0_NE) & ~(CR0_EM | CR0_TS);
	struct hypercall_stats before, after;

	cr0 |= base & ~CR0_MP;
	for (unsigned attempt = 0; attempt < 20; attempt++) {
		uintptr_t seen_smsw, seen_cr0;
		struct trap raised;
		bool ready = prepare(state, instruction->class, cr0, &before);

		if (ready) {
			instruction->run();
			raised = trap;
			seen_smsw = smsw();
			seen_cr0 = read_cr0();
			get_stats(&after, 0);
		}
		write_cr0(base);
		fpu_store(&got);
		/* a slice that ended in between may have brought another state */
		if (!ready || (have_hypercalls() && after.own_switches != before.own_switches))
			continue;
		trap = raised;
		judge(instruction, cr0, seen_smsw, seen_cr0);
		if (state == ARMED && instruction->class == EXEMPT)
			expect(after.own_nm == before.own_nm, "an exempt instruction trapped");
		return;
	}
	fail("never was in state %s: own_state=%u", state_names[state], (unsigned)before.own_state);
}

static const struct instruction *current;
static enum state current_state;

static void run_row(void)
{
	for (unsigned bits = 0; bits < 8; bits++) {
		uintptr_t cr0 =
			(bits & 4 ? CR0_EM : 0) | (bits & 2 ? CR0_MP : 0) | (bits & 1 ? CR0_TS : 0);

		if (current_state == ARMED && (cr0 & CR0_TS))
			continue; /* that would be GUARDED */
		if (current_state > ARMED && !(cr0 & CR0_TS))
			continue;
		if (expected(current->class, cr0) != NO_TRAP && option(DEFECT_EXCEPTION))
			continue;
		try_once(current, current_state, cr0);
	}
}

int guest_main(void)
{
	unsigned have;

	fpu_enable();
	fpu_calibrate(5);
	have = offered();
	if (have_hypercalls() && (option_lists("state", "armed") || option_lists("state", "late") ||
				  option_lists("state", "guarded")))
		wait_for_peers(option_number("peers", 2));
	for (unsigned s = OPEN; s <= LATE; s++) {
		if (!option_lists("state", state_names[s]))
			continue;
		current_state = (enum state)s;
		if (s != OPEN && !have_hypercalls()) {
			report_skip(state_names[s], "no hypercalls here");
			continue;
		}
		for (unsigned i = 0; i < ARRAY_SIZE(instructions); i++) {
			char name[64];
			struct check check = {name, run_row, 0};

			current = &instructions[i];
			if ((current->needs & have) != current->needs)
				continue;
			copy_string(name, sizeof(name), state_names[s]);
			name[strlen(name)] = '-';
			copy_string(name + strlen(state_names[s]) + 1, 48, current->name);
			run_checks(&check, 1, NULL);
		}
	}
	for (unsigned ts = 0; ts < 2; ts++)
		if (fx_em_seen[ts])
			print("fxsave-em: TS=%u vector=%d\n", ts, fx_em[ts]);
	return report_end();
}
