/*
 * Builds small multiboot kernels for the loader tests, in either ELF width.
 */
#pragma once

#include "tests/unit/unit.h"

#include <elf.h>

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

/* Where a field of the header is, and how long a structure. */
#define ELF_AT(wide, field) ((wide) ? offsetof(Elf64_Ehdr, field) : offsetof(Elf32_Ehdr, field))
#define ELF_SIZE(wide, structure)                                                                  \
	((wide) ? (uint16_t)sizeof(Elf64_##structure) : (uint16_t)sizeof(Elf32_##structure))

static inline void elf_put_segment(uint8_t *image, bool wide, unsigned index,
				   const struct elf_test_segment *s)
{
	uint8_t *at = image + ELF_HEADERS + index * ELF_SIZE(wide, Phdr);
	const Elf64_Phdr long_one = {
		.p_type = PT_LOAD,
		.p_offset = s->offset,
		.p_vaddr = s->vaddr,
		.p_paddr = s->paddr,
		.p_filesz = s->filesz,
		.p_memsz = s->memsz,
	};
	const Elf32_Phdr short_one = {
		.p_type = PT_LOAD,
		.p_offset = (uint32_t)s->offset,
		.p_vaddr = (uint32_t)s->vaddr,
		.p_paddr = (uint32_t)s->paddr,
		.p_filesz = (uint32_t)s->filesz,
		.p_memsz = (uint32_t)s->memsz,
	};

	if (wide)
		memcpy(at, &long_one, sizeof(long_one));
	else
		memcpy(at, &short_one, sizeof(short_one));
}

/* An address or offset in the header, at ELF_AT(). */
static inline void elf_put_word(uint8_t *at, bool wide, uint64_t value)
{
	if (wide)
		put64(at, value);
	else
		put32(at, (uint32_t)value);
}

static inline void elf_put_entry(uint8_t *image, bool wide, uint64_t entry)
{
	elf_put_word(image + ELF_AT(wide, e_entry), wide, entry);
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
	memcpy(image, ELFMAG, SELFMAG);
	image[EI_CLASS] = wide ? ELFCLASS64 : ELFCLASS32;
	image[EI_DATA] = ELFDATA2LSB;
	image[EI_VERSION] = EV_CURRENT;
	put16(image + ELF_AT(wide, e_type), ET_EXEC);
	put16(image + ELF_AT(wide, e_machine), wide ? EM_X86_64 : EM_386);
	put32(image + ELF_AT(wide, e_version), EV_CURRENT);
	elf_put_entry(image, wide, 0xC0100010);
	elf_put_word(image + ELF_AT(wide, e_phoff), wide, ELF_HEADERS);
	put16(image + ELF_AT(wide, e_phentsize), ELF_SIZE(wide, Phdr));
	put16(image + ELF_AT(wide, e_phnum), 2);
	elf_put_segment(image, wide, 0, &code);
	elf_put_segment(image, wide, 1, &data);
	put_multiboot_header(image + ELF_MULTIBOOT, MULTIBOOT1_PAGE_ALIGN | MULTIBOOT1_MEMORY_INFO);
}
