/*
 * Several CPUs: they are started, send each other interrupts, compare their clocks, spin on locks,
 * use devices and the FPU at once. The same on a machine of its own and in a VM. cpus=N says how
 * many there are; only=LIST and topic=LIST as in pc.c; those of smp_end.c; DEFECT_ in smp_start.c.
 */
#include "smp.h"

const char guest_name[] = "smp";

int guest_main(void)
{
	const struct topic topics[] = {
		{"start", smp_start_checks, smp_start_check_count},
		{"ipi", smp_ipi_checks, smp_ipi_check_count},
		{"order", smp_order_checks, smp_order_check_count},
		{"device", smp_device_checks, smp_device_check_count},
		{"fpu", smp_fpu_checks, smp_fpu_check_count},
		{"x2apic", smp_x2apic_checks, smp_x2apic_check_count},
	};
	int status;

	smp_cpus = (unsigned)option_number("cpus", 1);
	if (smp_cpus > SMP_CPUS_MAX || !smp_start_all()) {
		report_fail("start", "of %u CPUs not all have come", smp_cpus);
		return report_end();
	}
	status = smp_end_otherwise();
	if (status >= 0)
		return status;
	run_topics(topics, ARRAY_SIZE(topics));
	return report_end();
}
