/*
 * Random FPU work, checked bit for bit against a model in memory, between random exits, changes of
 * XCR0, uses of its own CR0.TS and resets of itself. All of it follows from the seed.
 *
 *   seed=N     of everything (default 1)
 *   steps=N    operations (default 2000)
 *   peers=N    waits at first until so many VMs run (default 1)
 *   reset      resets itself now and then, with all registers in use; the number of the step is
 *              kept in RAM beyond the image
 *   policies   changes the hypervisor's FPU policy all the time: the module line needs control=on
 *   only=LIST  of the names in operations[] below (default: all)
 *   no-irq     no interrupts whose handler uses the FPU
 *   init-zmm-upper  stay away from XRSTOR that makes bits 255:128 initial and leaves 511:256 out:
 *              the machine zeroes both
 *   smp-exception-exit, smp-sti-window  stay away from what these spoil: support/leave.h, trap.h
 *   amx-xsave  only tiles that XSAVE keeps there: support/tiles.h
 *   trace      prints the name of each step's operation
 *
 * What is wrong is printed with seed and step: the same module lines and options repeat it.
 */
#include "torture.h"

#include "lib/format.h"
#include "support/leave.h"
#include "support/tiles.h"

const char guest_name[] = "torture";

struct fpu_registers model;
uint32_t loose;
volatile bool loose_by_interrupt;
uint64_t xcr0_all, xcr0_now;

static uint64_t seed, step, drawn, verified;
static bool failed_now, have_tiles;

/* What outlives a reset. */
struct life {
	uint64_t magic, seed, step, resets, verified;
};

#define LIFE	   ((volatile struct life *)0x300000)
#define LIFE_MAGIC 0x6566696c646c6f00ull

extern char image_end[];

static const struct operation {
	const char *name;
	void (*run)(void);
	unsigned weight;
} operations[] = {
	{"load", load_everything, 8},
	{"x87", change_x87, 14},
	{"sse", change_sse, 8},
	{"vex", change_vex, 8},
	{"evex", change_evex, 6},
	{"mmx", change_mmx, 5},
	{"save", area_save, 8},
	{"restore", area_restore, 8},
	{"swap", area_swap, 4},
	{"malformed", area_malformed, 3},
	{"xcr0", change_xcr0, 6},
	{"ts", own_ts, 6},
	{"em", own_em, 2},
	{"wait", wait_for_nothing, 5},
	{"exit", other_exits, 6},
	{"reset", reset_myself, 2},
	{"policy", change_policy, 4},
	{"tiles", change_tiles, 12}, /* if there are any */
};

#define RECENT 12
static const char *recent[RECENT];

uint64_t draw(void)
{
	return fpu_random(seed, step, drawn++);
}

unsigned below(unsigned limit)
{
	return (uint32_t)(draw() >> 16) % limit;
}

bool is_wrong(void)
{
	return failed_now;
}

void wrong(const char *fmt, ...)
{
	char text[200];
	va_list args;

	if (failed_now)
		return;
	failed_now = true;
	cli();
	va_start(args, fmt);
	format_v(text, sizeof(text), fmt, args);
	va_end(args);
	report_fail("torture", "seed=%llu step=%llu %s xcr0=0x%llx: %s", (unsigned long long)seed,
		    (unsigned long long)step, recent[step % RECENT], (unsigned long long)xcr0_now,
		    text);
	print("torture: the steps before:");
	for (uint64_t i = step < RECENT ? 0 : step - RECENT + 1; i < step; i++)
		print(" %s", recent[i % RECENT] ? recent[i % RECENT] : "(before the reset)");
	print("\n");
}

/* VEX instructions may have zeroed the upper halves while AVX-512 was off, each one or none of it.
 */
static void settle_loose(void)
{
	static struct fpu_registers got;
	static const uint8_t zero[32];

	if (loose_by_interrupt)
		loose = ~0u;
	if (!loose || !(xcr0_now & FPU_AVX512))
		return;
	fpu_store(&got);
	for (unsigned n = 0; n < FPU_LOW_VECTORS; n++)
		if ((loose & 1u << n) && !memcmp(got.vector[n] + 32, zero, 32))
			model_vector(n, NULL, 32, 32);
	loose = 0;
	loose_by_interrupt = false;
}

