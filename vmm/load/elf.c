#include "vmm/load/elf.h"

#include <elf.h>
#include <stdbool.h>

#include "lib/errno.h"
#include "lib/refusal.h"
#include "lib/string.h"
#include "vmm/load/image.h"

struct reader {
	struct guest_image *image;
	struct refusal *refusal;
	bool is64;
	uint64_t entry;
	uint64_t phoff;
	uint32_t phentsize;
	uint32_t phnum;
};

static int check_kind(struct reader *r, uint16_t type, uint16_t machine)
{
	uint16_t wanted = r->is64 ? EM_X86_64 : EM_386;

	if (machine != wanted)
		return refuse(r->refusal, -ENOEXEC, "ELF%d for machine %u: wanted is %u (x86)",
			      r->is64 ? 64 : 32, machine, wanted);
	if (type != ET_EXEC)
		return refuse(r->refusal, -ENOEXEC,
			      "ELF of type %u: only an executable (2) can be loaded", type);
	return 0;
}

/* The two widths have the same fields, in types of their own. */
#define READ_HEADER(bits)                                                                          \
	static int read_header##bits(struct reader *r)                                             \
	{                                                                                          \
		Elf##bits##_Ehdr h;                                                                \
                                                                                                   \
		if (r->image->size < sizeof(h))                                                    \
			return refuse(r->refusal, -ENOEXEC,                                        \
				      "ELF" #bits " header cut short at %lu bytes",                \
				      r->image->size);                                             \
		memcpy(&h, r->image->file, sizeof(h));                                             \
		r->entry = h.e_entry;                                                              \
		r->phoff = h.e_phoff;                                                              \
		r->phentsize = h.e_phentsize;                                                      \
		r->phnum = h.e_phnum;                                                              \
		return check_kind(r, h.e_type, h.e_machine);                                       \
	}

READ_HEADER(32)
READ_HEADER(64)

static int read_header(struct reader *r)
{
	const uint8_t *ident = r->image->file;
	uint32_t smallest;
	int error;

	if (r->image->size < EI_NIDENT || memcmp(ident, ELFMAG, SELFMAG))
		return refuse(r->refusal, -ENOEXEC, "not an ELF file");
	if (ident[EI_DATA] != ELFDATA2LSB || ident[EI_VERSION] != EV_CURRENT ||
	    (ident[EI_CLASS] != ELFCLASS32 && ident[EI_CLASS] != ELFCLASS64))
		return refuse(r->refusal, -ENOEXEC,
			      "ELF of class %u, data %u, version %u: not for x86", ident[EI_CLASS],
			      ident[EI_DATA], ident[EI_VERSION]);
	r->is64 = ident[EI_CLASS] == ELFCLASS64;
	error = r->is64 ? read_header64(r) : read_header32(r);
	if (error)
		return error;

	smallest = r->is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	if (r->phentsize < smallest)
		return refuse(r->refusal, -ENOEXEC, "ELF program headers of %u bytes",
			      r->phentsize);
	if (r->phoff > r->image->size ||
	    (uint64_t)r->phnum * r->phentsize > r->image->size - r->phoff)
		return refuse(r->refusal, -ENOEXEC, "ELF program headers lie outside the file");
	return 0;
}

/* Both widths are handled as the 64-bit one. */
static Elf64_Phdr read_program_header(const struct reader *r, uint32_t index)
{
	const uint8_t *at = r->image->file + r->phoff + (uint64_t)index * r->phentsize;
	Elf64_Phdr wide;
	Elf32_Phdr narrow;

	if (r->is64) {
		memcpy(&wide, at, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, at, sizeof(narrow));
	return (Elf64_Phdr){
		.p_type = narrow.p_type,
		.p_offset = narrow.p_offset,
		.p_vaddr = narrow.p_vaddr,
		.p_paddr = narrow.p_paddr,
		.p_filesz = narrow.p_filesz,
		.p_memsz = narrow.p_memsz,
	};
}

static bool within(uint64_t address, uint64_t start, uint64_t length)
{
	return address >= start && address - start < length;
}

/* The entry point, physical, into image->entry. */
static int find_entry(const struct reader *r)
{
	struct guest_image *image = r->image;

	for (uint32_t i = 0; i < r->phnum; i++) {
		Elf64_Phdr ph = read_program_header(r, i);

		if (ph.p_type == PT_LOAD && within(r->entry, ph.p_vaddr, ph.p_filesz)) {
			image->entry = ph.p_paddr + (r->entry - ph.p_vaddr);
			return 0;
		}
	}
	for (uint32_t i = 0; i < image->count; i++) {
		if (within(r->entry, image->segment[i].phys, image->segment[i].file_size)) {
			image->entry = r->entry;
			return 0;
		}
	}
	return refuse(r->refusal, -ENOEXEC, "entry point 0x%lx is in no segment", r->entry);
}

int elf_parse(struct guest_image *image, struct refusal *refusal)
{
	struct reader r = {.image = image, .refusal = refusal};
	int result = read_header(&r);

	if (result)
		return result;
	for (uint32_t i = 0; i < r.phnum; i++) {
		Elf64_Phdr ph = read_program_header(&r, i);
		struct guest_segment segment = {
			.offset = ph.p_offset,
			.file_size = ph.p_filesz,
			.phys = ph.p_paddr,
			.memory_size = ph.p_memsz,
		};

		if (ph.p_type != PT_LOAD)
			continue;
		result = guest_image_add(image, &segment, refusal);
		if (result)
			return result;
	}
	if (!image->count)
		return refuse(refusal, -ENOEXEC, "ELF without anything to load");
	return find_entry(&r);
}
