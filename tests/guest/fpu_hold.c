/*
 * Holds a pattern in every FPU register while leaving for every kind of exit, and compares after
 * each, bit for bit.
 *
 *   seed=N     the patterns are this VM's own (default 1)
 *   rounds=N   passes over all kinds of exit (default 14)
 *   via=LIST   of the names in exits[] of support/leave.c, or all (default)
 *   snapshot   labelled snapshots 1 and 2 of the counters around the passes, after it has settled;
 *              like the next it needs control=on
 *   yields=N   instead of the passes: between the snapshots exactly N times use the FPU, then yield
 *   peers=N    settled means: so many VMs run (default 2 with snapshot or yields, else 1)
 *   settle=N   turns before and after the window of yields=N, so that windows overlap (default 17)
 *   linger=N   turns at the end that yield and leave the FPU alone (default 0)
 *   smp-exception-exit, smp-sti-window  without the exits that these spoil: support/leave.h
 *   no-fcs     leave FCS and FDS out: 64-bit XSAVE drops them
 */
#include "support/fpu.h"
#include "support/guest.h"
#include "support/leave.h"

const char guest_name[] = "fpu-hold";

static uint64_t seed, turns;

static bool failed[EXITS_MAX];
static unsigned long checks;

/* Each pattern is new, so that an old one that comes back shows. */
static bool hold(const struct exit *exit, uint64_t turn, char *why, size_t size)
{
	static struct fpu_registers want, got;

	fpu_pattern(&want, seed, turn, (enum fpu_kind)(turn / exit_count % FPU_KINDS));
	fpu_load(&want);
	exit->leave();
	fpu_touch((unsigned)(turn / exit_count * 5 + turn));
	fpu_store(&got);
	checks++;
	if (!fpu_equal(&want, &got, why, size))
		return false;
	/* and now by the other ways to see it, first after a further exit */
	exit->leave();
	if (turn & 1)
		return fpu_equal_by_xsave(&want, why, size);
	return fpu_equal_by_tags(&want, why, size);
}

static void pass_over_exits(uint64_t round)
{
	char why[128];

	for (unsigned i = 0; i < exit_count; i++) {
		/* odd and even turns for every kind of exit */
		uint64_t turn = round * exit_count + i + (round / FPU_KINDS & 1);

		if (!option_lists("via", exits[i].name) || exit_missing(&exits[i]) || failed[i])
			continue;
		if (hold(&exits[i], turn, why, sizeof(why)))
			continue;
		failed[i] = true;
		report_fail(exits[i].name, "round %llu: %s", (unsigned long long)round, why);
	}
}

static void report_exits(void)
{
	for (unsigned i = 0; i < exit_count; i++) {
		if (!option_lists("via", exits[i].name) || failed[i])
			continue;
		if (exit_missing(&exits[i]))
			report_skip(exits[i].name, exit_missing(&exits[i]));
		else
			report_pass(exits[i].name);
	}
}

/* One turn of FPU use, as short as can be, and then another VM's. */
static bool turn(bool leave, char *why, size_t size)
{
	static struct fpu_registers want[2], got;
	static bool started;
	unsigned now = turns & 1;
	bool equal = true;

	if (!started) {
		fpu_pattern(&want[0], seed, 1, FPU_FULL);
		fpu_pattern(&want[1], seed, 2, FPU_FULL);
		fpu_load(&want[now]);
		started = true;
	} else {
		fpu_store(&got);
		fpu_load(&want[now]);
		equal = fpu_equal(&want[!now], &got, why, size);
	}
	turns++;
	if (leave)
		yield();
	return equal;
}

/*
 * Uses the FPU and yields until nothing moves any more. With another FPU user about, or under a
 * policy that saves at every switch, that never comes true: it goes on after a while.
 */
static void wait_until_stable(void)
{
	struct hypercall_stats before, now;
	unsigned quiet = 0;
	char why[128];

	get_stats(&before, 0);
	for (unsigned i = 0; i < 500 && quiet < 8; i++) {
		if (!turn(true, why, sizeof(why))) {
			report_fail("settle", "%s", why);
			return;
		}
		get_stats(&now, 0);
		if (now.cpu_loads == before.cpu_loads && now.cpu_saves == before.cpu_saves &&
		    now.cpu_nm == before.cpu_nm && now.cpu_ts_writes == before.cpu_ts_writes &&
		    now.cpu_host == before.cpu_host && !now.vms_settling)
			quiet++;
		else
			quiet = 0;
		before = now;
	}
	if (quiet < 8)
		print("fpu-hold: the counters do not come to rest\n");
}

