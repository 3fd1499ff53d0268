#include <stddef.h>
#include <string.h>

#include "tests/model/fiber.h"
#include "tests/model/world.h"

struct fiber {
	_Alignas(64) uint8_t stack[FIBER_STACK];
	uint8_t *sp; /* NULL: it has ended */
};

static struct fiber fiber[CPUS_MAX];
static int current = -1;
static uint8_t *explorer_sp;
static void (*start)(void);
static unsigned int answer;

/* Callee-saved registers lie on the stack while it does not run. */
void fiber_switch(uint8_t **from, uint8_t *to);
__asm__(".text\n"
	".type fiber_switch, @function\n"
	"fiber_switch:\n"
	"	push %rbp\n	push %rbx\n	push %r12\n"
	"	push %r13\n	push %r14\n	push %r15\n"
	"	mov %rsp, (%rdi)\n"
	"	mov %rsi, %rsp\n"
	"	pop %r15\n	pop %r14\n	pop %r13\n"
	"	pop %r12\n	pop %rbx\n	pop %rbp\n"
	"	ret\n"
	".size fiber_switch, . - fiber_switch\n");

#define DEPTH	     1024 /* bytes */
#define SWITCH_WORDS 7	  /* six registers and the return address */

static _Noreturn void to_explorer_for_good(void)
{
	fiber[current].sp = NULL;
	fiber_switch(&(uint8_t *){NULL}, explorer_sp);
	__builtin_unreachable();
}

static void body(void)
{
	start();
	to_explorer_for_good();
}

_Noreturn void fiber_abort(void)
{
	to_explorer_for_good();
}

/*
 * What lies below the stack pointer is dead: cleared, so that equal states are equal bytes. No
 * operation goes deeper than this; if one did, some states would count twice.
 */
static void clear_below(const struct fiber *f)
{
	memset(f->sp - DEPTH, 0, DEPTH);
}

static void run(unsigned int cpu)
{
	current = (int)cpu;
	fiber_switch(&explorer_sp, fiber[cpu].sp);
	current = -1;
}

void fiber_start(unsigned int cpu, void (*function)(void))
{
	uint64_t *top = (uint64_t *)(fiber[cpu].stack + FIBER_STACK);

	top[-2] = (uint64_t)body; /* top[-1]: where its own return address would be */
	fiber[cpu].sp = (uint8_t *)(top - 1 - SWITCH_WORDS);
	memset(fiber[cpu].sp, 0, SWITCH_WORDS * sizeof(*top) - sizeof(*top));
	top[-1] = 0;
	clear_below(&fiber[cpu]);
	start = function;
	run(cpu);
}

void fiber_resume(unsigned int cpu, unsigned int value)
{
	clear_below(&fiber[cpu]);
	answer = value;
	run(cpu);
}

int fiber_current(void)
{
	return current;
}

unsigned int fiber_stop(unsigned int answers)
{
	int cpu = current;

	world.cpu[cpu].answers = (uint8_t)answers;
	fiber_switch(&fiber[cpu].sp, explorer_sp);
	return answer;
}

unsigned int fiber_bytes(unsigned int cpu, const uint8_t **bytes)
{
	if (!fiber[cpu].sp)
		return 0;
	*bytes = fiber[cpu].sp;
	return (unsigned int)(fiber[cpu].stack + FIBER_STACK - fiber[cpu].sp);
}

void fiber_restore(unsigned int cpu, const uint8_t *bytes, unsigned int size)
{
	fiber[cpu].sp = size ? fiber[cpu].stack + FIBER_STACK - size : NULL;
	if (size)
		memcpy(fiber[cpu].sp, bytes, size);
}
