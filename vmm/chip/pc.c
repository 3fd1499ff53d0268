#include "vmm/chip/pc.h"

#include "lib/min.h"
#include "vmm/chip/lapic_timer.h"

struct pc_rates pc_rates;

void pc_init(uint64_t tsc_khz)
{
	pc_rates = (struct pc_rates){
		.lapic = rate_of(lapic_hz(tsc_khz), tsc_khz),
		.i8254 = rate_of(I8254_HZ, tsc_khz),
		.mc146818 = rate_of(MC146818_HZ, tsc_khz),
		.acpi_pm = rate_of(ACPI_PM_HZ, tsc_khz),
		.hpet = rate_of(HPET_HZ, tsc_khz),
	};
}

bool pc_irq_is_heard(const struct pc *pc, unsigned int irq, bool intr)
{
	return (intr && i8259_unmasked(&pc->pic, irq)) || i82093_unmasked(&pc->ioapic, pc_pin(irq));
}

static void set_irq(struct pc *pc, unsigned int irq, bool level)
{
	i8259_set_line(&pc->pic, irq, level);
	i82093_set_line(&pc->ioapic, pc_pin(irq), level);
}

/* A request that follows another one is an edge of its own. */
static void pulse(struct pc *pc, unsigned int irq)
{
	set_irq(pc, irq, false);
	set_irq(pc, irq, true);
}

/* It ticks from the reset on: nobody is woken for what cannot interrupt. */
static uint64_t pit_deadline(const struct pc *pc)
{
	return !hpet_block_replaces_legacy(&pc->hpet) && pc_irq_is_heard(pc, PC_IRQ_TIMER, true)
		       ? i8254_deadline(&pc->pit)
		       : UINT64_MAX;
}

static uint64_t rtc_deadline(const struct pc *pc)
{
	return hpet_block_replaces_legacy(&pc->hpet) ? UINT64_MAX : mc146818_deadline(&pc->rtc);
}

void pc_update_deadline(struct pc *pc)
{
	pc->deadline = min_u64(min_u64(pit_deadline(pc), hpet_block_deadline(&pc->hpet)),
			       min_u64(rtc_deadline(pc), acpi_pm_deadline(&pc->acpi_pm)));
}

/* In legacy replacement its first two timers are IRQ 0 and IRQ 8. */
static void update_hpet(struct pc *pc)
{
	uint32_t lines = hpet_block_lines(&pc->hpet) >> PC_IRQS << PC_IRQS;
	uint32_t changed = lines ^ pc->hpet_lines;
	unsigned int pin;

	for (pc->hpet_lines = lines; changed; changed &= changed - 1) {
		pin = __builtin_ctz(changed);
		i82093_set_line(&pc->ioapic, pin, lines >> pin & 1);
	}
	while (hpet_block_next_edge(&pc->hpet, &pin)) {
		if (pin == PC_IRQ_TIMER_PIN) {
			pulse(pc, PC_IRQ_TIMER);
		} else if (pin == PC_IRQ_RTC) {
			pulse(pc, PC_IRQ_RTC);
		} else {
			i82093_set_line(&pc->ioapic, pin, true);
			i82093_set_line(&pc->ioapic, pin, false);
		}
	}
}

void pc_update(struct pc *pc)
{
	if (!hpet_block_replaces_legacy(&pc->hpet))
		set_irq(pc, PC_IRQ_RTC, mc146818_interrupts(&pc->rtc));
	set_irq(pc, PC_IRQ_SCI, acpi_pm_interrupts(&pc->acpi_pm));
	set_irq(pc, PC_IRQ_KEYBOARD, i8042_interrupts(&pc->keyboard));
	update_hpet(pc);
	pc_update_deadline(pc);
}

void pc_update_com1(struct pc *pc, bool again)
{
	bool interrupts = uart_interrupts(&pc->com1);

	if (again && interrupts)
		pulse(pc, PC_IRQ_COM1);
	else
		set_irq(pc, PC_IRQ_COM1, interrupts);
}

void pc_update_keyboard(struct pc *pc)
{
	set_irq(pc, PC_IRQ_KEYBOARD, i8042_interrupts(&pc->keyboard));
	i8042_poll(&pc->keyboard);
	set_irq(pc, PC_IRQ_KEYBOARD, i8042_interrupts(&pc->keyboard));
}

void pc_poll(struct pc *pc, uint64_t now)
{
	if (now >= i8254_deadline(&pc->pit) && i8254_poll(&pc->pit, &pc_rates.i8254, now) &&
	    !hpet_block_replaces_legacy(&pc->hpet))
		pulse(pc, PC_IRQ_TIMER);
	if (now >= mc146818_deadline(&pc->rtc))
		mc146818_poll(&pc->rtc, &pc_rates.mc146818, now);
	if (now >= acpi_pm_deadline(&pc->acpi_pm))
		acpi_pm_poll(&pc->acpi_pm, &pc_rates.acpi_pm, now);
	if (now >= hpet_block_deadline(&pc->hpet))
		hpet_block_poll(&pc->hpet, &pc_rates.hpet, now);
	pc_update(pc);
}

bool pc_may_interrupt(const struct pc *pc, bool intr)
{
	return (pit_deadline(pc) != UINT64_MAX && pc_irq_is_heard(pc, PC_IRQ_TIMER, intr)) ||
	       (rtc_deadline(pc) != UINT64_MAX && pc_irq_is_heard(pc, PC_IRQ_RTC, intr)) ||
	       (acpi_pm_deadline(&pc->acpi_pm) != UINT64_MAX &&
		pc_irq_is_heard(pc, PC_IRQ_SCI, intr)) ||
	       hpet_block_deadline(&pc->hpet) != UINT64_MAX ||
	       pc_irq_is_heard(pc, PC_IRQ_KEYBOARD, intr) ||
	       (uart_listens(&pc->com1) && pc_irq_is_heard(pc, PC_IRQ_COM1, intr));
}

void pc_reset(struct pc *pc, const struct pc_parts *parts, uint64_t now)
{
	i8259_reset(&pc->pic);
	i8259_as_firmware_leaves_it(&pc->pic);
	i8259_write(&pc->pic, I8259_ELCR + 1, 1 << (PC_IRQ_SCI - 8));
	if (parts->irq0)
		i8259_write(&pc->pic, I8259_MASTER + 1, (uint8_t) ~(1 << PC_IRQ_TIMER));
	i82093_reset(&pc->ioapic, parts->ioapic_id);
	i8254_reset(&pc->pit, now);
	mc146818_reset(&pc->rtc, parts->seconds, parts->low, parts->high, now);
	acpi_pm_reset(&pc->acpi_pm, now);
	hpet_block_reset(&pc->hpet, now);
	i8042_reset(&pc->keyboard);
	uart_reset(&pc->com1);
	pc->hpet_lines = 0;
	vga_registers_reset(&pc->screen.registers); /* what is on the screen stays */
	pc_update(pc);
}
