/*
 * The monitor's commands, a line each. Each is answered by a table, a record or one line on what is
 * wrong. First CPU, between two turns.
 */
#pragma once

#define MONITOR_LINE_SIZE 64 /* more than any command */

#define MONITOR_USAGE                                                                              \
	"Commands are: help; vms, vcpus, cpus, fpu, guests; stop, start, reset or end VM; "        \
	"cpu N offline or online; fpu=lazy|scrub|eager|unload|swap|auto; focus VM or none; exit"

/* Carries one out; the line is cut into its words. */
void monitor_command(char *line);
