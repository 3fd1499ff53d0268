#include "vmm/exit_watch.h"

#include "lib/format.h"
#include "vmx/exit_reasons.h"
#include "vmx/names.h"

void exit_watch_note(struct exit_watch *watch, const struct exit_kind *exit)
{
	for (uint32_t i = 0; i < watch->kinds; i++) {
		struct exit_kind *kind = &watch->kind[i];

		if (kind->reason != exit->reason || kind->what != exit->what ||
		    kind->in != exit->in)
			continue;
		kind->count++;
		kind->rip = exit->rip;
		return;
	}
	if (watch->kinds == EXIT_WATCH_KINDS) {
		watch->others++;
		return;
	}
	watch->kind[watch->kinds] = *exit;
	watch->kind[watch->kinds++].count = 1;
}

const struct exit_kind *exit_watch_take(struct exit_watch *watch)
{
	struct exit_kind *most = &watch->kind[0], taken;

	if (!watch->kinds)
		return NULL;
	for (uint32_t i = 1; i < watch->kinds; i++)
		if (watch->kind[i].count > most->count)
			most = &watch->kind[i];
	taken = *most;
	*most = watch->kind[--watch->kinds];
	watch->kind[watch->kinds] = taken;
	return &watch->kind[watch->kinds];
}

void exit_kind_describe(const struct exit_kind *kind, char *text, size_t size)
{
	const char *access = kind->in ? "read" : "written";

	switch (kind->reason) {
	case EXIT_REASON_IO_INSTRUCTION:
		format(text, size, "port 0x%lx %s", kind->what, access);
		break;
	case EXIT_REASON_EPT_VIOLATION:
		format(text, size, "page 0x%lx %s", kind->what, access);
		break;
	case EXIT_REASON_RDMSR:
	case EXIT_REASON_WRMSR:
		format(text, size, "MSR 0x%lx %s", kind->what,
		       kind->reason == EXIT_REASON_RDMSR ? "read" : "written");
		break;
	case EXIT_REASON_CPUID:
	case EXIT_REASON_VMCALL:
		format(text, size, "%s 0x%lx", exit_reason_name(kind->reason), kind->what);
		break;
	default:
		format(text, size, "%s", exit_reason_name(kind->reason));
	}
}
