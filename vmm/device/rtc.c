#include "vmm/device/rtc.h"

#include "lib/x86.h"
#include "vmm/chip/mc146818_clock.h"
#include "vmm/interrupts.h"
#include "vmm/vm.h"

static void changed(struct vm *vm)
{
	pc_update(&vm->pc);
	interrupts_changed_at_length(vcpu_here(vm));
}

/* Apart, so that rtc_read() has no registers to save. */
static __attribute__((noinline)) uint32_t read_and_look(struct vm *vm, uint16_t port, uint64_t now)
{
	uint32_t value = mc146818_read(&vm->pc.rtc, &pc_rates.mc146818, port, now);

	changed(vm);
	return value;
}

/* Register C ends the interrupt; others leave all as it is, but for what is due. */
uint32_t rtc_read(struct vm *vm, uint16_t port)
{
	struct mc146818 *rtc = &vm->pc.rtc;
	uint64_t now = rdtsc();

	if (rtc->index == MC146818_C || now >= mc146818_deadline(rtc))
		return read_and_look(vm, port, now);
	return mc146818_read(rtc, &pc_rates.mc146818, port, now);
}

void rtc_write(struct vm *vm, uint16_t port, uint32_t value)
{
	mc146818_write(&vm->pc.rtc, &pc_rates.mc146818, port, value, rdtsc());
	if (port != MC146818_PORT)
		changed(vm);
}
