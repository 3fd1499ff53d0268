#include "vmm/gdb/gdb.h"

#include <stddef.h>

#include "boot/clock.h"
#include "lib/console.h"
#include "lib/format.h"
#include "lib/string.h"
#include "lib/x86.h"
#include "vmm/debugged.h"
#include "vmm/gdb/com2.h"
#include "vmm/gdb/commands.h"
#include "vmm/gdb/errand.h"
#include "vmm/gdb/points.h"
#include "vmm/gdb/registers.h"
#include "vmm/gdb/session.h"
#include "vmm/request.h"
#include "vmm/vm.h"

#define BYTES_MAX 32   /* that are taken in one go */
#define END_US	  5000 /* without progress, and nobody takes what is to be said at the end */

#define SIGNAL_KILLED 9

static struct session session = {.resumed = SESSION_ALL};
static bool packet_waits, packet_too_long; /* in session.link: it is carried out when it can be */
static bool told;			   /* that the run has ended */
static uint32_t run;			   /* vm->runs of the run that is debugged */

static struct vm *find(const char *name)
{
	for (uint32_t i = 0; i < vms_count(); i++)
		if (!strcmp(vm_at(i)->config.name, name))
			return vm_at(i);
	return NULL;
}

static void warn_of_name(const char *name)
{
	char names[200] = "";
	size_t length = 0;

	for (uint32_t i = 0; i < vms_count() && length < sizeof(names); i++)
		length += (size_t)format(names + length, sizeof(names) - length, "%s%s",
					 i ? ", " : "", vm_at(i)->config.name);
	log_warning("option gdb=%s is ignored: accepted is the name of a VM: %s", name, names);
}

void gdb_init(const char *name, bool waits)
{
	struct vm *vm = find(name);

	if (!name[0])
		return;
	if (!vm) {
		warn_of_name(name);
		return;
	}
	if (!com2_init() || !registers_init()) {
		log_warning("option gdb=%s is ignored: %s", name,
			    com2_init() ? "there is no memory for it"
					: "there is no COM2 (at port 2F8h)");
		return;
	}
	debugged_vm = vm;
	if (waits && vm_stop(vm))
		session.phase = SESSION_STOPS;
	record("gdb vm=%s port=com2 state=%s", vm->config.name, waits ? "waits" : "runs");
}

static void say(void)
{
	gdb_link_send(&session.link, session.reply.text, session.reply.length);
}

/* Whatever the next run does, gdb is told of its end, or of its next stop. */
static void resume(void)
{
	for (uint32_t i = 0; i < debugged_vm->vcpu_count; i++) {
		struct vcpu *vcpu = debugged_vm->vcpu[i];
		struct debugged_vcpu *own = &debugged.vcpu[i];

		own->steps = session.step[i];
		/* one that waits for its start-up message does not run, and would not hear it */
		own->held = session.hold[i] && vcpu->state != VCPU_WAITS;
		own->state = vcpu->state;
		if (own->held)
			vcpu->state = VCPU_STOPPED;
		/* its turn begins with a look at what it is to do */
		__atomic_fetch_or(&vcpu->pending, VCPU_YIELD, __ATOMIC_SEQ_CST);
	}
	points_arm(session_vcpu(&session));
	debugged_runs();
	session.asked = false;
	session.phase = SESSION_RUNS;
	run = debugged_vm->runs;
	vm_start(debugged_vm);
}

static void stands_still(void)
{
	for (uint32_t i = 0; i < debugged_vm->vcpu_count; i++) {
		struct debugged_vcpu *own = &debugged.vcpu[i];

		own->steps = false;
		if (own->held && debugged_vm->vcpu[i]->state == VCPU_STOPPED)
			debugged_vm->vcpu[i]->state = own->state;
		own->held = false;
	}
	points_disarm();
	session.phase = SESSION_STANDS;
	if (debugged.stop.noted)
		session.general = debugged.stop.vcpu;
	if (!debugged.follows || packet_waits) /* who has just come asks */
		return;
	session.reply.length = 0;
	session_add_stop(&session);
	say();
}

