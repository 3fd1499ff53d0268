/*
 * What operations cost that a guest leaves to its hypervisor, in TSC ticks; on Bochs a tick is an
 * instruction, and the figures repeat to the tick. Runs under any hypervisor: what needs Resident
 * is left out elsewhere. The table is in bench_tests.c.
 *
 *   only=LIST   the tests to run, by name; without it all but those that need peers or options
 *   rounds=N    of each test (default 200, at most 1000), after warm=N others (default 20)
 *   vms=N       so many VMs there are, this one included: waits for them (needs control=on)
 *   after=N     waits so many milliseconds more, until nothing is left to be printed (default 0)
 *   traced=N    so many rounds more of each test, each between two magic breakpoints
 *   window=N    these are between two XCHG CX,CX instead, which stop nothing; if N is not 0, one
 *               breakpoint is before the first test and one N milliseconds after the last
 *   khz=N       the TSC's frequency (default 10000: Bochs as the tests configure it)
 *
 * A line a test, all of them at the end:
 *
 *   @bench name=cpuid-0 vms=1 instructions=N mean=N least=N most=N same=N rounds=N
 *
 * instructions is what most rounds took ("same" many of them), the smallest of these where several
 * are as frequent. The others were disturbed, by the end of a slice perhaps: the mean has them.
 * Then "bench: done".
 *
 * The peers are this kernel with one of these words:
 *
 *   halt        halts, with a timer of a minute, for ever
 *   yield       yields for ever; with uses, the FPU is used in each turn
 *   spin        never gives up a slice; with uses, the FPU is used all the time
 *
 * And alone: cpuid=MS executes CPUID for so many milliseconds, each time with the same result.
 */
#include "bench.h"

#include "support/fpu.h"
#include "support/guest.h"
#include "support/trap.h"

const char guest_name[] = "bench";

#define ROUNDS_MAX   1000
#define TESTS_MAX    64
#define PEER_TIMER   0x41
#define PEER_MINUTE  60000000u
#define TRACED_LIMIT 64

struct result {
	const struct bench_test *test;
	uint64_t figure, mean, least, most, same;
};

static struct result results[TESTS_MAX];
static unsigned result_count;
static uint64_t samples[ROUNDS_MAX];
static uint64_t rounds, warm_up, reference;
static bool tracing, in_window;

/* One function, so that the call and the readings cost every operation the same. */
static __attribute__((noinline)) uint64_t ticks_of(void (*operation)(void))
{
	uint64_t start = rdtsc();

	operation();
	return rdtsc() - start;
}

uint64_t bench_ticks(void (*operation)(void))
{
	return ticks_of(operation) - reference;
}

static void nothing(void)
{
}

static uint64_t run_round(const struct bench_test *test)
{
	if (test->before)
		test->before();
	return test->measure ? test->measure() : bench_ticks(test->operation);
}

static void stop_here(void)
{
	asm volatile("xchg %%bx, %%bx" : : : "memory");
}

void bench_mark(void)
{
	if (tracing && in_window)
		asm volatile("xchg %%cx, %%cx" : : : "memory");
	else if (tracing)
		stop_here();
}

static void run_traced(const struct bench_test *test, uint64_t count)
{
	tracing = true;
	while (count--) {
		if (test->before)
			test->before();
		if (test->measure) {
			test->measure();
			continue;
		}
		bench_mark();
		test->operation();
		bench_mark();
	}
	tracing = false;
}

static void sort(uint64_t *values, uint64_t count)
{
	for (uint64_t i = 1; i < count; i++) {
		uint64_t value = values[i], at = i;

		for (; at && values[at - 1] > value; at--)
			values[at] = values[at - 1];
		values[at] = value;
	}
}

static void evaluate(struct result *result)
{
	uint64_t run = 0, sum = 0;

	sort(samples, rounds);
	result->least = samples[0];
	result->most = samples[rounds - 1];
	for (uint64_t i = 0; i < rounds; i++) {
		sum += samples[i];
		run = i && samples[i] == samples[i - 1] ? run + 1 : 1;
		if (run > result->same) {
			result->same = run;
			result->figure = samples[i];
		}
	}
	result->mean = (sum + rounds / 2) / rounds;
}

static void run_test(const struct bench_test *test, uint64_t traced)
{
	struct result *result = &results[result_count++];

	result->test = test;
	for (uint64_t i = 0; i < warm_up; i++)
		run_round(test);
	for (uint64_t i = 0; i < rounds; i++)
		samples[i] = run_round(test);
	evaluate(result);
	run_traced(test, traced);
}

