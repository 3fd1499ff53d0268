#include "vmm/gdb/commands.h"

#include "lib/array.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/min.h"
#include "lib/string.h"
#include "vmm/gdb/description.h"
#include "vmm/gdb/memory.h"
#include "vmm/gdb/points.h"
#include "vmm/gdb/registers.h"
#include "vmm/gdb/resume.h"
#include "vmm/vm.h"

#define READ_MAX (GDB_PACKET_MAX / 2)

static enum session_next say(struct session *session, const char *text)
{
	gdb_add(&session->reply, "%s", text);
	return SESSION_REPLY;
}

static enum session_next answer(struct session *session, bool success)
{
	return say(session, success ? "OK" : "E16");
}

static enum session_next no_memory(struct session *session)
{
	return say(session, "E0e");
}

static enum session_next why(struct session *session, const char *text)
{
	(void)text;
	session_add_stop(session);
	return SESSION_REPLY;
}

/* All kernels but those in an ELF32 are taken for such that are going to be in 64-bit mode. */
static bool is_wide(const struct session *session)
{
	static const uint8_t elf32[] = {0x7f, 'E', 'L', 'F', 1};

	return session_vcpu(session)->long_mode ||
	       memcmp((const void *)debugged_vm->image->start, elf32, sizeof(elf32));
}

static enum session_next supported(struct session *session, const char *text)
{
	(void)text;
	points_remove_all(); /* who asks has just come, and knows of none */
	session->wide = is_wide(session);
	gdb_add(&session->reply,
		"PacketSize=%x;qXfer:features:read+;swbreak+;hwbreak+;vContSupported+;"
		"QStartNoAckMode+",
		GDB_PACKET_MAX);
	return SESSION_REPLY;
}

static enum session_next no_acks(struct session *session, const char *text)
{
	(void)text;
	session->link.no_acks = true;
	return say(session, "OK");
}

static enum session_next features(struct session *session, const char *text)
{
	const char *whole;
	uint64_t offset, count;
	size_t length;

	if (!gdb_number_then(&text, &offset, ',') || !gdb_number_then(&text, &count, '\0'))
		return answer(session, false);
	if (!offset)
		session->wide = is_wide(session);
	whole = description(session->wide, &length);
	offset = min_u64(offset, length);
	count = min_u64(min_u64(count, length - offset), READ_MAX);
	gdb_add(&session->reply, offset + count < length ? "m" : "l");
	gdb_add_raw(&session->reply, whole + offset, count);
	return SESSION_REPLY;
}

static enum session_next threads(struct session *session, const char *text)
{
	(void)text;
	for (uint32_t i = 0; i < debugged_vm->vcpu_count; i++)
		gdb_add(&session->reply, "%c%x", i ? ',' : 'm', session_thread(i));
	return SESSION_REPLY;
}

static enum session_next no_more_threads(struct session *session, const char *text)
{
	(void)text;
	return say(session, "l");
}

static enum session_next thread_text(struct session *session, const char *text)
{
	static const char *const states[] = {"stopped", "runs", "halted", "not started"};
	char line[64];
	uint32_t vcpu;

	if (!resume_thread(&text, &vcpu) || vcpu == SESSION_ALL || *text)
		return answer(session, false);
	format(line, sizeof(line), "%s vCPU %u: %s", debugged_vm->config.name, vcpu,
	       states[debugged_vm->vcpu[vcpu]->state]);
	gdb_add_bytes(&session->reply, (const uint8_t *)line, strlen(line));
	return SESSION_REPLY;
}

static enum session_next current_thread(struct session *session, const char *text)
{
	(void)text;
	gdb_add(&session->reply, "QC%x", session_thread(session->general));
	return SESSION_REPLY;
}

static enum session_next attached(struct session *session, const char *text)
{
	(void)text;
	return say(session, "1");
}

static enum session_next choose_general(struct session *session, const char *text)
{
	uint32_t vcpu;

