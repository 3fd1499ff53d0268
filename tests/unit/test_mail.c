/* vmm/mail.c with a thread for each CPU. Nobody waits for ever, and whoever was asked has done what
 * it was asked to, once, by the time the one that asked goes on. */
#include "tests/unit/threads.h"

#include <asm/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "boot/apic.h"
#include "vmm/mail.h"
#include "vmm/pcpu.h"

#define APIC_IDS 100 /* of CPU 0 */
#define PATIENCE 120 /* seconds, of which a test takes one or two */

/* What one CPU asks another to do. None of it is atomic: mail_ask() has to order it. */
struct letter {
	uint32_t asker;
	uint64_t number;
};

static struct pcpu pcpus[MAX_CPUS];
static uint32_t rounds;
static uint64_t done[MAX_CPUS][MAX_CPUS]; /* [asker][asked]: the number of the last letter */
static uint64_t calls[MAX_CPUS][MAX_CPUS];
static uint64_t nmis[MAX_CPUS];
static uint32_t wrong, finished;
static pthread_barrier_t all_start, all_asked;
static bool meet;			/* at its first NMI each CPU waits for all others */
static void (*at_nmi)(struct pcpu *to); /* or NULL */

struct cpu *cpus[MAX_CPUS];
volatile uint32_t cpu_count;

static void become(struct pcpu *pcpu)
{
	syscall(SYS_arch_prctl, ARCH_SET_GS, pcpu); /* where this_cpu() looks */
}

static void expect(bool right)
{
	if (!right)
		__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
}

static _Thread_local bool has_met;

void apic_send_nmi(uint32_t apic_id)
{
	struct pcpu *to = &pcpus[apic_id - APIC_IDS];

	__atomic_fetch_add(&nmis[to->cpu.id], 1, __ATOMIC_RELAXED);
	if (at_nmi)
		at_nmi(to);
	if (meet && !has_met) {
		has_met = true;
		pthread_barrier_wait(&all_asked);
	}
}

static void start(uint32_t count)
{
	memset(pcpus, 0, sizeof(pcpus));
	memset(done, 0, sizeof(done));
	memset(calls, 0, sizeof(calls));
	memset(nmis, 0, sizeof(nmis));
	wrong = finished = 0;
	meet = false;
	at_nmi = NULL;
	cpu_count = count;
	for (uint32_t i = 0; i < count; i++)
		cpus[i] = &pcpus[i].cpu;
	for (uint32_t i = 0; i < count; i++)
		pcpus[i].cpu = (struct cpu){.self = &pcpus[i].cpu,
					    .id = i,
					    .apic_id = APIC_IDS + i,
					    .lock_rank = LOCK_NONE};
	alarm(PATIENCE);
}

static void carry_out(struct pcpu *pcpu, void *arg)
{
	const struct letter *letter = arg;

	expect(this_pcpu() == pcpu);
	done[letter->asker][pcpu->cpu.id] = letter->number;
	calls[letter->asker][pcpu->cpu.id]++;
}

/* Asks, and sees at once that it was done. */
static void ask(struct pcpu *pcpu, uint64_t set, uint64_t number)
{
	struct letter letter = {pcpu->cpu.id, number};
	uint64_t before[MAX_CPUS];

	memcpy(before, calls[letter.asker], sizeof(before));
	mail_ask(set, carry_out, &letter);
	for (uint32_t i = 0; i < cpu_count; i++) {
		bool asked = set >> i & 1;

		expect(calls[letter.asker][i] == before[i] + asked);
		expect(!asked || done[letter.asker][i] == number);
		expect(!(pcpus[i].mail.from >> letter.asker & 1));
	}
	letter.asker = UINT32_MAX; /* nobody looks at it any more */
}

/* As a CPU's run loop does, until all have asked what they wanted to. */
static void serve_all(struct pcpu *pcpu)
{
	__atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&finished, __ATOMIC_SEQ_CST) < cpu_count) {
		mail_serve(pcpu);
		cpu_relax();
	}
}

static void *asks_all(void *arg)
{
	struct pcpu *pcpu = arg;

	become(pcpu);
	has_met = false;
	pthread_barrier_wait(&all_start);
	for (uint32_t n = 1; n <= rounds; n++)
		ask(pcpu, pcpus_up(), n);
	serve_all(pcpu);
	return NULL;
}

static void *asks_random_sets(void *arg)
{
	struct pcpu *pcpu = arg;
	uint64_t seed = 0x3a11 + pcpu->cpu.id;

	become(pcpu);
	pthread_barrier_wait(&all_start);
	for (uint32_t n = 1; n <= rounds; n++) {
		ask(pcpu, random_next(&seed) & pcpus_up(), n);
		if (random_next(&seed) % 4 == 0)
			mail_kick(pcpu_at((uint32_t)(random_next(&seed) % cpu_count)));
		if (random_next(&seed) % 2)
			mail_serve(pcpu);
	}
	serve_all(pcpu);
	return NULL;
}

/* The odd ones only answer. */
static void *asks_if_even(void *arg)
{
	struct pcpu *pcpu = arg;

	if (!(pcpu->cpu.id & 1))
		return asks_all(arg);
	become(pcpu);
	pthread_barrier_wait(&all_start);
	serve_all(pcpu);
	return NULL;
}

