#include "boot/cpu.h"

#include "lib/x86.h"

void cpu_set_this(struct cpu *cpu)
{
	cpu->self = cpu;
	wrmsr(MSR_GS_BASE, (uint64_t)cpu);
}
