/*
 * Two tasks, switched lazily by this guest itself: CR0.TS at every switch, and a #NM handler that
 * does what such handlers do. It must see exactly its own #NMs, one for each switch after which
 * the FPU is used, each at the instruction that used it.
 *
 *   rounds=N   task switches (default 400)
 *   seed=N     of the patterns, and of who does what when
 */
#include "support/fpu.h"
#include "support/guest.h"
#include "support/trap.h"

const char guest_name[] = "own-ts";

/* Where the next #NM must be, if there is to be one. Set by the asm of USE. */
uint32_t nm_expected_at;

static unsigned nm_seen, nm_wrong;
static uintptr_t nm_wrong_at, nm_wrong_instead;

struct task {
	uint8_t area[4096] __attribute__((aligned(64))); /* its saved state */
	struct fpu_registers want;
	bool started;
};

static struct task tasks[2];
static struct task *current, *owner;
static uint64_t seed, patterns;

static void save(struct task *task)
{
	if (fpu_components & FPU_XSAVE)
#ifdef __x86_64__
		asm volatile("xsave64 %0" : "+m"(task->area) : "a"(~0u), "d"(~0u) : "memory");
	else
		asm volatile("fxsave64 %0" : "=m"(task->area) : : "memory");
#else
		asm volatile("xsave %0" : "+m"(task->area) : "a"(~0u), "d"(~0u) : "memory");
	else
		asm volatile("fxsave %0" : "=m"(task->area) : : "memory");
#endif
}

static void restore(struct task *task)
{
	if (fpu_components & FPU_XSAVE)
#ifdef __x86_64__
		asm volatile("xrstor64 %0" : : "m"(task->area), "a"(~0u), "d"(~0u) : "memory");
	else
		asm volatile("fxrstor64 %0" : : "m"(task->area) : "memory");
#else
		asm volatile("xrstor %0" : : "m"(task->area), "a"(~0u), "d"(~0u) : "memory");
	else
		asm volatile("fxrstor %0" : : "m"(task->area) : "memory");
#endif
}

static bool device_not_available(struct frame *frame)
{
	nm_seen++;
	if (frame->ip != nm_expected_at || !(read_cr0() & CR0_TS)) {
		nm_wrong++;
		nm_wrong_at = frame->ip;
		nm_wrong_instead = nm_expected_at;
	}
	if (nm_seen & 1)
		clts();
	else
		write_cr0(read_cr0() & ~CR0_TS);
	if (owner == current)
		return true;
	if (owner)
		save(owner);
	restore(current);
	owner = current;
	return true;
}

/* One instruction of the FPU at a known place. */
#define USE(instruction, ...)                                                                      \
	asm volatile("movl $991f, nm_expected_at\n991:\t" instruction                              \
		     "\n\tmovl $0, nm_expected_at" __VA_ARGS__)

static void use_first(unsigned n)
{
	static uint8_t area[64] __attribute__((aligned(64)));

	switch (n % 7) {
	case 0:
		USE("fnstsw %%ax", : : : "eax", "memory");
		return;
	case 1:
		USE("movups %%xmm0, %0", : "=m"(area) : : "memory");
		return;
	case 2:
		USE("fwait", : : : "memory");
		return;
	case 3:
		USE("stmxcsr %0", : "=m"(area) : : "memory");
		return;
	case 4:
		if (fpu_components & FPU_AVX)
			USE("vmovdqu %%ymm3, %0", : "=m"(area) : : "memory");
		else
			USE("movq %%mm0, %0", : "=m"(area) : : "memory");
		return;
	case 5:
		if (fpu_components & FPU_AVX512)
			USE("kmovw %%k2, %0", : "=m"(area) : : "memory");
		else
			USE("fnstsw %0", : "=m"(area) : : "memory");
		return;
	default:
		USE("fnstcw %0", : "=m"(area) : : "memory");
		return;
	}
}

static void maybe_yield(uint64_t bits)
{
	if (have_hypercalls() && (bits & 1))
		yield();
	else if (bits & 2)
		cpuid(0, 0);
}

static void switch_to(struct task *task, uint64_t bits)
{
	current = task;
	if (bits & 1)
		write_cr0(read_cr0() | CR0_TS);
	else
		lmsw((uint16_t)(smsw() | CR0_TS));
}

/* The current task checks its pattern and makes a new one. False, and why, if it was not there. */
static bool use(unsigned n, char *why, size_t size)
{
	static struct fpu_registers got;

	use_first(n);
	if (current->started) {
		fpu_store(&got);
		if (!fpu_equal(&current->want, &got, why, size))
			return false;
	}
	current->started = true;
	fpu_pattern(&current->want, seed, ++patterns, FPU_FULL);
	fpu_load(&current->want);
	return true;
}

