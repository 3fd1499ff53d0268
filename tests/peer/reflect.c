/*
 * What a round trip to a hypervisor that is itself a guest costs where it does nothing: VMX
 * switched on, a VMCS as Resident's but for what Resident can do without, in it CPUID again and
 * again, and a handler of a dozen instructions that steps over it. Started in Resident's place, not
 * by it: `make bench PEER=nested` has the difference.
 *
 *   rounds=N  (default 200, at most 1000), after as many others
 *   osxsave   CR4.OSXSAVE is set here and not in the guest
 *   nx        EFER.NXE is set here and not in the guest, as in Resident under the guest `bench`
 *   vmx-timer, apic-timer  the one or the other counts meanwhile, and does not come to its end
 *
 * Two lines, "nothing" to be taken away from the other:
 *
 *   @reflect name=cpuid ticks=N least=N mean=N rounds=N
 */
#include "tests/guest/support/guest.h"

#include "tests/peer/reflect.h"
#include "vmx/exit_reasons.h"

const char guest_name[] = "reflect";

#define ROUNDS_MAX 1000

/* SDM Vol. 3A 10.5.4 */
#define APIC_LVT_TIMER	   0xfee00320ul
#define APIC_TIMER_INITIAL 0xfee00380ul
#define APIC_TIMER_DIVIDE  0xfee003e0ul
#define APIC_DIVIDE_BY_16  3
#define TIMER_VECTOR	   0x40

static uint64_t samples[2][ROUNDS_MAX];
static uint64_t rounds;

static __attribute__((noinline)) uint64_t ticks_of(bool leaves)
{
	uint64_t start = rdtsc();

	if (leaves)
		asm volatile("cpuid" : : "a"(0), "c"(0) : "rbx", "rdx", "memory");
	else
		asm volatile("" : : "a"(0), "c"(0) : "rbx", "rdx", "memory");
	return rdtsc() - start;
}

/* In the guest, on a stack of its own; never returns. */
static void guest_code(void)
{
	for (int pass = 0; pass < 2; pass++)
		for (uint64_t i = 0; i < rounds; i++) {
			samples[0][i] = ticks_of(false);
			samples[1][i] = ticks_of(true);
		}
	asm volatile("vmcall" : : : "memory");
}

/* What most rounds took, the smallest of these where several are as frequent. */
static void tell(const char *name, const uint64_t *sample)
{
	uint64_t figure = 0, same = 0, least = UINT64_MAX, sum = 0;

	for (uint64_t i = 0; i < rounds; i++) {
		uint64_t count = 0;

		for (uint64_t j = 0; j < rounds; j++)
			count += sample[j] == sample[i];
		if (count > same || (count == same && sample[i] < figure)) {
			figure = sample[i];
			same = count;
		}
		least = sample[i] < least ? sample[i] : least;
		sum += sample[i];
	}
	print("@reflect name=%s ticks=%lu least=%lu mean=%lu rounds=%lu\n", name, figure, least,
	      sum / rounds, rounds);
}

int guest_main(void)
{
	const struct reflect_options options = {
		.osxsave = option("osxsave"), .nx = option("nx"), .timer = option("vmx-timer")};
	uint64_t reason;

	rounds = option_number("rounds", 200);
	if (!rounds || rounds > ROUNDS_MAX || !reflect_start(guest_code, &options)) {
		print("FAIL reflect: rounds= is 1 to %u, and VMX has to be there\n", ROUNDS_MAX);
		return 1;
	}
	if (option("apic-timer")) {
		*(volatile uint32_t *)APIC_TIMER_DIVIDE = APIC_DIVIDE_BY_16;
		*(volatile uint32_t *)APIC_LVT_TIMER = TIMER_VECTOR;
		*(volatile uint32_t *)APIC_TIMER_INITIAL = UINT32_MAX;
	}
	reason = reflect_run();
	if (reason != EXIT_REASON_VMCALL) {
		print("FAIL reflect: the guest ended with exit reason 0x%lx\n", reason);
		return 1;
	}
	tell("nothing", samples[0]);
	tell("cpuid", samples[1]);
	return 0;
}
