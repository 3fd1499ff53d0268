/* vmm/hypercall.h: results, errors, registers. */
#include "exits.h"
#include "lib/format.h"

#define BEYOND ((uintptr_t)0xf0000000) /* not our memory */

static void gives(const char *what, intptr_t got, intptr_t wanted)
{
	expect(got == wanted, "%s gives %ld instead of %ld", what, (long)got, (long)wanted);
}

static void results(void)
{
	static const char text[] = "written by hypercall\n";

	gives("GET_VERSION", hypercall(HYPERCALL_GET_VERSION, 0, 0, 0), HYPERCALL_VERSION);
	gives("YIELD", hypercall(HYPERCALL_YIELD, 0, 0, 0), 0);
	gives("CONSOLE_WRITE",
	      hypercall(HYPERCALL_CONSOLE_WRITE, (uintptr_t)text, sizeof(text) - 1, 0), 0);
	gives("CONSOLE_WRITE of nothing", hypercall(HYPERCALL_CONSOLE_WRITE, (uintptr_t)text, 0, 0),
	      0);
	gives("SET_TIMER off", hypercall(HYPERCALL_SET_TIMER, 0x40, 0, 0), 0);
}

static void errors(void)
{
	struct hypercall_stats stats;

	gives("function 999", hypercall(999, 0, 0, 0), -ENOSYS);
	gives("function FFFFFFFFh", hypercall(0xffffffff, 0, 0, 0), -ENOSYS);
	gives("NO_BIOS in protected mode", hypercall(HYPERCALL_NO_BIOS, 0x10, 0, 0), -ENOSYS);
	gives("CONSOLE_WRITE beyond memory", hypercall(HYPERCALL_CONSOLE_WRITE, BEYOND, 10, 0),
	      -EFAULT);
	gives("CONSOLE_WRITE of too much", hypercall(HYPERCALL_CONSOLE_WRITE, 0x100000, 4097, 0),
	      -EINVAL);
	gives("CONSOLE_WRITE that wraps around",
	      hypercall(HYPERCALL_CONSOLE_WRITE, ~(uintptr_t)0 - 3, 16, 0), -EFAULT);
	gives("GET_STATS beyond memory", hypercall(HYPERCALL_GET_STATS, BEYOND, sizeof(stats), 0),
	      -EFAULT);
	gives("SET_TIMER with vector 3", hypercall(HYPERCALL_SET_TIMER, 3, 100, 0), -EINVAL);
	gives("SET_TIMER with vector 31", hypercall(HYPERCALL_SET_TIMER, 31, 100, 0), -EINVAL);
	gives("SET_TIMER with vector 256", hypercall(HYPERCALL_SET_TIMER, 256, 100, 0), -EINVAL);
	gives("SET_TIMER for too long",
	      hypercall(HYPERCALL_SET_TIMER, 0x40, HYPERCALL_TIMER_MAX_US + 1, 0), -EINVAL);
	if (!option("control"))
		gives("SET_FPU_POLICY without control=on",
		      hypercall(HYPERCALL_SET_FPU_POLICY, HYPERCALL_FPU_LAZY, 0, 0), -EPERM);
	gives("EXIT with status 256", hypercall(HYPERCALL_EXIT, 256, 0, 0), -EINVAL);
}

static void stats_are_cut(void)
{
	static uint8_t area[sizeof(struct hypercall_stats) + 64];
	intptr_t got;

	memset(area, 0xa5, sizeof(area));
	got = hypercall(HYPERCALL_GET_STATS, (uintptr_t)area, 24, 0);
	gives("GET_STATS of 24 bytes", got, 24);
	expect(area[24] == 0xa5, "byte 24 was written");
	expect(area[0] != 0xa5 || area[1] != 0xa5, "nothing was written");
	got = hypercall(HYPERCALL_GET_STATS, (uintptr_t)area, sizeof(area), 0);
	gives("GET_STATS of more than there is", got, sizeof(struct hypercall_stats));
	expect(area[sizeof(struct hypercall_stats)] == 0xa5, "it wrote more than it said");
	got = hypercall(HYPERCALL_GET_STATS, (uintptr_t)area, 0, 0);
	gives("GET_STATS of 0 bytes", got, 0);
}

/* Without control=on: of all fields only its own. */
static void only_own(const struct hypercall_stats *stats)
{
	struct hypercall_stats rest = *stats;
	const uint64_t *field = (const uint64_t *)&rest;

	rest.own_entries = rest.own_nm = rest.own_saves = rest.own_loads = 0;
	rest.own_state = rest.own_switches = 0;
	for (unsigned i = 0; i < sizeof(rest) / sizeof(*field); i++)
		expect(!field[i], "field %u is %llu", i, (unsigned long long)field[i]);
}

