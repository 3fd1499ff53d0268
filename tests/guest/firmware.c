/*
 * What a PC's firmware leaves behind, as kernels look for it, and what comes of calling it.
 *
 *   table         checks low memory, the memory map, and the tables that tell of the machine
 *   words         says those of its command line
 *   int, far-call, undefined, divide, timer, reset   goes to real mode and does that; with
 *   vector=N eax=N   for those that need it, and
 *   handler       with a handler of its own for that vector
 *   silent        halts without a word; with screen, after having written to B8000h
 */
#include "firmware.h"

#include "support/guest.h"
#include "support/multiboot.h"

const char guest_name[] = "firmware";

#define EBDA	    0x9fc00u
#define BIOS	    0xf0000u
#define BIOS_CODE   0xff000u
#define RESET_COUNT 0x1f0000u
#define USABLE	    1
#define RESERVED    2

/* Hides from the compiler that page 0 is no object. */
static volatile uint8_t *at(uintptr_t address)
{
	asm volatile("" : "+r"(address));
	return (volatile uint8_t *)address;
}

static uint16_t word(uintptr_t address)
{
	return (uint16_t)(*at(address) | *at(address + 1) << 8);
}

static void vectors(void)
{
	for (unsigned vector = 0; vector < 256; vector++) {
		unsigned offset = word(vector * 4), segment = word(vector * 4 + 2);

		expect(segment == 0xf000, "vector %u is at %x:%x", vector, segment, offset);
		for (unsigned other = 0; other < vector; other++)
			if (!expect(word(other * 4) != offset, "vectors %u and %u are the same",
				    other, vector))
				return;
	}
}

static void data_area(void)
{
	expect(word(0x400) == COM1, "COM1 is at 0x%x", word(0x400));
	expect(word(0x40e) << 4 == EBDA, "the EBDA is at 0x%x", word(0x40e) << 4);
	expect(word(0x413) == EBDA >> 10, "%u KiB of memory", word(0x413));
	expect((word(0x410) & 0x0e02) == 0x0202, "the equipment is 0x%x", word(0x410));
	expect(*at(0x449) == 3 && word(0x44a) == 80 && *at(0x484) == 24,
	       "the screen is in mode %u, %u columns, %u rows", *at(0x449), word(0x44a),
	       *at(0x484) + 1);
	expect(*at(EBDA) == 1, "the EBDA has %u KiB", *at(EBDA));
	expect(*at(0xffff0) == 0xea && *at(0xffffe) == 0xfc, "the BIOS ends in 0x%x, 0x%x",
	       *at(0xffff0), *at(0xffffe));
}

/* Of [start, end): how much the map says is of this type. */
static uint64_t bytes_of_type(uint64_t start, uint64_t end, uint32_t type)
{
	uint64_t sum = 0;

	for (uint32_t offset = 0; offset < boot_info->mmap_length;) {
		const struct multiboot_mmap *entry =
			(const void *)(uintptr_t)(boot_info->mmap_addr + offset);
		uint64_t low = entry->base > start ? entry->base : start;
		uint64_t high = entry->base + entry->length;

		high = high < end ? high : end;
		if (entry->type == type && low < high)
			sum += high - low;
		offset += entry->size + sizeof(entry->size);
	}
	return sum;
}

static void memory_map(void)
{
	expect(boot_info->mem_lower == EBDA >> 10, "mem_lower is %u", boot_info->mem_lower);
	expect(bytes_of_type(0, EBDA, USABLE) == EBDA, "conventional memory is not usable");
	expect(bytes_of_type(EBDA, 0xa0000, RESERVED) == 0x400, "the EBDA is not reserved");
	expect(bytes_of_type(EBDA, 0x100000, USABLE) == 0, "usable memory before 1 MiB");
	expect(bytes_of_type(0xa0000, 0xf0000, RESERVED) == 0, "0xa0000 is reserved");
	expect(bytes_of_type(0xf0000, 0x100000, RESERVED) == 0x10000, "the BIOS is not reserved");
	expect(bytes_of_type(0x100000, ~0ull, USABLE) == (uint64_t)boot_info->mem_upper << 10,
	       "mem_upper is %u", boot_info->mem_upper);
}

static bool adds_up(uintptr_t address, uint32_t size)
{
	uint8_t sum = 0;

	while (size--)
		sum += *at(address++);
	return !sum;
}

/* Of a structure with this signature whose first `size` bytes add up to 0; or 0. */
static uintptr_t find(const char *signature, size_t length, uint32_t size)
{
	for (uintptr_t address = BIOS; address < BIOS_CODE; address += 16)
		if (!memcmp((const void *)at(address), signature, length) && adds_up(address, size))
			return address;
	return 0;
}

