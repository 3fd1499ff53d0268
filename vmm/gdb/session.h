/*
 * What goes on between a debugger and the debugged VM. First CPU.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/debugged.h"
#include "vmm/gdb/packet.h"
#include "vmm/gdb/text.h"

enum session_phase {
	SESSION_RUNS,	/* the VM runs, or ends, or is made anew */
	SESSION_STOPS,	/* it is to stand still */
	SESSION_STANDS, /* it does: what the debugger asks for is done */
};

/* What a command leads to. */
enum session_next {
	SESSION_REPLY,	/* the reply is sent */
	SESSION_SILENT, /* none is */
	SESSION_RESUME, /* the VM runs on, and the reply comes when it stops */
	SESSION_LEAVE,	/* the reply is sent, the VM runs on, and nobody is told when it stops */
};

struct session {
	enum session_phase phase;
	bool asked;	  /* Ctrl-C has come while it ran */
	bool wide;	  /* the description that was sent last: in 64 bits */
	uint32_t general; /* whose registers and memory are asked for (Hg), a vCPU */
	uint32_t resumed; /* that `c` and `s` are for (Hc), or SESSION_ALL */
	bool step[VM_VCPUS_MAX], hold[VM_VCPUS_MAX]; /* of the next run */
	struct gdb_link link;
	struct gdb_reply reply;
};

#define SESSION_ALL UINT32_MAX

/* The vCPU that is asked about. */
static inline struct vcpu *session_vcpu(const struct session *session)
{
	return debugged_vm->vcpu[session->general];
}

/* A thread's number in gdb, a vCPU's and 1, in the text of a packet. */
static inline uint32_t session_thread(uint32_t vcpu)
{
	return vcpu + 1;
}

/* Why it stands still, as a reply. */
void session_add_stop(struct session *session);
