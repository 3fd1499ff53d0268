/*
 * Processes that keep patterns in every FPU register across system calls, signals whose handler
 * overwrites all of them, preemption, and moves to another CPU; and compare them bit for bit.
 *
 *	fpukeep ROUNDS [SEED [wrong]]
 *
 * With `wrong` one bit is changed on purpose, to see that it is found. Exit status: 0 if nothing
 *was wrong, 1 if something was.
 */
#include <cpuid.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 8u
#define SPINS	  20000 /* at most, of an empty loop, in which the kernel may change processes */
#define TOLD	  4	/* differences that are printed of a process */

struct registers {
	uint8_t vector[32][64];
	uint64_t mask[8];
	uint8_t x87[8][16]; /* 10 bytes each */
	uint32_t control, mxcsr;
} __attribute__((aligned(64)));

_Static_assert(offsetof(struct registers, mask) == 2048 &&
		       offsetof(struct registers, x87) == 2112 &&
		       offsetof(struct registers, control) == 2240 &&
		       offsetof(struct registers, mxcsr) == 2244,
	       "as the assembly has them");

enum level { SSE, AVX, AVX512F, AVX512BW };

static const char *const level_names[] = {"sse", "avx", "avx512f", "avx512bw"};
static enum level level;
static uint64_t cpus_online; /* at most 64, from 0 on */

/* Loads all registers, spins, makes a system call, and stores all registers. */
#define HOLD(name, store_or_load_vectors, store_vectors)                                           \
	__asm__(".text\n.globl " name "\n" name ":\n"                                              \
		"push %rbx\npush %rbp\nmov %rdi, %rbx\nmov %rsi, %rbp\n" store_or_load_vectors     \
		"fninit\nfldcw 2240(%rbx)\n"                                                       \
		".set i, 7\n.rept 8\nfldt 2112+16*i(%rbx)\n.set i, i-1\n.endr\n"                   \
		"ldmxcsr 2244(%rbx)\n"                                                             \
		"1: dec %rdx\njns 1b\n"                                                            \
		"mov %rcx, %rax\nmov %r8, %rdi\nmov %r9, %rsi\nmov 24(%rsp), %rdx\nsyscall\n"      \
		"stmxcsr 2244(%rbp)\n"                                                             \
		"fnstcw 2240(%rbp)\n"                                                              \
		".set i, 0\n.rept 8\nfstpt 2112+16*i(%rbp)\n.set i, i+1\n.endr\n" store_vectors    \
		"fninit\npop %rbp\npop %rbx\nret\n")

#define EACH(count, instruction)                                                                   \
	".altmacro\n.macro one n\n" instruction "\n.endm\n.set r, 0\n.rept " count                 \
	"\none %r\n.set r, r+1\n.endr\n.purgem one\n.noaltmacro\n"

HOLD("hold_sse", EACH("16", "movdqu 64*\\n(%rbx), %xmm\\n"),
     EACH("16", "movdqu %xmm\\n, 64*\\n(%rbp)"));
HOLD("hold_avx", EACH("16", "vmovdqu 64*\\n(%rbx), %ymm\\n"),
     EACH("16", "vmovdqu %ymm\\n, 64*\\n(%rbp)") "vzeroupper\n");
HOLD("hold_avx512f",
     EACH("32", "vmovdqu64 64*\\n(%rbx), %zmm\\n") EACH("8", "kmovw 2048+8*\\n(%rbx), %k\\n"),
     EACH("32", "vmovdqu64 %zmm\\n, 64*\\n(%rbp)")
	     EACH("8", "kmovw %k\\n, 2048+8*\\n(%rbp)") "vzeroupper\n");
HOLD("hold_avx512bw",
     EACH("32", "vmovdqu64 64*\\n(%rbx), %zmm\\n") EACH("8", "kmovq 2048+8*\\n(%rbx), %k\\n"),
     EACH("32", "vmovdqu64 %zmm\\n, 64*\\n(%rbp)")
	     EACH("8", "kmovq %k\\n, 2048+8*\\n(%rbp)") "vzeroupper\n");

typedef void hold_function(const struct registers *in, struct registers *out, uint64_t spins,
			   uint64_t call, uint64_t a, uint64_t b, const void *c);

hold_function hold_sse, hold_avx, hold_avx512f, hold_avx512bw;

static hold_function *const hold[] = {hold_sse, hold_avx, hold_avx512f, hold_avx512bw};

/* Marsaglia's xorshift64*. */
static uint64_t next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545F4914F6CDD1Dull;
}

static void fill(void *to, size_t size, uint64_t *random)
{
	for (size_t i = 0; i < size; i += 8) {
		uint64_t word = next(random);

		memcpy((uint8_t *)to + i, &word, 8);
	}
}

