#include "vmm/gdb/session.h"

#define SIGNAL_INTERRUPT 2
#define SIGNAL_TRAP	 5

void session_add_stop(struct session *session)
{
	const struct debug_point *point = &debugged.stop.point;
	bool noted = debugged.stop.noted;
	enum debug_cause cause = noted ? debugged.stop.cause : DEBUG_ASKED;
	uint32_t vcpu = noted ? debugged.stop.vcpu : session->general;

	gdb_add(&session->reply, "T%02xthread:%x;",
		session->asked && !noted ? SIGNAL_INTERRUPT : SIGNAL_TRAP, session_thread(vcpu));
	if (cause == DEBUG_BREAKPOINT)
		gdb_add(&session->reply, "swbreak:;");
	else if (cause == DEBUG_POINT && point->kind == DEBUG_HARDWARE)
		gdb_add(&session->reply, "hwbreak:;");
	else if (cause == DEBUG_POINT)
		gdb_add(&session->reply, "%s:%lx;", point->kind == DEBUG_WRITE ? "watch" : "awatch",
			point->linear);
}
