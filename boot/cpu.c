#include "boot/cpu.h"

#include <stddef.h>

#include "boot/memory.h"
#include "lib/lock.h"
#include "lib/x86.h"

struct cpu_stacks first_stacks __attribute__((section(".bss.stacks")));

/* Written by the first CPU, at boot. */
struct cpu *cpus[MAX_CPUS];
volatile uint32_t cpu_count;

void cpu_add(struct cpu *cpu)
{
	cpus[cpu_count] = cpu;
	cpu_count++;
}

/* All there are; filled at boot by the first CPU. */
static const struct cpu_stacks *all_stacks[MAX_CPUS] = {&first_stacks};
static uint32_t stacks_count = 1;

_Static_assert(offsetof(struct cpu, id) == LOCK_CPU_ID &&
		       offsetof(struct cpu, lock_rank) == LOCK_CPU_RANK,
	       "lib/lock.h reads them there");
_Static_assert(offsetof(struct cpu_stacks, ist) == PAGE_SIZE + CPU_STACK_SIZE,
	       "boot/start.S begins there");

static void load_gdt(struct cpu *cpu)
{
	const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) gdtr = {sizeof(cpu->gdt) - 1, (uint64_t)cpu->gdt};
	uint64_t tss = (uint64_t)&cpu->tss, limit = sizeof(cpu->tss) - 1;

	cpu->gdt[SELECTOR_CODE / 8] = 0x00af9b000000ffff;
	cpu->gdt[SELECTOR_DATA / 8] = 0x00cf93000000ffff;
	/* 64-bit available TSS (SDM Vol. 3A 7.2.3) */
	cpu->gdt[SELECTOR_TSS / 8] = (limit & 0xffff) | (tss & 0xffffff) << 16 | 0x89ull << 40 |
				     (tss >> 24 & 0xff) << 56;
	cpu->gdt[SELECTOR_TSS / 8 + 1] = tss >> 32;
	__asm__ volatile("lgdt %0" : : "m"(gdtr));
}

static void load_tss(struct cpu *cpu)
{
	for (unsigned int i = 0; i < IST_END - 1; i++)
		cpu->tss.ist[i] = (uint64_t)(&cpu->stacks->ist[i] + 1);
	cpu->tss.io_map_base = sizeof(cpu->tss);
	__asm__ volatile("ltr %w0" : : "r"(SELECTOR_TSS));
}

void cpu_enter(struct cpu *cpu)
{
	cpu->self = cpu;
	cpu->lock_rank = LOCK_NONE;
	wrmsr(MSR_GS_BASE, (uint64_t)cpu);
	load_gdt(cpu);
	load_tss(cpu);
}

static bool inside(uint64_t address, const uint8_t *start, uint64_t size)
{
	return address - (uint64_t)start < size;
}

uint64_t cpu_stack_end(uint64_t address)
{
	const struct cpu_stacks *s = this_cpu()->stacks;

	if (inside(address, s->stack, sizeof(s->stack)))
		return (uint64_t)(s->stack + sizeof(s->stack));
	for (unsigned int i = 0; i < IST_END - 1; i++)
		if (inside(address, s->ist[i].stack, sizeof(s->ist[i].stack)))
			return (uint64_t)(&s->ist[i] + 1);
	return 0;
}

static bool touches(uint64_t start, uint64_t end, const uint8_t *guard)
{
	return start < (uint64_t)guard + PAGE_SIZE && end > (uint64_t)guard;
}

static bool has_guard(const struct cpu_stacks *s, uint64_t start, uint64_t end)
{
	if (touches(start, end, s->guard))
		return true;
	for (unsigned int i = 0; i < IST_END - 1; i++)
		if (touches(start, end, s->ist[i].guard))
			return true;
	return false;
}

bool cpu_has_guard(uint64_t start, uint64_t end)
{
	for (uint32_t i = 0; i < stacks_count; i++)
		if (has_guard(all_stacks[i], start, end))
			return true;
	return false;
}

void cpu_for_each_guard(const struct cpu_stacks *s, void (*unmap)(uint64_t page))
{
	unmap((uint64_t)s->guard);
	for (unsigned int i = 0; i < IST_END - 1; i++)
		unmap((uint64_t)s->ist[i].guard);
}

struct cpu_stacks *cpu_make_stacks(void)
{
	struct cpu_stacks *stacks;

	if (stacks_count == MAX_CPUS)
		return NULL;
	stacks = (struct cpu_stacks *)memory_alloc_low(sizeof(*stacks), PAGE_SIZE);
	if (stacks)
		all_stacks[stacks_count++] = stacks;
	return stacks;
}
