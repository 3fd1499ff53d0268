#include "vmm/chip/lapic_inbox.h"

#include "vmm/chip/lapic.h"

#define NMIS_MAX 2

void lapic_inbox_put(struct lapic_inbox *inbox, const struct apic_message *message)
{
	uint32_t *vectors = message->level_triggered ? inbox->level : inbox->edge;

	inbox->any = true;
	switch (message->delivery) {
	case APIC_FIXED:
	case APIC_LOWEST_PRIORITY:
		vectors[message->vector / 32] |= lapic_vector_bit(message->vector);
		break;
	case APIC_NMI:
		if (inbox->nmis < NMIS_MAX)
			inbox->nmis++;
		break;
	case APIC_INIT:
		inbox->init = true;
		inbox->startup = false;
		break;
	case APIC_STARTUP:
		inbox->startup = true;
		inbox->startup_vector = message->vector;
		break;
	case APIC_EXTINT: /* the 8259 is at the first vCPU's pin, and not here */
	case APIC_SMI:
	case APIC_REMOTE_READ:
		break;
	}
}

static void accept_vectors(struct lapic *lapic, const uint32_t *vectors, bool level)
{
	for (unsigned int word = 0; word < LAPIC_VECTOR_WORDS; word++) {
		for (uint32_t bits = vectors[word]; bits; bits &= bits - 1) {
			const struct apic_message message = {
				.vector = (uint8_t)(32 * word + __builtin_ctz(bits)),
				.delivery = APIC_FIXED,
				.level_triggered = level,
			};

			lapic_accept(lapic, &message);
		}
	}
}

static void accept(struct lapic *lapic, enum apic_delivery delivery, uint8_t vector)
{
	const struct apic_message message = {.vector = vector, .delivery = delivery};

	lapic_accept(lapic, &message);
}

void lapic_inbox_empty(struct lapic_inbox *inbox, struct lapic *lapic)
{
	accept_vectors(lapic, inbox->edge, false);
	accept_vectors(lapic, inbox->level, true);
	for (; inbox->nmis; inbox->nmis--)
		accept(lapic, APIC_NMI, 0);
	if (inbox->init)
		accept(lapic, APIC_INIT, 0);
	if (inbox->startup)
		accept(lapic, APIC_STARTUP, inbox->startup_vector);
	*inbox = (struct lapic_inbox){};
}
