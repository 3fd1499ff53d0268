#include "boot/stop.h"

#include <stdint.h>

#include "boot/apic.h"
#include "boot/cpu.h"
#include "lib/x86.h"

#define PATIENCE 10000000u /* looks; a CPU that does not come to a stop then never will */

static volatile uint32_t stopper; /* the CPU that goes on: its number + 1, or 0 */
static uint32_t stopped;

static _Noreturn void stop(void)
{
	vmxoff_if_on(); /* the machine may be reset */
	__atomic_fetch_add(&stopped, 1, __ATOMIC_SEQ_CST);
	for (;;)
		__asm__ volatile("cli; hlt");
}

void stop_if_asked(void)
{
	if (stopper && stopper != this_cpu()->id + 1)
		stop();
}

void stop_other_cpus(void)
{
	uint32_t nobody = 0, own = this_cpu()->id + 1, others = 0;

	if (!__atomic_compare_exchange_n(&stopper, &nobody, own, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST)) {
		stop_if_asked();
		return;
	}
	for (uint32_t i = 0; i < cpus_count(); i++) {
		if (cpu_at(i) == this_cpu())
			continue;
		apic_send_nmi(cpu_at(i)->apic_id);
		others++;
	}
	for (uint32_t i = 0; i < PATIENCE && __atomic_load_n(&stopped, __ATOMIC_SEQ_CST) < others;
	     i++)
		cpu_relax();
}