	if (!resume_thread(&text, &vcpu) || *text)
		return answer(session, false);
	session->general = vcpu == SESSION_ALL ? 0 : vcpu;
	return answer(session, true);
}

static enum session_next choose_resumed(struct session *session, const char *text)
{
	bool any = !strcmp(text, "0");
	uint32_t vcpu;

	if (!resume_thread(&text, &vcpu) || *text)
		return answer(session, false);
	session->resumed = any ? SESSION_ALL : vcpu;
	return answer(session, true);
}

static enum session_next is_alive(struct session *session, const char *text)
{
	uint32_t vcpu;

	return answer(session, resume_thread(&text, &vcpu) && !*text);
}

static enum session_next read_all(struct session *session, const char *text)
{
	(void)text;
	registers_add_all(session_vcpu(session), session->wide, &session->reply);
	return SESSION_REPLY;
}

static enum session_next write_all(struct session *session, const char *text)
{
	return answer(session, registers_write_all(session_vcpu(session), session->wide, text));
}

static enum session_next read_one(struct session *session, const char *text)
{
	uint64_t number;

	if (!gdb_number_then(&text, &number, '\0') || number > UINT32_MAX ||
	    !registers_add(session_vcpu(session), session->wide, (uint32_t)number, &session->reply))
		return answer(session, false);
	return SESSION_REPLY;
}

static enum session_next write_one(struct session *session, const char *text)
{
	uint64_t number;

	return answer(session, gdb_number_then(&text, &number, '=') && number <= UINT32_MAX &&
				       registers_write(session_vcpu(session), session->wide,
						       (uint32_t)number, text));
}

static uint8_t buffer[READ_MAX];

static enum session_next read_memory(struct session *session, const char *text)
{
	uint64_t address, length;

	if (!gdb_number_then(&text, &address, ',') || !gdb_number_then(&text, &length, '\0'))
		return answer(session, false);
	length = min_u64(length, READ_MAX);
	if (length)
		length = memory_read(session_vcpu(session), address, buffer, (uint32_t)length);
	if (!length)
		return no_memory(session);
	gdb_add_bytes(&session->reply, buffer, length);
	return SESSION_REPLY;
}

/* The address and length before the data, of which there are so many. */
static bool memory_range(const char **text, uint64_t *address, uint64_t *length)
{
	return gdb_number_then(text, address, ',') && gdb_number_then(text, length, ':');
}

static enum session_next write_bytes(struct session *session, uint64_t address, const void *bytes,
				     uint64_t length)
{
	if (memory_write(session_vcpu(session), address, bytes, (uint32_t)length))
		return no_memory(session);
	return answer(session, true);
}

static enum session_next write_memory(struct session *session, const char *text)
{
	uint64_t address, length;

	if (!memory_range(&text, &address, &length) || length > READ_MAX ||
	    !gdb_bytes(&text, buffer, length) || *text)
		return answer(session, false);
	return write_bytes(session, address, buffer, length);
}

static enum session_next write_binary(struct session *session, const char *text)
{
	const char *end = session->link.packet + session->link.packet_length;
	uint64_t address, length;

	if (!memory_range(&text, &address, &length) || length != (uint64_t)(end - text))
		return answer(session, false);
	return write_bytes(session, address, text, length);
}

static bool point_range(const char **text, uint64_t *address, uint64_t *length)
{
	if (!gdb_number_then(text, address, ',') || !gdb_number(text, length))
		return false;
	return (!**text || **text == ';') && *length <= UINT32_MAX; /* conditions are gdb's */
}

/* "": gdb takes another kind, or says that there is none. */
static enum session_next change_point(struct session *session, const char *text, bool insert)
{
	unsigned int kind = (unsigned int)(text[0] - '0');
	uint64_t address, length;
	int error;

