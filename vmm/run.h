/*
 * The scheduler of one physical CPU: its vCPUs take turns, a slice each.
 */
#pragma once

struct options;

/* Runs all VMs to their end and ends the machine. */
_Noreturn void run(const struct options *options);
