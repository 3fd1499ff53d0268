/*
 * Only counts: a sieve of Eratosthenes and a checksum, with exits in between, and not one FPU
 * instruction. rounds=N sieves (default 10), or with the word forever as many as it takes until
 * all other VMs have ended (which needs control=on).
 */
#include "support/guest.h"
#include "support/trap.h"

const char guest_name[] = "integer";

#define LIMIT  10000
#define PRIMES 1229 /* below LIMIT */

static uint8_t composite[LIMIT];
static volatile unsigned ticks;

#define HLT 0xf4

/*
 * A Bochs with several CPUs may let it come between STI and the HLT that waits for it
 * (smp-sti-window in tools/defects.py): it is not waited for then.
 */
static bool tick(struct frame *frame)
{
	if (*(const uint8_t *)frame->ip == HLT)
		frame->ip++;
	ticks++;
	return true;
}

static unsigned sieve(uint32_t *checksum)
{
	unsigned count = 0;

	memset(composite, 0, sizeof(composite));
	for (unsigned i = 2; i < LIMIT; i++) {
		if (composite[i])
			continue;
		count++;
		*checksum = (*checksum << 5 | *checksum >> 27) ^ i;
		for (unsigned j = i * i; j < LIMIT; j += i)
			composite[j] = 1;
	}
	return count;
}

static void leave(unsigned how)
{
	if (how % 4 == 0)
		cpuid(0, 0);
	else if (how % 4 == 1)
		inb(0x80);
	else if (how % 4 == 2)
		rdmsr(MSR_PAT);
	if (!have_hypercalls())
		return;
	yield();
	if (how % 8 == 7) {
		unsigned before = ticks;

		set_timer(0x40, 50);
		while (ticks == before)
			asm volatile("sti; hlt; cli" : : : "memory");
	}
}

int guest_main(void)
{
	bool forever = option("forever") && have_hypercalls();
	uint64_t rounds = option_number("rounds", 10), round;
	uint32_t first = 0;
	struct hypercall_stats stats;

	if (forever)
		need_control();
	trap_handle(0x40, tick);
	for (round = 0; forever || round < rounds; round++) {
		uint32_t checksum = 1;
		unsigned count = sieve(&checksum);

		if (!round)
			first = checksum;
		if (count != PRIMES || checksum != first) {
			report_fail("integer", "round %llu: %u primes, checksum 0x%x, first 0x%x",
				    (unsigned long long)round, count, checksum, first);
			return report_end();
		}
		for (unsigned i = 0; i < 8; i++)
			leave((unsigned)round + i);
		get_stats(&stats, 0);
		if (forever && stats.vms_running <= 1)
			break;
	}
	report_pass("integer");
	print("integer: %llu rounds, %u primes, checksum 0x%x\n", (unsigned long long)round, PRIMES,
	      first);
	return report_end();
}
