/*
 * The hypervisor's own boot options, from the command line that the boot loader hands over. What
 * a word stands for is defined by whoever is told of it.
 */
#pragma once

#include "vmm/option_table.h"

/*
 * Fills options from cmdline, with defaults for what it does not say. A first word without '='
 * and with a '/' or '.' is the file name that some loaders put there, and is skipped. Whatever is
 * not understood keeps its default and is told to warn(arg, one human line naming what is
 * accepted), which must not keep the pointer. At boot, on the first CPU.
 */
void options_parse(struct options *options, const char *cmdline,
		   void (*warn)(void *arg, const char *message), void *arg);
