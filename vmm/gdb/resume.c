#include "vmm/gdb/resume.h"

#include "vmm/gdb/registers.h"
#include "vmx/capabilities.h"

enum action {
	ACTION_NONE, /* that a packet does not name: it does not run */
	ACTION_CONTINUE,
	ACTION_STEP,
};

static enum session_next error(struct session *session)
{
	gdb_add(&session->reply, "E16");
	return SESSION_REPLY;
}

static bool can_step(void)
{
	return vmx_capabilities()->monitor_trap;
}

void resume_add_actions(struct gdb_reply *reply)
{
	gdb_add(reply, can_step() ? "vCont;c;C;s;S" : "vCont;c;C");
}

bool resume_thread(const char **text, uint32_t *vcpu)
{
	uint64_t number;

	if ((*text)[0] == '-' && (*text)[1] == '1') {
		*text += 2;
		*vcpu = SESSION_ALL;
		return true;
	}
	if (!gdb_number(text, &number) || number > debugged_vm->vcpu_count)
		return false;
	*vcpu = number ? (uint32_t)number - 1 : 0;
	return true;
}

/* For all vCPUs, `one` steps if `step` says so. */
static enum session_next resume(struct session *session, bool step)
{
	uint32_t one = session->resumed == SESSION_ALL ? session->general : session->resumed;

	if (step && !can_step())
		return error(session);
	for (uint32_t i = 0; i < debugged_vm->vcpu_count; i++) {
		session->step[i] = step && i == one;
		session->hold[i] = session->resumed != SESSION_ALL && i != one;
	}
	return SESSION_RESUME;
}

/* With an address it goes on there. */
enum session_next resume_one(struct session *session, const char *text, bool step)
{
	uint64_t rip;

	if (*text &&
	    (!gdb_number_then(&text, &rip, '\0') || !registers_set_rip(session_vcpu(session), rip)))
		return error(session);
	return resume(session, step);
}

/* A machine has no signals: whichever it is, it is dropped. */
enum session_next resume_signalled(struct session *session, const char *text, bool step)
{
	uint64_t signal;

	if (!gdb_number(&text, &signal))
		return error(session);
	return resume_one(session, *text == ';' ? text + 1 : text, step);
}

static enum action action_of(const char **text)
{
	char letter = *(*text)++;
	uint64_t signal;

	if ((letter == 'C' || letter == 'S') && !gdb_number(text, &signal))
		return ACTION_NONE;
	if (letter == 'c' || letter == 'C')
		return ACTION_CONTINUE;
	return (letter == 's' || letter == 'S') && can_step() ? ACTION_STEP : ACTION_NONE;
}

/* Of several actions that a vCPU is named in the first one counts. */
enum session_next resume_each(struct session *session, const char *text)
{
	enum action action[VM_VCPUS_MAX] = {};
	bool any = false;

	while (*text == ';') {
		uint32_t vcpu = SESSION_ALL;
		enum action this;

		text++;
		this = action_of(&text);
		if (this == ACTION_NONE)
			return error(session);
		if (*text == ':') {
			text++;
			if (!resume_thread(&text, &vcpu))
				return error(session);
		}
		for (uint32_t i = 0; i < debugged_vm->vcpu_count; i++)
			if (!action[i] && (vcpu == SESSION_ALL || vcpu == i))
				action[i] = this;
	}
	for (uint32_t i = 0; i < debugged_vm->vcpu_count; i++) {
		session->step[i] = action[i] == ACTION_STEP;
		session->hold[i] = action[i] == ACTION_NONE;
		any |= action[i] != ACTION_NONE;
	}
	return *text || !any ? error(session) : SESSION_RESUME;
}
