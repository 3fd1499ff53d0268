#include "vmm/doctor/machine.h"

#include "boot/acpi.h"
#include "boot/bootinfo.h"
#include "boot/clock.h"
#include "boot/leftovers.h"
#include "boot/paging.h"
#include "fpu/features.h"
#include "lib/console.h"
#include "lib/string.h"
#include "lib/x86.h"
#include "vmm/doctor/findings.h"
#include "vmm/needs.h"

#define ACPI_TABLES_MAX 48

static struct memory_map map;
static char table_name[ACPI_TABLES_MAX][5];

void doctor_look_at_memory(const struct boot_info *info)
{
	map = info->map;
}

static void examine_needs(struct findings *f, bool complete)
{
	for (const struct machine_need *need = machine_needs; need->key; need++) {
		struct finding *row = finding_add(f, "required", need->key, FINDING_REQUIRED,
						  complete && need->met());

		row->remedy = need->message;
		if (!complete)
			row->verdict = VERDICT_UNKNOWN;
	}
}

static void examine_clocks(struct findings *f)
{
	finding_say(f, "tsc", "khz", clock_tsc_khz(), "%lu", clock_tsc_khz());
	finding_say(f, "tsc", "clock", clock_source(), "%s", clock_source_name(clock_source()));
	finding_say(f, "tsc", "timer", clock_timer(), "%s", clock_timer_name(clock_timer()));
}

static void examine_fpu(struct findings *f)
{
	const struct fpu_features *fpu = fpu_features();

	if (!fpu->works)
		return;
	finding_say(f, "fpu", "uses", fpu->method, "%s", fpu->method_name);
	finding_say(f, "fpu", "xcr0", fpu->superset, "0x%lx", fpu->superset);
	finding_say(f, "fpu", "image", fpu->image_size, "%u", fpu->image_size);
	f->row[f->count - 1].quiet = true;
	finding_say(f, "fpu", "tiles", fpu->tiles, "%s", fpu->tiles ? "on" : "off");
	f->row[f->count - 1].quiet = !fpu->tiles;
}

static void examine_memory(struct findings *f)
{
	uint64_t usable = memory_map_usable_bytes(&map), top = 0;

	for (uint32_t i = 0; i < map.count; i++)
		if (map.range[i].type == MEMORY_USABLE)
			top = map.range[i].end;
	finding_say(f, "memory", "memory", usable, "%luM", usable >> 20);
	finding_say(f, "memory", "ranges", map.count, "%u", map.count);
	finding_say(f, "memory", "top", top, "0x%lx", top);
	f->row[f->count - 1].quiet = true;
}

static void examine_firmware(struct findings *f, const struct boot_info *info)
{
	const struct boot_framebuffer *screen = &info->framebuffer;

	finding_say(f, "firmware", "firmware", info->efi, "%s", info->efi ? "uefi" : "bios");
	f->row[f->count - 1].quiet = true; /* the page's last line has it */
	finding_say(f, "firmware", "loader", info->protocol, "%.9s", info->loader_name);
	if (info->ega_text)
		finding_say(f, "firmware", "screen", 1, "vga-text");
	else if (screen->width)
		finding_say(f, "firmware", "screen", 2, "%ux%ux%u", screen->width, screen->height,
			    screen->bpp);
	else
		finding_say(f, "firmware", "screen", 0, "none");
}

/* There may be dozens of one name. */
static bool is_named_before(uint32_t index)
{
	for (uint32_t i = 0; i < index; i++)
		if (!strcmp(table_name[i], table_name[index]))
			return true;
	return false;
}

static void examine_acpi(struct findings *f, const struct boot_info *info)
{
	const struct boot_memory window = {NULL, 0, paging_limit(), paging_map_firmware};
	char found[ACPI_TABLES_MAX][4];
	uint32_t count = acpi_list(info, &window, found, ACPI_TABLES_MAX);

	finding_say(f, "acpi", "tables", count, "%u", count);
	for (uint32_t i = 0; i < count; i++) {
		for (uint32_t c = 0; c < 4; c++)
			table_name[i][c] =
				found[i][c] > ' ' && found[i][c] < 0x7f ? found[i][c] : '_';
		finding_add(f, "acpi", table_name[i], FINDING_TOLD, true)->quiet =
			is_named_before(i);
	}
}

static void examine_leftovers(struct findings *f)
{
	finding_say(f, "left-on", "cr0", leftover_cr0, "0x%x", leftover_cr0);
	finding_say(f, "left-on", "cr4", leftover_cr4, "0x%x", leftover_cr4);
	finding_add(f, "left-on", "la57", FINDING_TOLD, leftover_cr4 & BIT(12));
	finding_add(f, "left-on", "cet", FINDING_TOLD, leftover_cr4 & BIT(23));
	finding_add(f, "left-on", "breakpoints", FINDING_TOLD, leftover_dr7 & 0xff);
}

void doctor_examine_machine(struct findings *findings, const struct boot_info *info, bool complete)
{
	examine_needs(findings, complete);
	if (complete) {
		examine_clocks(findings);
		examine_fpu(findings);
	}
	examine_memory(findings);
	examine_firmware(findings, info);
	if (complete)
		examine_acpi(findings, info);
	examine_leftovers(findings);
}

void doctor_record_memory(void)
{
	static const char *const name[] = {"", "usable", "reserved", "acpi", "nvs", "bad"};

	for (uint32_t i = 0; i < map.count; i++)
		record("memory start=0x%lx end=0x%lx type=%s", map.range[i].start, map.range[i].end,
		       name[map.range[i].type]);
}
