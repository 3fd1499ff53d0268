/*
 * Who may touch what of a CPU's mail and of what it has loaded (vmm/mailbox.h, vmm/loaded.h), and
 * which request was handled by whom. For access.c, in worlds with mail.
 */
#pragma once

#include <stdbool.h>

/* All of a vCPU is this CPU's: it has it, or takes it and nobody else has. */
bool mail_has(unsigned int cpu, unsigned int context);

/* Before an access by a CPU. */
void mail_touch(unsigned int me, const char *at, bool write);
