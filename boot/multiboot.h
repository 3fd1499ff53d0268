/*
 * The boot information of either multiboot protocol: which one it is, and what both need in the
 * end. First CPU, at boot.
 */
#pragma once

#include <stdint.h>

struct boot_info;
struct boot_memory;

/*
 * Parses what the loader left at physical address info, by the protocol that its magic (EAX at
 * entry) names. What is damaged but can be done without is left out and noted in a warning, one
 * human line each. Returns 0; -EINVAL if the magic is no loader's or the structure contradicts
 * itself, -EFAULT if it is not in the window, -ENOENT if it names no usable memory. boot is
 * overwritten either way; its warnings are valid.
 */
int multiboot_parse(struct boot_info *boot, const struct boot_memory *memory, uint32_t magic,
		    uint64_t info);