	if (kind > DEBUG_ACCESS || kind == 3)
		return SESSION_REPLY;
	if (text[1] != ',')
		return answer(session, false);
	text += 2;
	if (!point_range(&text, &address, &length))
		return answer(session, false);
	if (!insert) {
		points_remove((enum debug_kind)kind, address, (unsigned int)length);
		return answer(session, true);
	}
	error = points_add(session_vcpu(session), (enum debug_kind)kind, address,
			   (unsigned int)length);
	return error == -EFAULT ? no_memory(session) : answer(session, !error);
}

static enum session_next insert_point(struct session *session, const char *text)
{
	return change_point(session, text, true);
}

static enum session_next remove_point(struct session *session, const char *text)
{
	return change_point(session, text, false);
}

static enum session_next go_on(struct session *session, const char *text)
{
	return resume_one(session, text, false);
}

static enum session_next go_one_step(struct session *session, const char *text)
{
	return resume_one(session, text, true);
}

static enum session_next go_on_signalled(struct session *session, const char *text)
{
	return resume_signalled(session, text, false);
}

static enum session_next step_signalled(struct session *session, const char *text)
{
	return resume_signalled(session, text, true);
}

static enum session_next actions(struct session *session, const char *text)
{
	(void)text;
	resume_add_actions(&session->reply);
	return SESSION_REPLY;
}

static enum session_next detach(struct session *session, const char *text)
{
	(void)text;
	points_remove_all();
	say(session, "OK");
	return SESSION_LEAVE;
}

static void end_vm(void)
{
	points_remove_all();
	vm_end(debugged_vm, VM_STATUS_FAILED, "gdb");
}

static enum session_next kill_at_once(struct session *session, const char *text)
{
	(void)session;
	(void)text;
	end_vm();
	return SESSION_SILENT;
}

static enum session_next kill_process(struct session *session, const char *text)
{
	(void)text;
	end_vm();
	return say(session, "OK");
}

/* gdb's "monitor reset", in hexadecimal. */
static enum session_next monitor(struct session *session, const char *text)
{
	if (strcmp(text, "7265736574"))
		return SESSION_REPLY;
	vm_reset(debugged_vm);
	return say(session, "OK");
}

static const struct {
	const char *name; /* what the packet begins with */
	bool whole;	  /* and it is all of it */
	enum session_next (*carry_out)(struct session *session, const char *text);
} commands[] = {
	{"?", true, why},
	{"g", true, read_all},
	{"G", false, write_all},
	{"p", false, read_one},
	{"P", false, write_one},
	{"m", false, read_memory},
	{"M", false, write_memory},
	{"X", false, write_binary},
	{"Z", false, insert_point},
	{"z", false, remove_point},
	{"Hg", false, choose_general},
	{"Hc", false, choose_resumed},
	{"T", false, is_alive},
	{"c", false, go_on},
	{"s", false, go_one_step},
	{"C", false, go_on_signalled},
	{"S", false, step_signalled},
	{"vCont?", true, actions},
	{"vCont", false, resume_each},
	{"vKill;", false, kill_process},
	{"k", true, kill_at_once},
	{"D", false, detach},
	{"qSupported", false, supported},
	{"QStartNoAckMode", true, no_acks},
	{"qXfer:features:read:target.xml:", false, features},
	{"qfThreadInfo", true, threads},
	{"qsThreadInfo", true, no_more_threads},
	{"qThreadExtraInfo,", false, thread_text},
	{"qC", true, current_thread},
	{"qAttached", false, attached},
	{"qRcmd,", false, monitor},
};

/* What is not known has an empty reply. */
enum session_next command(struct session *session)
{
	const char *text = session->link.packet;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		size_t length = strlen(commands[i].name);

		if (strncmp(text, commands[i].name, length) ||
		    (commands[i].whole && text[length] != '\0'))
			continue;
		return commands[i].carry_out(session, text + length);
	}
	return SESSION_REPLY;
}