/* What this level does not have stays 0. */
static void choose(struct registers *r, uint64_t *random)
{
	static const size_t widths[] = {16, 32, 64, 64};

	memset(r, 0, sizeof(*r));
	for (unsigned int i = 0; i < (level >= AVX512F ? 32 : 16); i++)
		fill(r->vector[i], widths[level], random);
	for (unsigned int i = 0; i < 8 && level >= AVX512F; i++)
		r->mask[i] = next(random) & (level == AVX512BW ? UINT64_MAX : 0xFFFF);
	for (unsigned int i = 0; i < 8; i++) {
		uint64_t mantissa = next(random) | 1ull << 63;
		uint16_t exponent = (next(random) & 0x8000) | (1 + next(random) % 0x7FFE);

		memcpy(r->x87[i], &mantissa, 8);
		memcpy(r->x87[i] + 8, &exponent, 2);
	}
	r->control = 0x7F | (next(random) & 0xC00) | (next(random) & 1 ? 0x300 : 0x200);
	r->mxcsr = 0x1F80 | (next(random) & 0xE07F);
}

static uint64_t handler_random;

static void overwrite(int number)
{
	struct registers in, out;

	(void)number;
	choose(&in, &handler_random);
	hold[level](&in, &out, 0, SYS_getppid, 0, 0, NULL);
}

static unsigned int differences(const struct registers *want, const struct registers *found,
				unsigned int process, unsigned int told)
{
	const uint8_t *w = (const uint8_t *)want, *f = (const uint8_t *)found;
	unsigned int count = 0;

	for (size_t i = 0; i < sizeof(*want); i++) {
		if (w[i] == f[i])
			continue;
		if (told + count++ < TOLD)
			printf("fpukeep: process %u: byte %zu is %02x, not %02x\n", process, i,
			       f[i], w[i]);
	}
	return count;
}

/* Holds a pattern across one of the system calls. */
static void hold_once(const struct registers *in, struct registers *out, uint64_t *random)
{
	static const struct timespec {
		int64_t seconds, nanoseconds;
	} moment = {0, 1000};
	uint64_t spins = next(random) % SPINS, cpus = 1ull << next(random) % cpus_online;

	memset(out, 0, sizeof(*out));
	switch (next(random) % 5) {
	case 0:
		hold[level](in, out, spins, SYS_sched_yield, 0, 0, NULL);
		break;
	case 1:
		hold[level](in, out, spins, SYS_kill, (uint64_t)getpid(), SIGUSR1, NULL);
		break;
	case 2:
		hold[level](in, out, spins, SYS_nanosleep, (uint64_t)&moment, 0, NULL);
		break;
	case 3: /* to this CPU alone */
		hold[level](in, out, spins, SYS_sched_setaffinity, 0, sizeof(cpus), &cpus);
		break;
	default:
		hold[level](in, out, spins, SYS_getppid, 0, 0, NULL);
		break;
	}
}

static int child(unsigned int process, uint64_t rounds, uint64_t seed, bool wrong)
{
	struct registers in, out;
	uint64_t random = seed * PROCESSES + process + 1;
	unsigned int found = 0;

	handler_random = ~random;
	signal(SIGUSR1, overwrite);
	for (uint64_t round = 0; round < rounds; round++) {
		choose(&in, &random);
		hold_once(&in, &out, &random);
		out.mask[0] ^= wrong && round == rounds / 2;
		found += differences(&in, &out, process, found);
	}
	return found != 0;
}

static enum level find_level(void)
{
	uint32_t a, b, c, d, low, high;

	__cpuid(1, a, b, c, d);
	if (!(c & bit_OSXSAVE) || !(c & bit_AVX))
		return SSE;
	__asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & bit_AVX512F) || (low & 0xE0) != 0xE0)
		return AVX;
	return b & bit_AVX512BW ? AVX512BW : AVX512F;
}

int main(int count, char **words)
{
	uint64_t rounds = count > 1 ? strtoull(words[1], NULL, 0) : 0;
	uint64_t seed = count > 2 ? strtoull(words[2], NULL, 0) : 1;
	bool wrong = count > 3 && !strcmp(words[3], "wrong");
	unsigned int bad = 0;

	if (!rounds) {
		fputs("usage: fpukeep ROUNDS [SEED [wrong]]\n", stderr);
		return 2;
	}
	level = find_level();
	cpus_online = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);
	for (unsigned int i = 0; i < PROCESSES; i++) {
		pid_t pid = fork();

		if (pid < 0) {
			perror("fpukeep: fork");
			return 1;
		}
		if (!pid)
			exit(child(i, rounds, seed, wrong));
	}
	for (int status; wait(&status) > 0;)
		bad += status != 0;
	printf("fpukeep: processes=%u rounds=%llu registers=%s wrong=%u\n", PROCESSES,
	       (unsigned long long)rounds, level_names[level], bad);
	return bad != 0;
}
