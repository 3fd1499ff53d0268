#include "vmm/mitigations_report.h"

#include <stddef.h>

#include "lib/console.h"
#include "lib/format.h"
#include "vmx/mitigate.h"

/* Words that are joined, cut where there is no room. */
struct list {
	char text[256];
	size_t length;
};

static void add(struct list *list, const char *before, const char *name, const char *after)
{
	size_t room = sizeof(list->text) - list->length;
	size_t length = format(list->text + list->length, room, "%s%s%s", before, name, after);

	list->length += length < room ? length : room - 1;
}

void mitigations_report(enum mitigations_wanted wanted)
{
	const struct mitigations *m = mitigations();
	struct list hazards = {}, steps = {};

	for (enum hazard h = 0; h < HAZARDS; h++) {
		add(&hazards, " ", hazard_name(h), "=");
		add(&hazards, "", verdict_name(m->hazard[h].verdict), "");
		if (m->hazard[h].verdict == VERDICT_OPEN)
			log_warning("a guest may see what is not its own by %s: %s", hazard_name(h),
				    m->hazard[h].why);
		else
			log_debug("speculation: %s is %s: %s", hazard_name(h),
				  verdict_name(m->hazard[h].verdict), m->hazard[h].why);
	}
	for (unsigned int n = 0; step_name(n); n++)
		if (m->steps & 1u << n)
			add(&steps, steps.length ? "+" : "", step_name(n), "");
	record("mitigations wanted=%s steps=%s%s", mitigations_wanted_name(wanted),
	       steps.length ? steps.text : "none", hazards.text);
}
