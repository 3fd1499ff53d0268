/*
 * The ELF reader (System V ABI, chapters 4 and 5): executables, ELF32 for EM_386 and ELF64 for
 * EM_X86_64. The structures are <elf.h>'s. libelf reads such files too, and takes a libc.
 */
#pragma once

struct guest_image;
struct refusal;

/*
 * Adds the loadable segments of the image's file, and sets its entry. Segments go to their physical
 * addresses; the entry point may be virtual or physical, and is taken as virtual if it lies in a
 * segment's virtual range. Returns as guest_image_add. Any context.
 */
int elf_parse(struct guest_image *image, struct refusal *refusal);
