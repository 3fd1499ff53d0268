#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "tests/model/access.h"
#include "tests/model/fiber.h"
#include "tests/model/mail_access.h"
#include "tests/model/world.h"

bool access_tracing;
static char label[CPUS_MAX][64];

const char *access_label(unsigned int cpu)
{
	return label[cpu];
}

static unsigned int stop(unsigned int answers, const char *verb, const char *what)
{
	int me = fiber_current();

	if (me < 0)
		return 0;
	if (access_tracing)
		snprintf(label[me], sizeof(label[me]), "%s%s", verb, what);
	return fiber_stop(answers);
}

unsigned int access_choose(const char *what, unsigned int answers)
{
	return stop(answers, "", what);
}

void access_hook(const char *what, enum grain from)
{
	if (configuration->grain >= from)
		stop(1, "", what);
}

/* What another CPU can see or make a difference to. */
static enum grain of_shared(bool shared)
{
	return shared ? GRAIN_SHARED : GRAIN_EVERY;
}

void access_split(enum grain from, bool write, const char *name)
{
	if (configuration->grain >= from)
		stop(1, write ? "write " : "read ", name);
}

#define AT ACCESS_AT

/* Another CPU sees of this one no more than id, owner and dirty, and changes nothing. */
static void cpu_access(unsigned int me, unsigned int cpu, size_t offset, bool write)
{
	static const char *const owner[] = {"cpu0.owner", "cpu1.owner"};
	static const char *const dirty[] = {"cpu0.dirty", "cpu1.dirty"};
	static const char *const other[] = {"cpu0", "cpu1"};
	bool whole = offset == 0 && write; /* fpu_cpu_init() */

	if (AT(fpu_cpu, owner, offset) || AT(fpu_cpu, dirty, offset)) {
		require(cpu == me || !write, "a CPU writes another's owner or dirty");
		access_split(of_shared(cpu != me || write), write,
			     (AT(fpu_cpu, owner, offset) ? owner : dirty)[cpu]);
		return;
	}
	if (AT(fpu_cpu, id, offset) && !write)
		return;
	require(cpu == me, "a CPU touches another's own data");
	if (!AT(fpu_cpu, counters, offset))
		access_split(of_shared(whole), write, other[cpu]);
}

/* The CPU's registers hold the context's newest value: until that is saved it has a say in it. */
static bool entrusted(unsigned int cpu, const struct model_context *context)
{
	return world.cpu[cpu].pcpu.fpu.dirty &&
	       fpu_resident(&world.cpu[cpu].pcpu.fpu, &context->vcpu.fpu.context);
}

/*
 * Whoever holds a context may touch it, and nobody else meanwhile: that is no place to stop at. But
 * the CPU whose registers have its newest value reads home, and counts, until `dirty` is false; for
 * as long nobody else changes home. When the context has ended all CPUs release it, in any order.
 */
static void context_access(unsigned int me, unsigned int c, size_t offset, bool write)
{
	static const char *const home[] = {"A.home", "B.home", "C.home"};
	static const char *const other[] = {"A", "B", "C"};
	const struct model_context *context = &world.context[c];
	bool mine = configuration->mail ? mail_has(me, c) : world.cpu[me].held == c;

	require(context->life != LIFE_FREE, "the memory of a context that has ended is touched");
	if (AT(fpu_context, home, offset)) {
		require(mine || entrusted(me, context) || context->life == LIFE_ENDING,
			"home is touched by a CPU that does not hold the context");
		for (unsigned int i = 0; i < CPUS_MAX; i++)
			require(!write || i == me || !entrusted(i, context),
				"home is changed while another CPU has yet to save the context");
		access_split(of_shared(context->life == LIFE_ENDING), write, home[c]);
	} else if (AT(fpu_context, counters, offset)) {
		require(mine || context->life == LIFE_ENDING || entrusted(me, context),
			"a context's counters are written by two CPUs at a time");
	} else {
		require(mine, "a context is touched by a CPU that does not hold it");
		access_split(GRAIN_EVERY, write, other[c]);
	}
}

void access_touch(const volatile void *address, bool write)
{
	const char *at = (const char *)address;
	int me = fiber_current();

	if (me < 0 || at < (const char *)&world || at >= (const char *)(&world + 1))
		return;
	for (unsigned int i = 0; i < CPUS_MAX; i++) {
		const char *base = (const char *)&world.cpu[i].pcpu.fpu;

		if (at >= base && at < base + sizeof(struct fpu_cpu))
			cpu_access((unsigned int)me, i, (size_t)(at - base), write);
	}
	for (unsigned int c = 0; c < CONTEXTS_MAX; c++) {
		const char *base = (const char *)&world.context[c].vcpu.fpu.context;

		if (at >= base && at < base + sizeof(struct fpu_context))
			context_access((unsigned int)me, c, (size_t)(at - base), write);
	}
	if (configuration->mail)
		mail_touch((unsigned int)me, at, write);
}

/* What the compiler calls, with the address about to be accessed. */
#define ON_ACCESS(name, write)                                                                     \
	void name(const void *address);                                                            \
	void name(const void *address)                                                             \
	{                                                                                          \
		access_touch(address, write);                                                      \
	}

ON_ACCESS(__tsan_read1, false)
ON_ACCESS(__tsan_read2, false)
ON_ACCESS(__tsan_read4, false)
ON_ACCESS(__tsan_read8, false)
ON_ACCESS(__tsan_read16, false)
ON_ACCESS(__tsan_write1, true)
ON_ACCESS(__tsan_write2, true)
ON_ACCESS(__tsan_write4, true)
ON_ACCESS(__tsan_write8, true)
ON_ACCESS(__tsan_write16, true)

void __tsan_read_range(const void *address, size_t size);
void __tsan_read_range(const void *address, size_t size)
{
	(void)size;
	access_touch(address, false);
}

void __tsan_write_range(const void *address, size_t size);
void __tsan_write_range(const void *address, size_t size)
{
	(void)size;
	access_touch(address, true);
}

void __tsan_init(void);
void __tsan_init(void)
{
}

/* assert() in the core. */
void __assert_fail(const char *condition, const char *file, unsigned int line,
		   const char *function);
void __assert_fail(const char *condition, const char *file, unsigned int line, const char *function)
{
	static char what[200];

	if (!violated)
		snprintf(what, sizeof(what), "assertion failed: %s (%s, %s:%u)", condition,
			 function, file, line);
	violation(what);
	__builtin_trap();
}
