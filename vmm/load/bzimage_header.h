/*
 * Linux kernel files, by the header of the Linux/x86 boot protocol (the kernel's documentation,
 * arch/x86/boot.rst). The fields are those of <asm/bootparam.h>.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct guest_image;
struct refusal;
struct setup_header;

/* Protocol versions, as the header has them, that brought what is asked for. */
#define BZIMAGE_2_04 0x204 /* syssize of 32 bits */
#define BZIMAGE_2_05 0x205 /* kernel_alignment, relocatable_kernel */
#define BZIMAGE_2_06 0x206 /* cmdline_size */
#define BZIMAGE_2_10 0x20A /* min_alignment, pref_address, init_size */

/* Whether a file has the two magic numbers. */
bool bzimage_there(const void *file, uint64_t size);

/*
 * Reads a file that has them: what runs in protected mode becomes the one segment, at the place
 * where the kernel likes to be best, as large as it becomes. What kernels before 2.10 do not say is
 * what such kernels do. Returns 0, or -ENOEXEC with a refusal. Any context.
 */
int bzimage_parse(struct guest_image *image, const void *file, uint64_t size,
		  struct refusal *refusal);

/* The header of an image that was parsed; of what its version does not have yet it holds zeros. */
void bzimage_header(const struct guest_image *image, struct setup_header *header);
