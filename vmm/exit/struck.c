#include "vmm/exit/struck.h"

#include <stdbool.h>
#include <stddef.h>

#include "boot/layout.h"
#include "lib/array.h"
#include "lib/console.h"
#include "lib/format.h"
#include "lib/string.h"
#include "lib/symbols.h"

#define TEXT_MAX (512 << 10)

/* A bit a byte of text. */
static uint8_t struck[TEXT_MAX / 8];

/* From the ownership check to the entry, from an exit back, and what CPUs ask of each other. */
static const char *const functions[] = {
	"enter_guest",	"vmx_enter",   "vmx_exit",	 "resume",     "asked",
	"loaded_fetch", "loaded_take", "loaded_give_up", "give_up",    "fpu_enter",
	"fpu_flush",	"save",	       "fpu_hw_save",	 "mail_serve", "mail_ask",
	"mail_kick",	"halt_unless", "idle",		 "turns_put",  "balance_offer",
};

void struck_note(uint64_t rip)
{
	uint64_t at = rip - (uint64_t)text_start;

	if (at < TEXT_MAX)
		__atomic_fetch_or(&struck[at / 8], 1u << at % 8, __ATOMIC_RELAXED);
}

static bool is_struck(uint64_t at)
{
	return struck[at / 8] & 1u << at % 8;
}

/* What the compiler splits off is called NAME.part.0. */
static bool is_of_interest(const char *name)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(functions); i++) {
		size_t length = strlen(functions[i]);

		if (!strncmp(functions[i], name, length) && (!name[length] || name[length] == '.'))
			return true;
	}
	return false;
}

/* A line of those that follow `*at` in one function. */
static void print_line(uint64_t *at, const char *name)
{
	char text[CONSOLE_LINE_MAX / 2];
	size_t length = 0;
	uint64_t offset;

	for (; *at < TEXT_MAX && length + 8 < sizeof(text); ++*at) {
		if (!is_struck(*at))
			continue;
		if (symbol_find((uint64_t)text_start + *at, &offset) != name)
			break;
		length += format(text + length, sizeof(text) - length, length ? ",%lu" : "%lu",
				 offset);
	}
	record("struck from=%s at=%s", name, text);
}

void struck_print(void)
{
	for (uint64_t at = 0; at < TEXT_MAX;) {
		uint64_t offset;
		const char *name = NULL;

		if (is_struck(at))
			name = symbol_find((uint64_t)text_start + at, &offset);
		if (name && is_of_interest(name))
			print_line(&at, name);
		else
			at++;
	}
}
