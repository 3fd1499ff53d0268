/* How CPUs are started, given something to do, and waited for. */
#include "smp.h"

#define PIC_MASTER 0x20
#define PIC_SLAVE  0xa0
#define PATIENCE   200000 /* looks, each after a while */
#define PAUSES	   32

extern char smp_blob[], smp_blob_end[], smp_stacks[];
void smp_main(uint32_t self, uint32_t cr0, uint32_t edx);

unsigned smp_cpus;
struct smp_cpu smp_cpu[SMP_CPUS_MAX];

unsigned smp_self(void)
{
	char here;
	uintptr_t offset = (uintptr_t)&here - (uintptr_t)smp_stacks;

	return offset < SMP_CPUS_MAX * SMP_STACK_SIZE ? (unsigned)(offset >> SMP_STACK_SHIFT) : 0;
}

static bool uses_x2apic(void)
{
	return rdmsr(MSR_APIC_BASE) & APIC_BASE_X2APIC;
}

static volatile uint32_t *apic_register(unsigned offset)
{
	return (volatile uint32_t *)(uintptr_t)(APIC + offset);
}

uint32_t apic_read(unsigned offset)
{
	return uses_x2apic() ? (uint32_t)rdmsr(MSR_X2APIC(offset)) : *apic_register(offset);
}

void apic_write(unsigned offset, uint32_t value)
{
	if (uses_x2apic())
		wrmsr(MSR_X2APIC(offset), value);
	else
		*apic_register(offset) = value;
}

void apic_send(uint32_t destination, uint32_t command)
{
	if (uses_x2apic()) {
		wrmsr(MSR_X2APIC(APIC_ICR), (uint64_t)destination << 32 | command);
		return;
	}
	*apic_register(APIC_ICR_HIGH) = destination << 24;
	*apic_register(APIC_ICR) = command;
}

void apic_switch_to_x2apic(unsigned self)
{
	(void)self;
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_X2APIC);
}

void smp_relax(void)
{
	for (unsigned i = 0; i < PAUSES; i++)
		asm volatile("pause");
	if (have_hypercalls())
		yield();
}

bool smp_await(const volatile unsigned *value, unsigned wanted)
{
	for (unsigned i = 0; *value != wanted && i < PATIENCE; i++)
		smp_relax();
	return *value == wanted;
}

static bool interrupt(struct frame *frame)
{
	unsigned vector = frame->vector & 0xff;

	smp_cpu[smp_self()].arrived[vector]++;
	if (vector != VECTOR_SPUR && vector != VECTOR_NMI)
		apic_write(APIC_EOI, 0);
	return true;
}

void smp_main(uint32_t self, uint32_t cr0, uint32_t edx)
{
	struct smp_cpu *cpu = &smp_cpu[self];

	load_gdt_and_idt();
	apic_write(APIC_SVR, 0x100 | VECTOR_SPUR);
	cpu->edx = edx;
	cpu->cr0 = cr0;
	cpu->work = NULL;
	cpu->starts++;
	sti();
	for (;;) {
		while (!cpu->work)
			smp_relax();
		cpu->work(self);
		cpu->work = NULL;
	}
}

void smp_begin(unsigned cpu, void (*work)(unsigned self))
{
	smp_cpu[cpu].work = work;
}

bool smp_finish(unsigned cpu)
{
	for (unsigned i = 0; smp_cpu[cpu].work && i < PATIENCE; i++)
		smp_relax();
	return expect(!smp_cpu[cpu].work, "CPU %u has not finished", cpu);
}

bool smp_run(void (*work)(unsigned self))
{
	bool all = true;

	for (unsigned cpu = 1; cpu < smp_cpus; cpu++)
		smp_begin(cpu, work);
	work(0);
	for (unsigned cpu = 1; cpu < smp_cpus; cpu++)
		all &= smp_finish(cpu);
	return all;
}

void smp_take(struct smp_lock *lock)
{
	unsigned own = __atomic_fetch_add(&lock->next, 1, __ATOMIC_SEQ_CST);

	while (lock->served != own)
		asm volatile("pause");
}

void smp_give(struct smp_lock *lock)
{
	__atomic_store_n(&lock->served, lock->served + 1, __ATOMIC_SEQ_CST);
}

bool smp_start_all(void)
{
	bool all = true;

	outb(PIC_MASTER + 1, 0xff);
	outb(PIC_SLAVE + 1, 0xff);
	trap_handle(VECTOR_NMI, interrupt);
	for (unsigned vector = 32; vector < 256; vector++)
		trap_handle(vector, interrupt);
	apic_write(APIC_SVR, 0x100 | VECTOR_SPUR);
	memcpy((void *)SMP_BASE, smp_blob, (size_t)(smp_blob_end - smp_blob));
	apic_send(0, ICR_ALL_BUT_SELF | ICR_INIT);
	apic_send(0, ICR_ALL_BUT_SELF | ICR_STARTUP | SMP_PAGE);
	for (unsigned cpu = 1; cpu < smp_cpus; cpu++)
		all &= smp_await(&smp_cpu[cpu].starts, 1);
	sti();
	return all;
}