static void run(void *(*body)(void *))
{
	pthread_t thread[MAX_CPUS];

	pthread_barrier_init(&all_start, NULL, cpu_count);
	pthread_barrier_init(&all_asked, NULL, cpu_count);
	for (uint32_t i = 0; i < cpu_count; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, body, &pcpus[i]), 0);
	for (uint32_t i = 0; i < cpu_count; i++)
		pthread_join(thread[i], NULL);
	pthread_barrier_destroy(&all_start);
	pthread_barrier_destroy(&all_asked);
	assert_int_equal(wrong, 0);
	for (uint32_t i = 0; i < cpu_count; i++) {
		assert_int_equal(pcpus[i].mail.from, 0);
		assert_null(pcpus[i].mail.what);
		assert_int_equal(pcpus[i].mail.nmis, nmis[i]);
	}
}

static void expect_calls(uint32_t asker, uint64_t count)
{
	for (uint32_t asked = 0; asked < cpu_count; asked++)
		assert_int_equal(calls[asker][asked], count);
}

static void all_that_ask_each_other_at_the_same_time_are_served(void **state)
{
	static const uint32_t counts[][2] = {{2, 20000}, {3, 5000}, {8, 500}, {MAX_CPUS, 3}};

	(void)state;
	for (size_t c = 0; c < ARRAY_SIZE(counts); c++) {
		start(counts[c][0]);
		rounds = counts[c][1];
		run(asks_all);
		for (uint32_t i = 0; i < cpu_count; i++) {
			expect_calls(i, rounds);
			assert_int_equal(nmis[i], (cpu_count - 1) * rounds);
		}
	}
}

/* Each has asked another one, and waits, before any has looked at what it was asked. */
static void all_that_wait_for_each_other_serve_each_other(void **state)
{
	(void)state;
	for (uint32_t count = 2; count <= 16; count++) {
		start(count);
		rounds = 1;
		meet = true;
		run(asks_all);
		for (uint32_t i = 0; i < cpu_count; i++)
			expect_calls(i, 1);
	}
}

static void whoever_asks_nothing_serves_all(void **state)
{
	(void)state;
	start(5);
	rounds = 1000;
	run(asks_if_even);
	for (uint32_t i = 0; i < cpu_count; i++)
		expect_calls(i, i & 1 ? 0 : rounds);
}

static void any_set_may_be_asked_and_anyone_kicked(void **state)
{
	(void)state;
	start(4);
	rounds = 5000;
	run(asks_random_sets);
}

/* The rest is one thread: what is asked is served when the NMI comes. */

static void serve_at_nmi(struct pcpu *to)
{
	struct pcpu *from = this_pcpu();

	assert_true(to->mail.from == pcpu_bit(from));
	become(to);
	mail_serve(to);
	become(from);
}

static void each_that_is_asked_finds_the_letter_when_the_nmi_comes(void **state)
{
	uint64_t set = 1ull << 63 | 1ull << 40 | 1ull << 3 | 1;

	(void)state;
	start(MAX_CPUS);
	at_nmi = serve_at_nmi;
	become(&pcpus[3]);
	ask(&pcpus[3], set, 7);
	assert_int_equal(wrong, 0);
	for (uint32_t i = 0; i < MAX_CPUS; i++) {
		assert_int_equal(calls[3][i], set >> i & 1);
		assert_int_equal(nmis[i], i == 3 ? 0 : set >> i & 1);
		assert_int_equal(pcpus[i].mail.nmis, nmis[i]);
	}
}

static void who_asks_itself_or_nobody_sends_nothing(void **state)
{
	(void)state;
	start(2);
	become(&pcpus[1]);
	ask(&pcpus[1], 0, 1);
	ask(&pcpus[1], 2, 2);
	assert_int_equal(wrong, 0);
	assert_int_equal(calls[1][1], 1);
	assert_int_equal(nmis[0] + nmis[1], 0);
}

static void look_at_nmi(struct pcpu *to)
{
	assert_int_equal(to->mail.kicked, 1);
}

static void a_kick_is_seen_when_the_nmi_comes_and_asks_for_nothing(void **state)
{
	(void)state;
	start(2);
	become(&pcpus[0]);
	at_nmi = look_at_nmi;
	mail_kick(&pcpus[1]);
	assert_int_equal(pcpus[1].mail.kicked, 1); /* until it has looked */
	assert_int_equal(pcpus[0].mail.kicked, 0);
	assert_int_equal(pcpus[1].mail.from, 0);
	assert_int_equal(nmis[1], 1);
	assert_int_equal(pcpus[1].mail.nmis, 1);
	assert_int_equal(nmis[0], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_ask_each_other_at_the_same_time_are_served),
		cmocka_unit_test(all_that_wait_for_each_other_serve_each_other),
		cmocka_unit_test(whoever_asks_nothing_serves_all),
		cmocka_unit_test(any_set_may_be_asked_and_anyone_kicked),
		cmocka_unit_test(each_that_is_asked_finds_the_letter_when_the_nmi_comes),
		cmocka_unit_test(who_asks_itself_or_nobody_sends_nothing),
		cmocka_unit_test(a_kick_is_seen_when_the_nmi_comes_and_asks_for_nothing),
	};

	return cmocka_run_group_tests_name("mail", tests, NULL, NULL);
}
