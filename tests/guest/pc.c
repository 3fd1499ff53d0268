/*
 * The PC that a guest finds: interrupt controllers, timers, keyboard, COM1, what is where nothing
 * is, and the tables that tell of it. One table of named checks per device, the same on a machine
 * of its own and in a VM; only=LIST runs some, topic=LIST whole tables, verbose names each before
 * it runs. Other words: busy if others run, DEFECT_ in pc.h, random=SEED, rounds=, screen, init,
 * power-off, read=com1, read=keyboard.
 */
#include "pc.h"

const char guest_name[] = "pc";

int guest_main(void)
{
	const struct topic topics[] = {
		{"cpuid", pc_cpuid_checks, pc_cpuid_check_count},
		{"apic", pc_apic_checks, pc_apic_check_count},
		{"apic-timer", pc_apic_timer_checks, pc_apic_timer_check_count},
		{"8259", pc_8259_checks, pc_8259_check_count},
		{"8254", pc_8254_checks, pc_8254_check_count},
		{"ioapic", pc_ioapic_checks, pc_ioapic_check_count},
		{"rtc", pc_rtc_checks, pc_rtc_check_count},
		{"acpi", pc_acpi_checks, pc_acpi_check_count},
		{"hpet", pc_hpet_checks, pc_hpet_check_count},
		{"keyboard", pc_keyboard_checks, pc_keyboard_check_count},
		{"com1", pc_com1_checks, pc_com1_check_count},
		{"holes", pc_hole_checks, pc_hole_check_count},
		{"tables", pc_table_checks, pc_table_check_count},
		{"x2apic", pc_x2apic_checks, pc_x2apic_check_count},
	};

	if (option("screen"))
		draw_on_the_screen();
	if (option("init") && first_time())
		send_init();
	if (option("power-off"))
		switch_off();
	if (option("read=com1"))
		read_typed_by_com1();
	if (option("read=keyboard"))
		read_typed_by_keyboard();
	if (option("screen") || option("init"))
		guest_exit(0);
	if (option_number("random", 0)) {
		access_at_random(option_number("random", 0),
				 (unsigned)option_number("rounds", 2000));
		return report_end();
	}
	run_topics(topics, ARRAY_SIZE(topics));
	return report_end();
}
