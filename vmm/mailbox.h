/*
 * What a CPU has of the mail: vmm/mail.h, which alone writes it.
 */
#pragma once

#include <stdint.h>

struct pcpu;

/* On the CPU that was asked. It asks nothing itself. */
typedef void mail_handler(struct pcpu *pcpu, void *arg);

struct mailbox {
	/* these two keep the CPU from halting */
	volatile uint64_t from;	  /* the CPUs that have asked, and wait: a bit each */
	volatile uint64_t kicked; /* not 0: it is to look for work */
	uint64_t nmis;		  /* that were sent to this CPU; some may have come as one */
	mail_handler *what;	  /* that this CPU asks of others */
	void *arg;
};
