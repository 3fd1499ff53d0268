/*
 * The rings of fpu/trace.h as @trace records, with the names of VMs.
 */
#pragma once

/* Everything that the rings hold, oldest first, CPU by CPU. When all guests have ended. */
void trace_print(void);

/*
 * The last entries of each ring, when the hypervisor stops: another CPU may still write to its
 * ring, so an entry of such a CPU can be mixed up.
 */
void trace_print_last(void);