static void two_tasks(void)
{
	uint64_t rounds = option_number("rounds", 400);
	unsigned wanted = 0;
	char why[128];

	nm_seen = nm_wrong = 0;
	for (uint64_t round = 0; round < rounds; round++) {
		uint64_t bits = fpu_random(seed, round, 1);
		unsigned uses = (bits >> 8) % 3;

		switch_to(&tasks[bits >> 16 & 1], bits >> 20);
		maybe_yield(bits >> 24);
		for (unsigned i = 0; i < uses; i++) {
			if (!use((unsigned)(bits >> 32) + i, why, sizeof(why))) {
				fail("switch %llu: %s", (unsigned long long)round, why);
				return;
			}
			maybe_yield(bits >> (40 + 2 * i));
		}
		wanted += uses != 0;
		if (!expect(nm_seen == wanted, "switch %llu: %u #NMs instead of %u",
			    (unsigned long long)round, nm_seen, wanted))
			return;
		if (!expect(!nm_wrong, "switch %llu: #NM at 0x%lx instead of 0x%lx",
			    (unsigned long long)round, (unsigned long)nm_wrong_at,
			    (unsigned long)nm_wrong_instead))
			return;
	}
	clts();
	print("own-ts: switches=%llu nm=%u wanted=%u\n", (unsigned long long)rounds, nm_seen,
	      wanted);
}

/* TS=1 and MP=0: WAIT does not look at TS, and no foreign exception may reach it. */
static void wait_without_mp(void)
{
	uintptr_t cr0 = read_cr0() & ~CR0_TS;

	write_cr0(cr0);
	nm_seen = nm_wrong = 0;
	fpu_pattern(&tasks[0].want, seed, ++patterns, FPU_FULL);
	owner = current = &tasks[0];
	fpu_load(&tasks[0].want);
	for (unsigned i = 0; i < 50; i++) {
		write_cr0((cr0 | CR0_TS) & ~CR0_MP);
		maybe_yield(i);
		USE("fwait", : : : "memory");
		write_cr0(cr0);
	}
	expect(!nm_seen, "%u #NMs by WAIT with MP=0", nm_seen);
}

/* TS=1 and MP=1: one #NM each, at the WAIT. */
static void wait_with_mp(void)
{
	uintptr_t cr0 = (read_cr0() | CR0_MP) & ~CR0_TS;

	write_cr0(cr0);
	nm_seen = nm_wrong = 0;
	owner = current = &tasks[0];
	for (unsigned i = 0; i < 50; i++) {
		write_cr0(cr0 | CR0_TS);
		maybe_yield(i);
		USE("fwait", : : : "memory");
	}
	expect(nm_seen == 50, "%u #NMs instead of 50", nm_seen);
	expect(!nm_wrong, "#NM at 0x%lx instead of 0x%lx", (unsigned long)nm_wrong_at,
	       (unsigned long)nm_wrong_instead);
}

/* TS set and cleared again with no use in between, across exits: none at all. */
static void set_and_clear(void)
{
	struct fpu_registers *want = &tasks[0].want;
	static struct fpu_registers got;
	char why[128];

	clts();
	nm_seen = 0;
	owner = current = &tasks[0];
	for (unsigned i = 0; i < 50; i++) {
		fpu_pattern(want, seed, ++patterns, FPU_FULL);
		fpu_load(want);
		switch_to(current, i);
		maybe_yield(i);
		if (i & 2)
			clts();
		else
			write_cr0(read_cr0() & ~CR0_TS);
		if (i & 4)
			maybe_yield(1);
		fpu_store(&got);
		if (!expect(fpu_equal(want, &got, why, sizeof(why)), "turn %u: %s", i, why))
			return;
	}
	expect(!nm_seen, "%u #NMs though TS was clear again", nm_seen);
}

static const struct check checks[] = {
	{"two-tasks", two_tasks, 0},
	{"wait-without-mp", wait_without_mp, 0},
	{"wait-with-mp", wait_with_mp, 0},
	{"set-and-clear", set_and_clear, 0},
};

int guest_main(void)
{
	seed = option_number("seed", 3);
	fpu_enable();
	fpu_calibrate(seed);
	for (unsigned i = 0; i < 2; i++)
		save(&tasks[i]);
	wait_for_peers(option_number("peers", 1));
	trap_handle(VECTOR_NM, device_not_available);
	run_checks(checks, ARRAY_SIZE(checks), "only");
	return report_end();
}