static void compare_all(const char *when)
{
	static struct fpu_registers got;
	char why[128];

	fpu_store(&got);
	if (!fpu_equal(&model, &got, why, sizeof(why)))
		wrong("%s%s", when, why);
	verified++;
}

void verify_all(void)
{
	settle_loose();
	compare_all("");
}

static void verify_one(void)
{
	static uint8_t bytes[64] __attribute__((aligned(64)));
	unsigned low = below(FPU_LOW_VECTORS), any = below(FPU_ALL_VECTORS), k = below(8);
	uint8_t want[8] = {0};
	char why[128];
	bool equal = true;

	memset(bytes, 0, sizeof(bytes));
	switch (below(6)) {
	case 0:
		asm volatile("stmxcsr %0" : "=m"(bytes) : : "memory");
		memcpy(want, &model.fx.mxcsr, 4);
		equal = fpu_part_equal("mxcsr", 0, want, bytes, 8, why, sizeof(why));
		break;
	case 1:
		asm volatile("fnstcw %0" : "=m"(bytes) : : "memory");
		asm volatile("fnstsw %0" : "=m"(bytes[2]) : : "memory");
		memcpy(want, &model.fx.fcw, 4);
		equal = fpu_part_equal("fcw and fsw", 0, want, bytes, 8, why, sizeof(why));
		break;
	case 2:
		register_op(movups_store, low, bytes);
		equal = fpu_part_equal("xmm", low, model.vector[low], bytes, 16, why, sizeof(why));
		break;
	case 3:
		if (!(fpu_components & FPU_AVX))
			return;
		register_op(vmov_ymm_store, low, bytes);
		equal = fpu_part_equal("ymm", low, model.vector[low], bytes, 32, why, sizeof(why));
		break;
	case 4:
		if (!(fpu_components & FPU_AVX512))
			return;
		register_op(vmov_zmm_store, any, bytes);
		equal = fpu_part_equal("zmm", any, model.vector[any], bytes, 64, why, sizeof(why));
		break;
	default:
		if (!(fpu_components & FPU_AVX512))
			return;
		register_op(fpu_components & FPU_K64 ? kmovq_store : kmovw_store, k, bytes);
		equal = fpu_part_equal("k", k, &model.opmask[k], bytes, 8, why, sizeof(why));
		break;
	}
	if (!equal)
		wrong("alone: %s", why);
	verified++;
}

void verify(void)
{
	char why[128];

	settle_loose();
	switch (below(8)) {
	case 0:
	case 1:
		fpu_touch((unsigned)draw());
		compare_all("");
		return;
	case 2:
		if (xcr0_now) {
			area_save();
			return;
		}
		compare_all("");
		return;
	case 3:
		if (!fpu_equal_by_tags(&model, why, sizeof(why)))
			wrong("%s", why);
		/* FNSTENV masks all exceptions: none is pending any more */
		model.fx.fcw |= 0x3f;
		model.fx.fsw &= 0x7f7f;
		return;
	default:
		for (unsigned i = 1 + below(3); i; i--)
			verify_one();
		return;
	}
}

bool may_fault(void)
{
	return !option(DEFECT_EXCEPTION);
}

void pause_here(void)
{
	unsigned how = below(8), which = below(exit_count), ticks = below(4000);
	uint64_t start = rdtsc();

	if (how == 0 && have_hypercalls())
		yield();
	if (how == 1)
		cpuid(0, 0);
	while (how == 2 && rdtsc() - start < ticks)
		asm volatile("" : : : "memory");
	/* xsetbv is an operation of its own here, and preempt takes too long when it is alone */
	if (how == 3 && !exit_missing(&exits[which]) && strcmp(exits[which].name, "xsetbv") &&
	    strcmp(exits[which].name, "preempt"))
		exits[which].leave();
}

void reset_myself(void)
{
	if (!option("reset") || !have_hypercalls())
		return;
	if (below(4))
		load_everything();
	if (below(2)) /* comes due in the next life, unless the reset cancels it */
		set_timer(FPU_TIMER_VECTOR, 1 + below(300));
	LIFE->magic = LIFE_MAGIC;
	LIFE->seed = seed;
	LIFE->step = step + 1;
	LIFE->resets++;
	LIFE->verified = verified;
	if (below(2))
		outb(0xcf9, 6);
	else
		outb(0x64, 0xfe);
	wrong("still here after a reset");
}

