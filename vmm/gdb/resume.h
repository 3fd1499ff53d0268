/*
 * The packets that let the VM run on: c, s, C, S, vCont.
 */
#pragma once

#include "vmm/gdb/session.h"

enum session_next resume_one(struct session *session, const char *text, bool step);
enum session_next resume_signalled(struct session *session, const char *text, bool step);
enum session_next resume_each(struct session *session, const char *text);

/* Which of them there are, as the reply to vCont?. */
void resume_add_actions(struct gdb_reply *reply);

/* A thread's number in a packet: 0 stands for any, -1 for all. False: there is none of it. */
bool resume_thread(const char **text, uint32_t *vcpu);