static void leave(void)
{
	debugged.follows = false;
	memset(session.step, 0, sizeof(session.step));
	memset(session.hold, 0, sizeof(session.hold));
	resume();
}

static void carry_out(void)
{
	enum session_next next = SESSION_REPLY;

	packet_waits = false;
	debugged.follows = true;
	session.reply.length = 0;
	session.reply.text[0] = '\0';
	if (packet_too_long)
		gdb_add(&session.reply, "E07");
	else
		next = command(&session);
	if (next == SESSION_REPLY || next == SESSION_LEAVE)
		say();
	if (next == SESSION_RESUME)
		resume();
	else if (next == SESSION_LEAVE)
		leave();
}

/* Its run has. The next one is another matter. */
static bool has_ended(void)
{
	if (debugged_vm->state == VM_ENDING || debugged_vm->state == VM_ENDED)
		return true;
	if (told)
		run = debugged_vm->runs;
	return debugged_vm->runs != run;
}

/* gdb takes the process for gone then, and leaves. */
static void tell_end(void)
{
	const char *cause = debugged_vm->end_cause;
	bool by_itself = cause && (!strcmp(cause, "exit-port") || !strcmp(cause, "hypercall") ||
				   !strcmp(cause, "power-off") || !strcmp(cause, "halted"));

	points_remove_all();
	debugged_runs();
	session.phase = SESSION_RUNS;
	session.general = 0;
	session.reply.length = 0;
	if (by_itself)
		gdb_add(&session.reply, "W%02x", debugged_vm->end_status);
	else
		gdb_add(&session.reply, "X%02x", SIGNAL_KILLED);
	if (debugged.follows || packet_waits)
		say();
	debugged.follows = packet_waits = session.asked = false;
	run = debugged_vm->runs;
	told = true;
}

static void take(char byte)
{
	switch (gdb_link_take(&session.link, byte)) {
	case GDB_PACKET:
		packet_waits = true;
		packet_too_long = false;
		break;
	case GDB_TOO_LONG:
		packet_waits = packet_too_long = true;
		break;
	case GDB_BREAK:
		session.asked = session.asked || session.phase == SESSION_RUNS;
		break;
	case GDB_NOTHING:
		break;
	}
}

/* One packet waits at most: gdb sends the next after the reply. */
static void receive(void)
{
	for (unsigned int i = 0; i < BYTES_MAX && !packet_waits; i++) {
		int byte = com2_read();

		if (byte < 0)
			break;
		take((char)byte);
	}
}

static void transmit(void)
{
	unsigned int room = gdb_link_idle(&session.link) ? 0 : com2_room();

	for (; room; room--) {
		int byte = gdb_link_next(&session.link);

		if (byte < 0)
			break;
		com2_write((char)byte);
	}
}

static void go_on(void)
{
	switch (session.phase) {
	case SESSION_RUNS:
		if (!debugged.stop.noted && !packet_waits && !session.asked)
			break;
		if (vm_stop(debugged_vm))
			session.phase = SESSION_STOPS;
		break;
	case SESSION_STOPS:
		if (!debugged_vm->stopped) /* the monitor has let it run: once more */
			session.phase = SESSION_RUNS;
		else if (errand_stands_still())
			stands_still();
		break;
	case SESSION_STANDS:
		if (!debugged_vm->stopped) {
			debugged_runs();
			session.phase = SESSION_RUNS;
		} else if (packet_waits && gdb_link_idle(&session.link) && errand_stands_still()) {
			carry_out();
		}
		break;
	}
}

void gdb_poll(void)
{
	receive();
	if (!has_ended()) {
		told = false;
		go_on();
	} else if (!told || packet_waits) {
		tell_end();
	}
	transmit();
}

void gdb_end(void)
{
	uint64_t give_up = clock_us_to_tsc(END_US), start = rdtsc();
	size_t sent = 0;

	if (!gdb_is_on())
		return;
	gdb_poll();
	while (!gdb_link_idle(&session.link) && rdtsc() - start < give_up) {
		transmit();
		if (session.link.out_sent != sent)
			start = rdtsc();
		sent = session.link.out_sent;
	}
}
