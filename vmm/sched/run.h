/*
 * The scheduler: on each CPU vCPUs take turns, a slice each.
 */
#pragma once

#include <stdbool.h>

struct options;

/*
 * On the first CPU: runs all VMs to their end and ends the machine: with status 0 if there were
 * any, all ended with 0, and `complete` says that none is missing.
 */
_Noreturn void run(const struct options *options, bool complete);

/* The part of every other CPU. */
_Noreturn void run_here(const struct options *options);