void change_policy(void)
{
	intptr_t before;

	if (!option("policies") || !have_hypercalls())
		return;
	before = hypercall(HYPERCALL_SET_FPU_POLICY, below(6), 0, 0);
	if (before < 0 || before > 5)
		wrong("policy: the hypercall returns %ld", (long)before);
}

/* As the processor is after a reset, and the VM after its start: nothing of anybody's. */
static void begin_life(void)
{
	fpu_reset_state(&model);
	if (!have_hypercalls()) {
		fpu_enable();
		fpu_initial_state(&model);
	}
	recent[step % RECENT] = "start";
	if (have_hypercalls() && (cpuid(1, 0).ecx & 1u << 26)) {
		write_cr4(read_cr4() | CR4_OSXSAVE);
		xcr0_now = xgetbv(0);
		if (xcr0_now != FPU_X87)
			wrong("XCR0 is 0x%llx", (unsigned long long)xcr0_now);
	}
	fpu_detect();
	xcr0_all = fpu_components & FPU_XSAVE
			   ? fpu_components & (FPU_X87 | FPU_SSE | FPU_AVX | FPU_AVX512)
			   : 0;
	xcr0_now = xcr0_all;
	have_tiles = GUEST_BITS == 64 && xcr0_all && tiles_offered();
	if (below(2))
		fpu_touch((unsigned)draw());
	compare_all(LIFE->resets ? "after a reset: " : "at the start: ");
	fpu_calibrate_quietly(seed);
	fpu_load(&model);
	/* FXRSTOR and moves leave nothing initial that was not: now it is known what is there */
	verify_all();
}

static bool continue_life(void)
{
	if (LIFE->magic != LIFE_MAGIC || LIFE->seed != seed) {
		LIFE->resets = 0;
		return false;
	}
	step = LIFE->step;
	verified = LIFE->verified;
	return true;
}

static unsigned weight_of(const struct operation *operation)
{
	return operation->run == change_tiles && !have_tiles ? 0 : operation->weight;
}

static const struct operation *pick(void)
{
	unsigned total = 0, at;

	for (unsigned i = 0; i < ARRAY_SIZE(operations); i++)
		total += weight_of(&operations[i]);
	at = below(total);
	for (unsigned i = 0;; i++) {
		if (at < weight_of(&operations[i]))
			return &operations[i];
		at -= weight_of(&operations[i]);
	}
}

static void one_step(bool interrupts, bool trace)
{
	const struct operation *operation;

	drawn = 0;
	operation = pick();
	recent[step % RECENT] = operation->name;
	if (!option_lists("only", operation->name))
		return;
	if (trace)
		print("torture: step %llu %s xcr0=0x%llx loose=0x%x\n", (unsigned long long)step,
		      operation->name, (unsigned long long)xcr0_now, loose);
	if (interrupts && below(4) == 0) {
		set_timer(FPU_TIMER_VECTOR, 1 + below(400));
		sti();
	}
	operation->run();
	pause_here();
	if (below(2))
		verify();
	cli();
}

int guest_main(void)
{
	uint64_t steps = option_number("steps", 2000);
	bool interrupts, trace = option("trace"), again;

	seed = option_number("seed", 1);
	interrupts = have_hypercalls() && !option("no-irq");
	if ((uintptr_t)image_end > (uintptr_t)LIFE) {
		report_fail("torture", "the image reaches over what must outlive a reset");
		return report_end();
	}
	again = continue_life();
	if (!again)
		wait_for_peers(option_number("peers", 1));
	begin_life();
	exits_start();
	start_interrupts();
	for (; step < steps && !is_wrong(); step++)
		one_step(interrupts, trace);
	if (!is_wrong())
		verify_all();
	if (!is_wrong())
		report_pass("torture");
	print("torture: seed=%llu steps=%llu resets=%llu verified=%llu\n", (unsigned long long)seed,
	      (unsigned long long)step, (unsigned long long)LIFE->resets,
	      (unsigned long long)verified);
	return report_end();
}
