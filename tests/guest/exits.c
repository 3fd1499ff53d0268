/*
 * Every exit that the hypervisor handles, with the architectural result checked. One table of
 * named checks per topic; only=LIST runs some, topic=LIST whole tables, verbose names each before
 * it runs.
 */
#include "exits.h"

const char guest_name[] = "exits";

uint16_t fpu_at_start[14];

int guest_main(void)
{
	const struct topic topics[] = {
		{"cpuid", cpuid_checks, cpuid_check_count},
		{"io", io_checks, io_check_count},
		{"string-io", string_io_checks, string_io_check_count},
		{"msr", msr_checks, msr_check_count},
		{"control", control_checks, control_check_count},
		{"instruction", instruction_checks, instruction_check_count},
		{"event", event_checks, event_check_count},
		{"debug", debug_checks, debug_check_count},
		{"hypercall", hypercall_checks, hypercall_check_count},
		{"mode", mode_checks, mode_check_count},
		{"switch", switch_checks, switch_check_count},
		{"pkru", pkru_checks, pkru_check_count},
		{"paging", paging_checks, paging_check_count},
		{"hidden", hidden_checks, hidden_check_count},
		{"speculation", speculation_checks, speculation_check_count},
		{"compacted", compacted_checks, compacted_check_count},
	};

	asm volatile("fnstenv %0" : "=m"(fpu_at_start));
	fpu_enable();
	run_topics(topics, ARRAY_SIZE(topics));
	return report_end();
}
