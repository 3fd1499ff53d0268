#include <stddef.h>

#include "fpu/policy.h"
#include "lib/console.h"
#include "lib/string.h"
#include "vmm/command.h"
#include "vmm/fpu_policy.h"

#define LINE_MAX  32 /* more than any command */
#define POLL_MAX  16 /* characters a call, so that a flood leaves the CPU to the guests */
#define BACKSPACE 0x08
#define DELETE	  0x7f

#define USAGE "fpu=lazy|scrub|eager|unload|swap|auto sets the FPU policy from now on"

static const char fpu_key[] = "fpu=";

/* By the first CPU. */
static char line[LINE_MAX];
static size_t length; /* as typed: what is beyond LINE_MAX - 1 is not kept */

static void set_fpu_policy(const char *name)
{
	for (unsigned int policy = 0; policy < FPU_POLICIES; policy++) {
		enum fpu_policy before;

		if (strcmp(name, fpu_policy_name((enum fpu_policy)policy)))
			continue;
		before = fpu_policy_set((enum fpu_policy)policy);
		record("policy fpu=%s before=%s", name, fpu_policy_name(before));
		return;
	}
	log_error("command fpu=%s: there is no such policy. " USAGE, name);
}

static void carry_out(void)
{
	if (length >= LINE_MAX)
		log_error("a command of %zu characters is too long. " USAGE, length);
	else if (!strncmp(line, fpu_key, sizeof(fpu_key) - 1))
		set_fpu_policy(line + sizeof(fpu_key) - 1);
	else if (!strcmp(line, "help"))
		print(USAGE "\n");
	else
		log_error("command %s: there is no such command. " USAGE, line);
}

void command_typed(char c)
{
	if (c == '\r' || c == '\n') {
		if (length) { /* "\r\n" ends one line, not two */
			line[length < LINE_MAX ? length : LINE_MAX - 1] = '\0';
			carry_out();
		}
		length = 0;
	} else if (c == BACKSPACE || c == DELETE) {
		if (length)
			length--;
	} else if (c >= ' ' && c < DELETE) {
		if (length < LINE_MAX)
			line[length] = c;
		length++;
	}
}

void command_poll(void)
{
	int c;

	for (int i = 0; i < POLL_MAX && (c = console_read()) >= 0; i++)
		command_typed((char)c);
}
