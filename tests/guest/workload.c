/*
 * A fixed amount of work in turns, for what a policy costs: the same turns whatever they take.
 *
 *   turns=N    the measured turns; without it, turns until a VM has ended
 *   uses=N     the FPU is used in every Nth turn (1: in each; 0, the default: never)
 *   tiles      AMX's tiles are in use besides, loaded anew in each such turn
 *   exits=N    CPUID exits of a turn (default 8); with every=exit the FPU is used before each
 *   settle=N   turns before the measured ones (default 20)
 *   peers=N    settled means also: so many VMs run (default 1)
 *
 * The measured turns are one line: "workload: window key=value ...", all of it for the whole CPU:
 * it needs control=on.
 */
#include "support/fpu.h"
#include "support/guest.h"
#include "support/tiles.h"

const char guest_name[] = "workload";

static uint64_t uses, exits;
static bool every_exit, tiles;
static struct tile_registers pattern;

static void turn(uint64_t number)
{
	bool use = uses && number % uses == 0;

	for (uint64_t i = 0; i < exits; i++) {
		if (use && (i == 0 || every_exit))
			fpu_touch(0);
		if (use && tiles && i == 0)
			tiles_load(&pattern);
		cpuid(0, 0);
	}
	yield();
}

static bool all_run(uint64_t peers)
{
	struct hypercall_stats stats;

	get_stats(&stats, 0);
	return stats.vms_running >= peers;
}

#define MOVED(field) (unsigned long long)(after->field - before->field)

static void print_window(const struct hypercall_stats *before, const struct hypercall_stats *after)
{
	unsigned long long ticks = MOVED(cpu_tsc), guest_ticks = MOVED(cpu_guest_tsc);

	print("workload: window ticks=%llu root=%llu entries=%llu resident=%llu armed=%llu nm=%llu "
	      "saves=%llu loads=%llu scrubs=%llu preloads=%llu samples=%llu host=%llu xcr0=%llu "
	      "ts_writes=%llu bytes=%llu switches=%llu tiles=%llu\n",
	      ticks, ticks - guest_ticks, MOVED(cpu_entries), MOVED(cpu_resident), MOVED(cpu_armed),
	      MOVED(cpu_nm), MOVED(cpu_saves), MOVED(cpu_loads), MOVED(cpu_scrubs),
	      MOVED(cpu_preloads), MOVED(cpu_samples), MOVED(cpu_host), MOVED(cpu_xcr0),
	      MOVED(cpu_ts_writes), MOVED(cpu_bytes), MOVED(cpu_switches), MOVED(cpu_tiles));
}

int guest_main(void)
{
	uint64_t turns = option_number("turns", 0), settle = option_number("settle", 20);
	uint64_t peers = option_number("peers", 1), number = 0;
	struct hypercall_stats before, after;

	uses = option_number("uses", 0);
	exits = option_number("exits", 8);
	every_exit = option("every=exit");
	if (!have_hypercalls()) {
		report_skip("workload", "no hypercalls here");
		return report_end();
	}
	if (uses)
		fpu_enable();
	tiles = option("tiles");
	if (tiles && (!tiles_offered() || GUEST_BITS == 32)) {
		report_fail("workload", "there are no tiles here");
		return report_end();
	}
	if (tiles) {
		xsetbv(0, xgetbv(0) | XCR0_TILES);
		tiles_pattern(&pattern, 1, 1);
	}
	need_control();
	wait_for_peers(peers);
	if (turns) {
		for (; number < settle; number++)
			turn(number);
		get_stats(&before, 0);
		for (; number < settle + turns; number++)
			turn(number);
		get_stats(&after, 0);
		print_window(&before, &after);
	} else {
		while (all_run(peers))
			turn(number++);
	}
	report_pass("workload");
	return report_end();
}
