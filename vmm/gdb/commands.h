/*
 * What a debugger asks for while the debugged VM stands still (GDB manual, appendix E).
 */
#pragma once

#include "vmm/gdb/session.h"

/* Carries out the packet in session->link; the reply, empty at first, is in session->reply. */
enum session_next command(struct session *session);
