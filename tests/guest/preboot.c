/*
 * Not a guest: it goes before the hypervisor and leaves the CPU as some firmware does. Its first
 * multiboot module is build/resident32.elf, whose words become the hypervisor's command line; the
 * others are the guests. Its own words:
 *
 *     cr0=BITS cr4=BITS       set in addition, just before the hypervisor is entered
 *     msr=NUMBER:BITS         the same of an MSR
 *     bank=NUMBER:VALUE       an MSR that takes this value as it is
 *     dr0=ADDRESS dr7=VALUE   debug registers
 *     flags=BITS              EFLAGS
 *     mem=ADDRESS:VALUE       a device's register of 32 bits
 */
#include "lib/string.h"
#include "support/multiboot.h"

#define PT_LOAD 1

struct elf_header {
	uint8_t identification[16];
	uint16_t type, machine;
	uint32_t version, entry, program_headers, section_headers, flags;
	uint16_t header_size, program_header_size, program_header_count;
};

struct program_header {
	uint32_t type, offset, virtual_address, physical_address, file_size, memory_size;
};

struct module {
	uint32_t start, end, words, reserved;
};

__asm__(".section .multiboot, \"a\"\n"
	"	.balign 4\n"
	"	.long 0x1badb002, 3, -(0x1badb002 + 3)\n"
	"	.text\n"
	"	.globl start\n"
	"start:	cli\n"
	"	cld\n"
	"	mov	$stack_top, %esp\n"
	"	push	%ebx\n"
	"	call	firmware\n"
	"	.bss\n"
	"	.balign 16\n"
	"	.skip	4096\n"
	"stack_top:\n"
	/* the hypervisor's place: the boot loader puts no module there */
	"	.section .reserved, \"aw\", @nobits\n"
	"	.skip	0x400000\n"
	"	.text\n");

static uint64_t parse_number(const char **text)
{
	uint64_t value = 0;

	if ((*text)[0] == '0' && (*text)[1] == 'x')
		*text += 2;
	for (;; (*text)++) {
		char c = **text;

		if (c >= '0' && c <= '9')
			value = value << 4 | (c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (c - 'a' + 10);
		else
			return value;
	}
}

static uint64_t rdmsr(uint32_t msr)
{
	uint64_t value;

	__asm__ volatile("rdmsr" : "=A"(value) : "c"(msr));
	return value;
}

static void wrmsr(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "A"(value));
}

/* What is left in the registers. All numbers are hexadecimal. */
static uint32_t leave_behind(const char *word)
{
	const char *value = strchr(word, '=');
	uint32_t number, old;
	uint64_t bits;

	if (!value++)
		return 0;
	bits = parse_number(&value);
	number = bits;
	if (*value++ == ':')
		bits = parse_number(&value);
	if (!strncmp(word, "cr0=", 4)) {
		__asm__ volatile("mov %%cr0, %0" : "=r"(old));
		__asm__ volatile("mov %0, %%cr0" : : "r"(old | number));
	} else if (!strncmp(word, "cr4=", 4)) {
		__asm__ volatile("mov %%cr4, %0" : "=r"(old));
		__asm__ volatile("mov %0, %%cr4" : : "r"(old | number));
	} else if (!strncmp(word, "msr=", 4)) {
		wrmsr(number, rdmsr(number) | bits);
	} else if (!strncmp(word, "bank=", 5)) {
		wrmsr(number, bits);
	} else if (!strncmp(word, "mem=", 4)) {
		*(volatile uint32_t *)number = bits;
	} else if (!strncmp(word, "dr0=", 4)) {
		__asm__ volatile("mov %0, %%dr0" : : "r"(number));
	} else if (!strncmp(word, "dr7=", 4)) {
		__asm__ volatile("mov %0, %%dr7" : : "r"(number));
	} else if (!strncmp(word, "flags=", 6)) {
		return number;
	}
	return 0;
}

static uint32_t load(const struct module *module)
{
	const struct elf_header *elf = (const void *)module->start;

	for (uint32_t i = 0; i < elf->program_header_count; i++) {
		const struct program_header *header =
			(const void *)(module->start + elf->program_headers +
				       i * elf->program_header_size);
		uint8_t *to = (uint8_t *)header->physical_address;

		if (header->type != PT_LOAD)
			continue;
		memcpy(to, (const void *)(module->start + header->offset), header->file_size);
		memset(to + header->file_size, 0, header->memory_size - header->file_size);
	}
	return elf->entry;
}

void firmware(struct multiboot_info *info);
void firmware(struct multiboot_info *info)
{
	const struct module *module = (const void *)info->mods_addr;
	const char *words = (const char *)info->cmdline;
	uint32_t entry = load(module), flags = 2;

	while (words) {
		flags |= leave_behind(words);
		words = strchr(words, ' ');
		words += words != NULL;
	}
	info->cmdline = module->words;
	info->mods_addr += sizeof(*module);
	info->mods_count--;
	__asm__ volatile("push %0; popf; jmp *%1"
			 :
			 : "r"(flags), "r"(entry), "a"(MULTIBOOT_BOOT_MAGIC), "b"(info)
			 : "memory");
}
