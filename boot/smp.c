#include "boot/smp.h"

#include <stdbool.h>
#include <stddef.h>

#include "boot/apic.h"
#include "boot/clock.h"
#include "boot/cpu.h"
#include "boot/layout.h"
#include "boot/memory.h"
#include "boot/paging.h"
#include "boot/tsc_step.h"
#include "lib/console.h"
#include "lib/string.h"
#include "lib/x86.h"

#define INIT_US	    10000
#define STARTUP_US  200
#define COMES_US    100000 /* and no longer, with room for a slow emulator */
#define GETS_ON_US  5000000
#define XAPIC_LAST  254 /* APIC ID */
#define NOBODY_MORE UINT32_MAX

extern char ap_real_mode[], ap_real_mode_end[];
extern volatile uint32_t ap_tickets, ap_called;
extern void *volatile ap_stack;
extern struct cpu *volatile ap_cpu;
extern void (*volatile ap_main)(struct cpu *cpu);

static void wait_us(uint64_t us)
{
	uint64_t end = rdtsc() + clock_us_to_tsc(us);

	while (rdtsc() < end)
		cpu_relax();
}

/* Until a ticket more than `before` was taken, or for so long. */
static bool one_comes(uint32_t before, uint64_t us)
{
	uint64_t end = rdtsc() + clock_us_to_tsc(us);

	while (ap_tickets == before && rdtsc() < end)
		cpu_relax();
	return ap_tickets != before;
}

/* Returns how many have come. */
static uint32_t summon(uint32_t apic_id, uint64_t page)
{
	uint32_t before = ap_tickets, came = before;

	apic_send_init(apic_id);
	wait_us(INIT_US);
	apic_send_startup(apic_id, page);
	if (!one_comes(before, STARTUP_US))
		apic_send_startup(apic_id, page);
	while (one_comes(came, COMES_US)) {
		came = ap_tickets;
		if (apic_id != APIC_ALL_OTHERS)
			break;
	}
	return came - before;
}

bool smp_reach(struct cpu *cpu, uint32_t from, enum cpu_stage to)
{
	return __atomic_compare_exchange_n(&cpu->stage, &from, to, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

static bool has_ended(const struct cpu *cpu)
{
	return cpu->stage == CPU_UP || cpu->stage == CPU_LEFT_OUT || cpu->stage == CPU_GIVEN_UP;
}

/* The CPU that has waited longest begins; true if all is well with it. */
static bool admit(struct cpu *cpu)
{
	uint64_t end = rdtsc() + clock_us_to_tsc(GETS_ON_US);

	ap_cpu = cpu;
	ap_stack = cpu->stacks->stack + CPU_STACK_SIZE;
	ap_called++; /* x86 keeps stores in order */
	while (!has_ended(cpu) && rdtsc() < end) {
		if (cpu->stage == CPU_MEASURES)
			tsc_step_first(&cpu->stage, CPU_MEASURES, end);
		cpu_relax();
	}
	/* from here on it does not go on */
	while (!has_ended(cpu))
		if (smp_reach(cpu, cpu->stage, CPU_GIVEN_UP))
			log_error("the CPU with APIC ID %u began, and got stuck: it is left out",
				  cpu->apic_id);
	if (cpu->stage == CPU_UP)
		cpu_add(cpu);
	return cpu->stage == CPU_UP;
}

static void start_listed(const struct smp_plan *plan, uint64_t page)
{
	struct cpu *cpu = NULL;

	for (uint32_t i = 0; i < plan->count && cpus_count() < plan->max; i++) {
		if (plan->apic_id[i] == this_cpu()->apic_id)
			continue;
		if (plan->apic_id[i] > XAPIC_LAST && !this_cpu()->apic.x2apic) {
			log_warning("the CPU with APIC ID %u is left out: the first CPU has no "
				    "x2APIC mode to reach it by",
				    plan->apic_id[i]);
			continue;
		}
		if (!cpu) /* else of one that did not come */
			cpu = plan->new_cpu();
		if (!cpu)
			return;
		if (!summon(plan->apic_id[i], page)) {
			/* not later, when the page is somebody's again */
			apic_send_init(plan->apic_id[i]);
			log_warning("the CPU with APIC ID %u did not start: it is left out",
				    plan->apic_id[i]);
			continue;
		}
		admit(cpu);
		cpu = NULL;
	}
}

static void start_whoever_is_there(const struct smp_plan *plan, uint64_t page)
{
	for (uint32_t came = summon(APIC_ALL_OTHERS, page); came && cpus_count() < plan->max;
	     came--) {
		struct cpu *cpu = plan->new_cpu();

		if (!cpu)
			return;
		admit(cpu);
	}
}

static void choose_apic_mode(const struct smp_plan *plan)
{
	for (uint32_t i = 0; i < plan->count; i++) {
		if (plan->apic_id[i] > XAPIC_LAST && !this_cpu()->apic.x2apic) {
			apic_use_x2apic();
			return;
		}
	}
}

void smp_start(const struct smp_plan *plan)
{
	static uint8_t before[PAGE_SIZE];
	uint64_t page = memory_real_mode_page();
	void *code = page ? (void *)paging_map_device(page, PAGE_SIZE) : NULL;

	if (!code) {
		log_warning("there is no memory below 640 KiB: no other CPU can start");
		return;
	}
	choose_apic_mode(plan);
	ap_main = plan->main;
	memcpy(before, code, PAGE_SIZE);
	memcpy(code, ap_real_mode, ap_real_mode_end - ap_real_mode);
	if (plan->count)
		start_listed(plan, page);
	else
		start_whoever_is_there(plan, page);
	ap_called = NOBODY_MORE;
	memcpy(code, before, PAGE_SIZE);
}
