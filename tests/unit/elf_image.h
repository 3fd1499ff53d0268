/*
 * Builds small multiboot kernels for the loader tests, in either ELF width.
 */
#pragma once

#include "tests/unit/unit.h"

#include "boot/multiboot1.h"

#define ELF_IMAGE_SIZE 0x400u
#define ELF_HEADERS    0x40u  /* offset of the program headers */
#define ELF_MULTIBOOT  0x120u /* offset of the multiboot header, in the first segment's bytes */
#define ELF_CODE       0x100u
#define ELF_CODE_SIZE  0x100u
#define ELF_DATA       0x200u
#define ELF_DATA_SIZE  0x80u
#define ELF_BSS_SIZE   0x1000u

struct elf_test_segment {
	uint64_t offset, vaddr, paddr, filesz, memsz;
};

static inline void elf_put_segment(uint8_t *image, bool wide, unsigned index,
				   const struct elf_test_segment *s)
{
	uint8_t *at = image + ELF_HEADERS + index * (wide ? 56u : 32u);

	put32(at, 1);
	if (wide) {
		put64(at + 8, s->offset);
		put64(at + 16, s->vaddr);
		put64(at + 24, s->paddr);
		put64(at + 32, s->filesz);
		put64(at + 40, s->memsz);
	} else {
		put32(at + 4, (uint32_t)s->offset);
		put32(at + 8, (uint32_t)s->vaddr);
		put32(at + 12, (uint32_t)s->paddr);
		put32(at + 16, (uint32_t)s->filesz);
		put32(at + 20, (uint32_t)s->memsz);
	}
}

static inline void elf_put_entry(uint8_t *image, bool wide, uint64_t entry)
{
	if (wide)
		put64(image + 24, entry);
	else
		put32(image + 24, (uint32_t)entry);
}

static inline void put_multiboot_header(uint8_t *at, uint32_t flags)
{
	put32(at, MULTIBOOT1_HEADER_MAGIC);
	put32(at + 4, flags);
	put32(at + 8, -(MULTIBOOT1_HEADER_MAGIC + flags));
}

/* Code at 1 MiB, data and bss at 2 MiB, both linked 3 GiB higher, entry 0x10 into the code. */
static inline void elf_build(uint8_t image[ELF_IMAGE_SIZE], bool wide)
{
	static const struct elf_test_segment code = {ELF_CODE, 0xC0100000, 0x100000, ELF_CODE_SIZE,
						     ELF_CODE_SIZE};
	static const struct elf_test_segment data = {ELF_DATA, 0xC0200000, 0x200000, ELF_DATA_SIZE,
						     ELF_DATA_SIZE + ELF_BSS_SIZE};

	for (size_t i = 0; i < ELF_IMAGE_SIZE; i++)
		image[i] = (uint8_t)(i * 7 + 1);
	memset(image, 0, ELF_CODE);
	memcpy(image, "\177ELF", 4);
	image[4] = wide ? 2 : 1;
	image[5] = 1;
	image[6] = 1;
	put16(image + 16, 2);
	put16(image + 18, wide ? 62 : 3);
	put32(image + 20, 1);
	elf_put_entry(image, wide, 0xC0100010);
	if (wide)
		put64(image + 32, ELF_HEADERS);
	else
		put32(image + 28, ELF_HEADERS);
	put16(image + (wide ? 54 : 42), wide ? 56 : 32);
	put16(image + (wide ? 56 : 44), 2);
	elf_put_segment(image, wide, 0, &code);
	elf_put_segment(image, wide, 1, &data);
	put_multiboot_header(image + ELF_MULTIBOOT, MULTIBOOT1_PAGE_ALIGN | MULTIBOOT1_MEMORY_INFO);
}
