#include "vmm/mail.h"

#include <stddef.h>

#include "boot/apic.h"
#include "lib/assert.h"
#include "lib/lock.h"
#include "lib/x86.h"
#include "vmm/pcpu.h"

void mail_serve(struct pcpu *pcpu)
{
	uint64_t from;

	while ((from = pcpu->mail.from) != 0) {
		uint64_t asker = from & -from;
		struct mailbox *letter = &pcpu_at(__builtin_ctzll(asker))->mail;

		letter->what(pcpu, letter->arg);
		/* the last of it: what was done is seen by whoever sees this */
		__atomic_fetch_and(&pcpu->mail.from, ~asker, __ATOMIC_SEQ_CST);
	}
}

static void send_nmi(struct pcpu *to)
{
	__atomic_fetch_add(&to->mail.nmis, 1, __ATOMIC_SEQ_CST);
	apic_send_nmi(to->cpu.apic_id);
}

static void post(struct pcpu *to, uint64_t self)
{
	__atomic_fetch_or(&to->mail.from, self, __ATOMIC_SEQ_CST);
	send_nmi(to);
}

void mail_ask(uint64_t cpus, mail_handler *handler, void *arg)
{
	struct pcpu *pcpu = this_pcpu();
	uint64_t self = BIT(pcpu->cpu.id), others = cpus & ~self;

	assert(!pcpu->mail.what && pcpu->cpu.lock_rank == LOCK_NONE);
	pcpu->mail.what = handler;
	pcpu->mail.arg = arg;
	for (uint64_t left = others; left; left &= left - 1)
		post(pcpu_at(__builtin_ctzll(left)), self);
	if (cpus & self)
		handler(pcpu, arg);
	for (uint64_t left = others; left; left &= left - 1) {
		while (pcpu_at(__builtin_ctzll(left))->mail.from & self) {
			mail_serve(pcpu);
			cpu_relax();
		}
	}
	pcpu->mail.what = NULL;
}

void mail_kick(struct pcpu *pcpu)
{
	pcpu->mail.kicked = 1;
	send_nmi(pcpu);
}
