/*
 * What CPUs ask of each other. One that asks waits, and does meanwhile what others ask of it: two
 * that ask each other serve each other, and nobody waits for ever. Root mode, interrupts off, no
 * lock held; never in an NMI handler.
 *
 * An NMI tells the other CPU to look. It may strike anywhere: in a guest it makes a VM exit, on the
 * way into one or into a halt it turns the CPU back (vmx/entry.h, boot/halt.S).
 */
#pragma once

#include <stdint.h>

#include "vmm/mailbox.h"

struct pcpu;

/* Has each CPU of a set (a bit each) call handler(its own pcpu, arg). Returns when all have. */
void mail_ask(uint64_t cpus, mail_handler *handler, void *arg);

/* Does what others have asked of this CPU: in its run loop, when it idles, and when it waits. */
void mail_serve(struct pcpu *pcpu);

/* Has a CPU look for work, if it halts, and at what its guest is to stop for. Never waits. */
void mail_kick(struct pcpu *pcpu);