static uint32_t dword(uintptr_t address)
{
	return word(address) | (uint32_t)word(address + 2) << 16;
}

static void mp_table(void)
{
	uintptr_t pointer = find("_MP_", 4, 16), table = pointer ? dword(pointer + 4) : 0;
	uintptr_t processor = table + 44;
	struct cpuid_result cpu = cpuid(1, 0);

	if (!expect(table, "there is no MP floating pointer"))
		return;
	expect(dword(table) == 0x504d4350 && adds_up(table, word(table + 4)), "it leads to none");
	expect(*at(processor) == 0 && *at(processor + 3) == 3 && *at(processor + 20) == 1,
	       "there is not one CPU in the MP table");
	expect(dword(processor + 4) == cpu.eax && dword(processor + 8) == cpu.edx,
	       "the MP table has another CPU: 0x%x, 0x%x", dword(processor + 4),
	       dword(processor + 8));
}

static void acpi_tables(void)
{
	uintptr_t rsdp = find("RSD PTR ", 8, 20), rsdt = rsdp ? dword(rsdp + 16) : 0;

	if (!expect(rsdt, "there is no RSDP"))
		return;
	if (!expect(adds_up(rsdp, 36) && dword(rsdt) == 0x54445352, "there is no RSDT"))
		return;
	for (uintptr_t entry = rsdt + 36; entry < rsdt + dword(rsdt + 4); entry += 4)
		expect(adds_up(dword(entry), dword(dword(entry) + 4)), "table 0x%x is damaged",
		       dword(dword(entry)));
}

static const struct check tables[] = {
	{"vectors", vectors, NEEDS_HYPERCALL},	       {"data-area", data_area, NEEDS_HYPERCALL},
	{"memory-map", memory_map, NEEDS_HYPERCALL},   {"mp-table", mp_table, NEEDS_HYPERCALL},
	{"acpi-tables", acpi_tables, NEEDS_HYPERCALL},
};

static const struct {
	const char *word;
	uint32_t way;
} ways[] = {
	{"int", REAL_WAY_INT},
	{"far-call", REAL_WAY_FAR_CALL},
	{"undefined", REAL_WAY_UNDEFINED},
	{"divide", REAL_WAY_DIVIDE},
	{"timer", REAL_WAY_TIMER},
	{"tick", REAL_WAY_TICK},
	{"reset", REAL_WAY_RESET},
};

static void to_real_mode(uint32_t way)
{
	struct real_params *params = (struct real_params *)at(REAL_PARAMS);
	uint32_t vector = (uint32_t)option_number("vector", 0);

	*params = (struct real_params){
		.way = REAL_BASE + way,
		.vector = vector,
		.eax = (uint32_t)option_number("eax", 0),
	};
	memcpy((void *)at(REAL_BASE), real_blob, (size_t)(real_blob_end - real_blob));
	*at(REAL_BASE + REAL_INT_VECTOR) = (uint8_t)vector;
	if (option("handler"))
		*(volatile uint32_t *)at(vector * 4) = REAL_BASE + REAL_HANDLER;
	real_go();
}

static int check_tables(void)
{
	run_checks(tables, ARRAY_SIZE(tables), NULL);
	return report_end();
}

/* All but the code, which is still needed. */
static void overwrite_tables(void)
{
	memset((void *)at(0), 0xee, 0x500);
	memset((void *)at(EBDA), 0xee, 0x400);
	memset((void *)at(BIOS), 0xee, BIOS_CODE - BIOS);
}

static int say_words(void)
{
	char word[32];

	for (unsigned n = 0; option_word(n, word, sizeof(word)); n++)
		print("word %u: %s\n", n, word);
	return 0;
}

static void be_silent(void)
{
	if (option("screen"))
		*(volatile uint16_t *)at(0xb8000 + 2 * 80) = 0x0741;
	asm volatile("cli; hlt");
}

int guest_main(void)
{
	if (option("silent"))
		be_silent();
	if (option("table"))
		return check_tables();
	if (option("words"))
		return say_words();
	if (option("reset")) {
		if ((*at(RESET_COUNT))++) /* which a reset leaves alone */
			return check_tables();
		overwrite_tables();
	}
	for (unsigned i = 0; i < ARRAY_SIZE(ways); i++)
		if (option(ways[i].word))
			to_real_mode(ways[i].way);
	print("FAIL firmware: say what to do\n");
	return 1;
}
