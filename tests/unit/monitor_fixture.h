/*
 * The monitor with a console that is typed at and read, and two VMs that note what is asked of
 * them.
 */
#pragma once

#include "tests/unit/unit.h"

#include "boot/clock.h"
#include "fpu/policy.h"
#include "lib/console.h"
#include "lib/refusal.h"
#include "vmm/fpu_policy.h"
#include "vmm/gdb/gdb.h"
#include "vmm/monitor.h"
#include "vmm/monitor_commands.h"
#include "vmm/monitor_tables.h"
#include "vmm/online.h"
#include "vmm/output.h"
#include "vmm/request.h"
#include "vmm/vm.h"

#define OPEN "\x01"
#define KILL "\x15"

static enum fpu_policy policy;
static char printed[4096];
static unsigned int errors, policies_set;
static const char *waiting; /* what the UART has received */
static char foot[96];
static char done[256]; /* what was asked of VMs, CPUs and tables */
static bool table_waits;
static struct vm vms[2];
static struct vcpu vcpus[2];
static unsigned int requests[2];
struct line_ring output_own;

struct vm *debugged_vm;
static unsigned int gdb_polls;

void gdb_poll(void)
{
	gdb_polls++;
}

static void append(const char *end, const char *format, va_list args)
{
	size_t length = strlen(printed);

	vsnprintf(printed + length, sizeof(printed) - length, format, args);
	strncat(printed, end, sizeof(printed) - strlen(printed) - 1);
}

#define STUB_PRINT(end)                                                                            \
	do {                                                                                       \
		va_list args;                                                                      \
                                                                                                   \
		va_start(args, format);                                                            \
		append(end, format, args);                                                         \
		va_end(args);                                                                      \
	} while (0)

void print(const char *format, ...)
{
	STUB_PRINT("");
}

void record(const char *format, ...)
{
	STUB_PRINT("\n");
}

void log_line(enum log_level level, const char *format, ...)
{
	errors += level == LOG_ERROR;
	STUB_PRINT("\n");
}

int console_read(void)
{
	return *waiting ? (unsigned char)*waiting++ : -1;
}

bool console_can_read(void)
{
	return true;
}

uint64_t clock_us_to_tsc(uint64_t microseconds)
{
	return microseconds << 32; /* no deadline passes while a test looks at it */
}

void output_foot(const char *text)
{
	snprintf(foot, sizeof(foot), "%s", text);
}

enum fpu_policy fpu_policy_set(enum fpu_policy new_policy)
{
	enum fpu_policy before = policy;

	policy = new_policy;
	policies_set++;
	return before;
}

static void note(const char *what, const char *name)
{
	size_t length = strlen(done);

	snprintf(done + length, sizeof(done) - length, "%s %s;", what, name);
}

/* A vCPU that halts is to look at what was typed. */
void vcpu_request(struct vcpu *vcpu, uint32_t what)
{
	assert_true(vcpu == &vcpus[0] || vcpu == &vcpus[1]);
	assert_int_equal(what, 0);
	requests[vcpu - vcpus]++;
}

struct vm *vm_at(uint32_t index)
{
	return &vms[index];
}

uint32_t vms_count(void)
{
	return ARRAY_SIZE(vms);
}

bool vm_stop(struct vm *vm)
{
	note("stop", vm->config.name);
	return vm->state < VM_ENDING;
}

bool vm_start(struct vm *vm)
{
	note("start", vm->config.name);
	return vm->state < VM_ENDING;
}

void vm_reset(struct vm *vm)
{
	note("reset", vm->config.name);
}

void vm_end(struct vm *vm, uint8_t status, const char *cause)
{
	assert_int_equal(status, VM_STATUS_FAILED);
	note(cause, vm->config.name);
}

int online_ask(uint32_t cpu, bool online, struct refusal *refusal)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", cpu);
	note(online ? "online" : "offline", text);
	*refusal = (struct refusal){"it is needed"};
	return cpu == 1 ? -EINVAL : 0;
}

void monitor_table_begin(const char *name)
{
	note("table", name);
}

void monitor_table_go_on(void)
{
}

bool monitor_table_waits(void)
{
	return table_waits;
}

static inline int start(void **state)
{
	(void)state;
	policy = FPU_AUTO;
	memset(printed, 0, sizeof(printed));
	memset(done, 0, sizeof(done));
	errors = policies_set = 0;
	table_waits = false;
	memset(vms, 0, sizeof(vms));
	strcpy(vms[0].config.name, "a");
	strcpy(vms[1].config.name, "b");
	vms[0].state = vms[1].state = VM_RUNNING;
	vms[0].vcpu[0] = &vcpus[0];
	vms[1].vcpu[0] = &vcpus[1];
	requests[0] = requests[1] = 0;
	return 0;
}

static inline void type(const char *text)
{
	waiting = text;
	while (*waiting)
		monitor_poll();
}