#define MOVED(field) (unsigned long long)(after->field - before->field)

static void print_window(const struct hypercall_stats *before, const struct hypercall_stats *after,
			 uint64_t count)
{
	print("fpu-hold: window turns=%llu entries=%llu resident=%llu armed=%llu switches=%llu "
	      "nm=%llu loads=%llu saves=%llu host=%llu xcr0=%llu ts_writes=%llu bytes=%llu\n",
	      (unsigned long long)count, MOVED(cpu_entries), MOVED(cpu_resident), MOVED(cpu_armed),
	      MOVED(cpu_switches), MOVED(cpu_nm), MOVED(cpu_loads), MOVED(cpu_saves),
	      MOVED(cpu_host), MOVED(cpu_xcr0), MOVED(cpu_ts_writes), MOVED(cpu_bytes));
	print("fpu-hold: own entries=%llu nm=%llu loads=%llu saves=%llu\n", MOVED(own_entries),
	      MOVED(own_nm), MOVED(own_loads), MOVED(own_saves));
}

/*
 * A labelled snapshot takes the place of a yield: printing it takes long, and the slice may be over
 * or not. Either way the others get one turn, no more and no less.
 */
static void snapshot_and_yield(struct hypercall_stats *stats, unsigned label)
{
	struct hypercall_stats now;

	get_stats(stats, label);
	get_stats(&now, 0);
	if (now.own_switches == stats->own_switches)
		yield();
}

/*
 * Two such guests start within a turn of each other, when both see that all is settled; each goes
 * on for some turns before and after its window, so that within it the other always takes its
 * turns too: each of the two loads once for each turn. Nothing is printed until that is over: it
 * would take several slices.
 */
static void yields_between_snapshots(uint64_t count, uint64_t settle)
{
	struct hypercall_stats before, after;
	char why[128] = "", first[128] = "";

	if (!settle)
		settle = 1;
	for (uint64_t i = 0; i < settle + count + settle; i++) {
		bool last_before = i == settle - 1, last = i == settle + count - 1;

		if (!turn(!last_before && !last, why, sizeof(why)) && !*first)
			copy_string(first, sizeof(first), why);
		if (last_before)
			snapshot_and_yield(&before, 1);
		if (last)
			snapshot_and_yield(&after, 2);
	}
	if (*first)
		report_fail("yields", "%s", first);
	else
		report_pass("yields");
	print_window(&before, &after, count);
}

static void passes_between_snapshots(uint64_t rounds)
{
	struct hypercall_stats before, after;

	wait_until_stable();
	get_stats(&before, 1);
	for (uint64_t round = 0; round < rounds; round++)
		pass_over_exits(round);
	get_stats(&after, 2);
	report_exits();
	print_window(&before, &after, rounds);
}

int guest_main(void)
{
	uint64_t rounds = option_number("rounds", 2 * FPU_KINDS);
	uint64_t yields = option_number("yields", 0);
	bool snapshot = option("snapshot") || yields;
	uint64_t peers = option_number("peers", snapshot ? 2 : 1);

	seed = option_number("seed", 1);
	exits_start();
	fpu_enable();
	fpu_calibrate(seed);
	if (snapshot && !have_hypercalls()) {
		report_skip("snapshot", "no hypercalls here");
		snapshot = false;
	}
	if (snapshot)
		need_control();
	if (have_hypercalls())
		wait_for_peers(peers);
	if (snapshot && yields) {
		yields_between_snapshots(yields, option_number("settle", 17));
	} else if (snapshot) {
		passes_between_snapshots(rounds);
	} else {
		for (uint64_t round = 0; round < rounds; round++)
			pass_over_exits(round);
		report_exits();
	}
	for (uint64_t i = option_number("linger", 0); i && have_hypercalls(); i--)
		yield();
	print("fpu-hold: seed=%llu checks=%lu turns=%llu\n", (unsigned long long)seed, checks,
	      (unsigned long long)turns);
	return report_end();
}
