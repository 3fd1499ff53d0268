#include "vmm/elf.h"

#include <stdbool.h>

#include "lib/errno.h"
#include "lib/string.h"

#define ELF_CLASS   4
#define ELF_DATA    5
#define ELF_VERSION 6
#define ELFCLASS32  1
#define ELFCLASS64  2
#define ELFDATA2LSB 1
#define EV_CURRENT  1
#define ET_EXEC	    2
#define EM_386	    3
#define EM_X86_64   62
#define PT_LOAD	    1

struct elf32_header {
	uint8_t e_ident[16];
	uint16_t e_type;
	uint16_t e_machine;
	uint32_t e_version;
	uint32_t e_entry;
	uint32_t e_phoff;
	uint32_t e_shoff;
	uint32_t e_flags;
	uint16_t e_ehsize;
	uint16_t e_phentsize;
	uint16_t e_phnum;
	uint16_t e_shentsize;
	uint16_t e_shnum;
	uint16_t e_shstrndx;
};

struct elf64_header {
	uint8_t e_ident[16];
	uint16_t e_type;
	uint16_t e_machine;
	uint32_t e_version;
	uint64_t e_entry;
	uint64_t e_phoff;
	uint64_t e_shoff;
	uint32_t e_flags;
	uint16_t e_ehsize;
	uint16_t e_phentsize;
	uint16_t e_phnum;
	uint16_t e_shentsize;
	uint16_t e_shnum;
	uint16_t e_shstrndx;
};

struct elf32_program_header {
	uint32_t p_type;
	uint32_t p_offset;
	uint32_t p_vaddr;
	uint32_t p_paddr;
	uint32_t p_filesz;
	uint32_t p_memsz;
	uint32_t p_flags;
	uint32_t p_align;
};

struct elf64_program_header {
	uint32_t p_type;
	uint32_t p_flags;
	uint64_t p_offset;
	uint64_t p_vaddr;
	uint64_t p_paddr;
	uint64_t p_filesz;
	uint64_t p_memsz;
	uint64_t p_align;
};

_Static_assert(sizeof(struct elf32_header) == 52, "System V ABI");
_Static_assert(sizeof(struct elf64_header) == 64, "System V ABI");
_Static_assert(sizeof(struct elf32_program_header) == 32, "System V ABI");
_Static_assert(sizeof(struct elf64_program_header) == 56, "System V ABI");

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
		struct elf##bits##_header h;                                                       \
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
	uint32_t smallest;
	int error;

	if (r->image->size < 16 || memcmp(r->image->file, "\177ELF", 4))
		return refuse(r->refusal, -ENOEXEC, "not an ELF file");
	if (r->image->file[ELF_DATA] != ELFDATA2LSB || r->image->file[ELF_VERSION] != EV_CURRENT ||
	    (r->image->file[ELF_CLASS] != ELFCLASS32 && r->image->file[ELF_CLASS] != ELFCLASS64))
		return refuse(r->refusal, -ENOEXEC,
			      "ELF of class %u, data %u, version %u: not for x86",
			      r->image->file[ELF_CLASS], r->image->file[ELF_DATA],
			      r->image->file[ELF_VERSION]);
	r->is64 = r->image->file[ELF_CLASS] == ELFCLASS64;
	error = r->is64 ? read_header64(r) : read_header32(r);
	if (error)
		return error;

	smallest =
		r->is64 ? sizeof(struct elf64_program_header) : sizeof(struct elf32_program_header);
	if (r->phentsize < smallest)
		return refuse(r->refusal, -ENOEXEC, "ELF program headers of %u bytes",
			      r->phentsize);
	if (r->phoff > r->image->size ||
	    (uint64_t)r->phnum * r->phentsize > r->image->size - r->phoff)
		return refuse(r->refusal, -ENOEXEC, "ELF program headers lie outside the file");
	return 0;
}

/* Both widths are handled as the 64-bit one. */
static struct elf64_program_header read_program_header(const struct reader *r, uint32_t index)
{
	const uint8_t *at = r->image->file + r->phoff + (uint64_t)index * r->phentsize;
	struct elf64_program_header wide;
	struct elf32_program_header narrow;

	if (r->is64) {
		memcpy(&wide, at, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, at, sizeof(narrow));
	return (struct elf64_program_header){
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
		struct elf64_program_header ph = read_program_header(r, i);

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
		struct elf64_program_header ph = read_program_header(&r, i);
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