static void stats_make_sense(void)
{
	struct hypercall_stats before, after;

	get_stats(&before, 0);
	for (unsigned i = 0; i < 10; i++)
		cpuid(0, 0);
	get_stats(&after, 0);
	expect(after.own_entries - before.own_entries >= 11, "own_entries moved by %u",
	       (unsigned)(after.own_entries - before.own_entries));
	expect(after.own_switches >= before.own_switches, "own_switches went back to %u",
	       (unsigned)after.own_switches);
	expect(after.own_state <= HYPERCALL_FPU_GUARDED, "own_state is %u",
	       (unsigned)after.own_state);
	if (!option("control")) {
		only_own(&after);
		return;
	}
	expect(after.cpu_entries - before.cpu_entries >= 11, "cpu_entries moved by %u",
	       (unsigned)(after.cpu_entries - before.cpu_entries));
	expect(after.own_entries <= after.cpu_entries, "own_entries %u, cpu_entries %u",
	       (unsigned)after.own_entries, (unsigned)after.cpu_entries);
	expect(after.vms_running >= 1 && after.vms_running < 1000, "vms_running is %u",
	       (unsigned)after.vms_running);
	expect(after.cpu_tsc > after.cpu_guest_tsc && after.cpu_guest_tsc, "no time has passed");
}

static void registers_kept(void)
{
	uintptr_t a = HYPERCALL_GET_VERSION, b = 0x1b, c = 0x2c, d = 0x3d, si = 0x4e, di = 0x5f;

	asm volatile("vmcall"
		     : "+a"(a), "+b"(b), "+c"(c), "+d"(d), "+S"(si), "+D"(di)
		     :
		     : "memory");
	expect(b == 0x1b && c == 0x2c && d == 0x3d && si == 0x4e && di == 0x5f,
	       "B 0x%lx C 0x%lx D 0x%lx SI 0x%lx DI 0x%lx", (unsigned long)b, (unsigned long)c,
	       (unsigned long)d, (unsigned long)si, (unsigned long)di);
}

USER_CODE(user_vmcall, "movl $0, %eax; vmcall")
USER_CODE(user_vmcall_exit, "movl $4, %eax; movl $7, %ebx; vmcall")
USER_CODE(user_vmcall_no_bios, "movl $0x100, %eax; movl $0x10, %ebx; vmcall")

static void not_in_user_mode(void)
{
	user_call(user_vmcall, 0);
	expect(trap.vector == USER_EXIT_VECTOR, "VMCALL at CPL 3 raises %d", trap.vector);
	gives("VMCALL at CPL 3", (intptr_t)trap.ax, -EPERM);
	user_call(user_vmcall_exit, 0);
	gives("EXIT at CPL 3", (intptr_t)trap.ax, -EPERM);
	user_call(user_vmcall_no_bios, 0);
	gives("NO_BIOS at CPL 3", (intptr_t)trap.ax, -EPERM);
}

#define VECTOR_TIMER 0x40
#define PART_LINES   12

static volatile unsigned between;
extern char write_here[];

/* Where it returns to tells whether the write was under way. */
static bool interrupt(struct frame *frame)
{
	between += frame->ip == (uintptr_t)write_here;
	return true;
}

/*
 * A write that takes several parts, with an interrupt that falls due meanwhile: it goes on where it
 * was. Whether every byte came out, once and in order, is seen on the console.
 */
static void write_in_parts(void)
{
	static const unsigned delays[] = {50, 200, 1000, 4000};
	static char text[PART_LINES * 50 + 1];

	trap_handle(VECTOR_TIMER, interrupt);
	between = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(delays); i++) {
		uintptr_t a = HYPERCALL_CONSOLE_WRITE, b = (uintptr_t)text, c = 0;

		for (unsigned line = 0; line < PART_LINES; line++)
			c += format(text + c, sizeof(text) - c,
				    "write %u line %02u 0123456789abcdefghijklmnopqrst\n", i, line);
		const uintptr_t length = c;

		set_timer(VECTOR_TIMER, delays[i]);
		sti();
		asm volatile("write_here:\tvmcall" : "+a"(a), "+b"(b), "+c"(c) : "d"(0) : "memory");
		cli();
		set_timer(VECTOR_TIMER, 0);
		gives("CONSOLE_WRITE in parts", (intptr_t)a, 0);
		expect(b == (uintptr_t)text + length && !c, "EBX is %ld on, ECX %lu",
		       (long)(b - (uintptr_t)text), (unsigned long)c);
	}
	expect(between, "no interrupt came between two parts");
	trap_handle(VECTOR_TIMER, NULL);
}

const struct check hypercall_checks[] = {
	{"hypercall-results", results, NEEDS_HYPERCALL},
	{"hypercall-errors", errors, NEEDS_HYPERCALL},
	{"hypercall-stats-are-cut", stats_are_cut, NEEDS_HYPERCALL},
	{"hypercall-stats-make-sense", stats_make_sense, NEEDS_HYPERCALL},
	{"hypercall-registers-kept", registers_kept, NEEDS_HYPERCALL},
	{"hypercall-write-in-parts", write_in_parts, NEEDS_HYPERCALL},
	{"hypercall-not-in-user-mode", not_in_user_mode, NEEDS_HYPERCALL},
};
const size_t hypercall_check_count = ARRAY_SIZE(hypercall_checks);
