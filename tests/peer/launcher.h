/*
 * What the launcher's files share. It is a program of Linux; whatever goes wrong ends it with
 * TROUBLE and a line that says what.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define RAM	(64 << 20)
#define TROUBLE 125 /* the status when it was not the guest that ended */

/* Physical address, below 1 MiB, of what a multiboot 1 loader tells. */
#define BOOT_INFO 0x1000

/*
 * Fills the RAM of a machine, RAM bytes that are zero: the kernel that words[0] names, with the
 * words after it as its command line, and for each word ";" a module: the file that the next word
 * names, all words up to the next ";" being its line. NULL ends the list. Returns the kernel's
 * entry point.
 */
uint64_t load_machine(uint8_t *ram, char **words);