static bool can_run(const struct bench_test *test)
{
	struct cpuid_result leaf1 = cpuid(1, 0);

	if ((test->needs & BENCH_HYPERCALL) && !have_hypercalls())
		return false;
	if ((test->needs & BENCH_HYPERVISOR) && !(leaf1.ecx & 1u << 31))
		return false;
	if ((test->needs & BENCH_APIC) && !(leaf1.edx & 1u << 9))
		return false;
	if ((test->needs & BENCH_X2APIC) && !(leaf1.ecx & 1u << 21))
		return false;
	return !(test->needs & BENCH_XSAVE) || (leaf1.ecx & 1u << 26);
}

static bool wanted(const struct bench_test *test)
{
	char word[8];
	bool all = true;

	/* option_lists() takes no list for all, and so it does "all" */
	for (unsigned n = 0; option_word(n, word, sizeof(word)); n++)
		all &= strncmp(word, "only=", 5) != 0;
	return option_lists("only", test->name) && !(all && (test->needs & BENCH_NAMED));
}

static void print_results(uint64_t vms)
{
	for (unsigned i = 0; i < result_count; i++) {
		const struct result *r = &results[i];

		print("@bench name=%s vms=%llu instructions=%llu mean=%llu least=%llu most=%llu "
		      "same=%llu rounds=%llu\n",
		      r->test->name, (unsigned long long)vms, (unsigned long long)r->figure,
		      (unsigned long long)r->mean, (unsigned long long)r->least,
		      (unsigned long long)r->most, (unsigned long long)r->same,
		      (unsigned long long)rounds);
	}
	print("bench: done\n");
}

static void be_halted(void)
{
	for (;;) {
		set_timer(PEER_TIMER, PEER_MINUTE);
		asm volatile("sti; hlt; cli" : : : "memory");
	}
}

static void be_yielding(bool uses)
{
	if (uses)
		fpu_enable();
	for (;;) {
		if (uses)
			fpu_touch(0);
		yield();
	}
}

static void be_spinning(bool uses)
{
	if (uses)
		fpu_enable();
	for (;;) {
		if (uses)
			fpu_touch(0);
		asm volatile("" : : : "memory");
	}
}

static bool peer_tick(struct frame *frame)
{
	(void)frame;
	return true;
}

static void run_tests(uint64_t traced)
{
	bool fpu = false;

	if (cpuid(1, 0).ecx & 1u << 26)
		write_cr4(read_cr4() | CR4_OSXSAVE);
	for (size_t i = 0; i < bench_test_count; i++) {
		const struct bench_test *test = &bench_tests[i];

		if (!wanted(test))
			continue;
		if (!can_run(test)) {
			report_skip(test->name, "not possible here");
			continue;
		}
		if ((test->needs & BENCH_FPU) && !fpu) {
			fpu_enable();
			fpu = true;
		}
		run_test(test, traced);
	}
}

static void wait_ms(uint64_t ms)
{
	uint64_t start = rdtsc(), ticks = ms * option_number("khz", 10000);

	while (rdtsc() - start < ticks)
		asm volatile("" : : : "memory");
}

static int repeat_cpuid(uint64_t ms)
{
	uint64_t start = rdtsc(), ticks = ms * option_number("khz", 10000);
	struct cpuid_result first = cpuid(0, 0);

	while (rdtsc() - start < ticks) {
		struct cpuid_result next = cpuid(0, 0);

		if (memcmp(&first, &next, sizeof(first))) {
			report_fail("cpuid", "another result than at first");
			return report_end();
		}
	}
	report_pass("cpuid");
	return report_end();
}

int guest_main(void)
{
	uint64_t vms = option_number("vms", 1), traced = option_number("traced", 0);
	uint64_t window = option_number("window", UINT64_MAX);

	trap_handle(PEER_TIMER, peer_tick);
	if (option("halt"))
		be_halted();
	if (option("yield"))
		be_yielding(option("uses"));
	if (option("spin"))
		be_spinning(option("uses"));
	if (option_number("cpuid", 0))
		return repeat_cpuid(option_number("cpuid", 0));
	rounds = option_number("rounds", 200);
	warm_up = option_number("warm", 20);
	if (!rounds || rounds > ROUNDS_MAX || traced > TRACED_LIMIT) {
		report_fail("bench", "rounds= is 1 to %u, traced= at most %u", ROUNDS_MAX,
			    TRACED_LIMIT);
		return report_end();
	}
	if (vms > 1)
		wait_for_peers(vms);
	wait_ms(option_number("after", 0));
	bench_tests_start();
	reference = ticks_of(nothing);
	in_window = window != UINT64_MAX;
	if (in_window && window)
		stop_here();
	run_tests(traced);
	if (in_window && window) {
		wait_ms(window);
		stop_here();
	}
	print_results(vms);
	report_pass("bench");
	return report_end();
}
