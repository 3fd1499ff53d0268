#include "boot/last_log.h"

#include <stddef.h>

#include "boot/bootinfo.h"
#include "boot/layout.h"
#include "lib/console.h"
#include "lib/string.h"
#include "lib/x86.h"

#define PLACES_END BIT(32)
#define FIRST	   (2ull * LAST_LOG_PLACES) /* below it UEFI firmware is busy, and loaders */
#define SIZE	   (LAST_LOG_PER_PLACE * sizeof(struct kept_log))
#define LINE	   256

static bool is_usable(const struct memory_map *map, uint64_t start, uint64_t end)
{
	for (uint32_t i = 0; i < map->count; i++)
		if (map->range[i].type == MEMORY_USABLE && map->range[i].start <= start &&
		    end <= map->range[i].end)
			return true;
	return false;
}

static bool is_taken(const struct boot_info *info, uint64_t start, uint64_t end)
{
	if (start < (uint64_t)image_end && (uint64_t)image_start < end)
		return true;
	for (uint32_t i = 0; i < info->module_count; i++)
		if (start < info->module[i].end && info->module[i].start < end)
			return true;
	return false;
}

static struct kept_log *log_at(const struct boot_memory *memory, uint64_t place, unsigned int n)
{
	return (struct kept_log *)boot_memory_at(memory, place + n * sizeof(struct kept_log),
						 sizeof(struct kept_log));
}

/* Returns the greatest number of any. */
static uint64_t look_for_logs(struct last_log *found, uint64_t *bad_place,
			      const struct boot_info *info, const struct boot_memory *memory)
{
	uint64_t newest = 0;

	for (uint64_t place = LAST_LOG_PLACES; place < PLACES_END; place += LAST_LOG_PLACES) {
		if (!is_usable(&info->map, place, place + SIZE))
			continue;
		for (unsigned int n = 0; n < LAST_LOG_PER_PLACE; n++) {
			const struct kept_log *log = log_at(memory, place, n);
			enum kept_log_state state = log ? kept_log_check(log) : KEPT_LOG_NONE;

			if (state == KEPT_LOG_NONE)
				continue;
			if (log->number > newest)
				newest = log->number;
			if (log->ended || (found->bad && log->number < found->bad->number))
				continue;
			found->bad = log;
			*bad_place = place;
			found->bad_damaged = state == KEPT_LOG_DAMAGED;
		}
	}
	found->before = found->bad && found->bad->number == newest;
	return newest;
}

/* The lowest place from FIRST on, or else one below it; 0: there is none. */
static uint64_t choose_place(const struct boot_info *info)
{
	for (uint64_t place = FIRST; place < PLACES_END; place += LAST_LOG_PLACES)
		if (is_usable(&info->map, place, place + SIZE) &&
		    !is_taken(info, place, place + SIZE))
			return place;
	for (uint64_t place = LAST_LOG_PLACES; place < FIRST; place += LAST_LOG_PLACES)
		if (is_usable(&info->map, place, place + SIZE) &&
		    !is_taken(info, place, place + SIZE))
			return place;
	return 0;
}

static void set_aside(struct boot_info *info, uint64_t place)
{
	if (!place || (info->kept_count && info->kept[0].start == place))
		return;
	info->kept[info->kept_count].start = place;
	info->kept[info->kept_count++].end = place + SIZE;
}

void last_log_find(struct last_log *found, struct boot_info *info, const struct boot_memory *memory)
{
	uint64_t bad_place = 0, newest, place;

	memset(found, 0, sizeof(*found));
	newest = look_for_logs(found, &bad_place, info, memory);
	place = choose_place(info);
	set_aside(info, place);
	set_aside(info, bad_place);
	if (!place)
		return;
	for (unsigned int n = 0; n < LAST_LOG_PER_PLACE && !found->own; n++)
		if (log_at(memory, place, n) != found->bad)
			found->own = log_at(memory, place, n);
	if (found->own)
		kept_log_begin(found->own, newest + 1);
}

void last_log_report(const struct last_log *found)
{
	if (found->before)
		log_warning("the boot before did not end well: the boot option log=last shows "
			    "what it said");
}

/* The next line from *index on. */
static void read_line(const struct kept_log *log, size_t *index, char line[LINE])
{
	size_t length = 0, end = kept_log_length(log);

	while (*index < end && length < LINE - 1) {
		char c = kept_log_at(log, (*index)++);

		if (c == '\n')
			break;
		line[length++] = c == '\t' || (c >= ' ' && c <= '~') ? c : '?';
	}
	line[length] = '\0';
}

void last_log_print(const struct last_log *found)
{
	char line[LINE];

	for (size_t i = 0; i < kept_log_length(found->bad);) {
		read_line(found->bad, &i, line);
		print("last| %s\n", line);
	}
	if (found->bad_damaged)
		log_warning("some of the text above is not what was printed: its checksum does not "
			    "fit");
	record("lastlog bytes=%lu of=%lu damaged=%u", kept_log_length(found->bad),
	       found->bad->written, found->bad_damaged);
}
