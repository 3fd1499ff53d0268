/*
 * What can be sent by which shorthand: SDM Vol. 3A table 10-3. All is sent as edge-triggered, and
 * at once.
 */
#include "vmm/chip/lapic_send.h"

#define ICR_DELIVERY(command)  ((command) >> 8 & 7)
#define ICR_SHORTHAND(command) ((command) >> 18 & 3)
#define ICR_HOW		       0xc0700 /* shorthand and delivery mode */
#define ICR_FIXED_TO_SELF      (APIC_SELF << 18 | APIC_FIXED << 8)
#define ICR_FIXED_TO_ALL       (APIC_ALL << 18 | APIC_FIXED << 8)
#define ICR_LOGICAL	       0x800
#define ICR_ASSERTED	       0x4000
#define ICR_LEVEL	       0x8000

__attribute__((noinline)) static void illegal_vector_to_self(struct lapic *lapic)
{
	lapic_error(lapic, LAPIC_SEND_ILLEGAL_VECTOR);
	if (lapic_is_enabled(lapic))
		lapic_error(lapic, LAPIC_RECEIVE_ILLEGAL_VECTOR);
}

void lapic_send_to_self(struct lapic *lapic, uint8_t vector)
{
	if (vector < LAPIC_FIRST_VECTOR)
		illegal_vector_to_self(lapic);
	else if (lapic_is_enabled(lapic))
		lapic_request_edge(lapic, vector);
}

/* True: it is for the others, too. */
static bool take_own_share(struct lapic *lapic, const struct apic_message *message)
{
	if (!lapic_is_destination(lapic, message))
		return true;
	lapic_accept(lapic, message);
	return message->logical ||
	       message->destination == (message->x2apic ? UINT32_MAX : UINT8_MAX);
}

__attribute__((noinline)) static void send_to_others(struct lapic *lapic,
						     enum apic_shorthand shorthand)
{
	struct apic_message *message = &lapic->message; /* the one before has been taken */
	uint32_t command = lapic->icr_low;
	enum apic_delivery delivery = ICR_DELIVERY(command);
	bool x2apic = lapic_is_x2apic(lapic);

	if (delivery == APIC_REMOTE_READ || delivery == APIC_EXTINT)
		return;
	if (delivery == APIC_INIT && command & ICR_LEVEL && !(command & ICR_ASSERTED))
		return; /* INIT level de-assert: of old parts */
	*message = (struct apic_message){
		.destination = x2apic ? lapic->icr_high : lapic->icr_high >> 24,
		.vector = command,
		.delivery = delivery,
		.shorthand = shorthand,
		.logical = command & ICR_LOGICAL,
		.x2apic = x2apic,
	};
	if (delivery <= APIC_LOWEST_PRIORITY && message->vector < LAPIC_FIRST_VECTOR)
		lapic_error(lapic, LAPIC_SEND_ILLEGAL_VECTOR);
	if (shorthand == APIC_ALL_BUT_SELF || delivery == APIC_LOWEST_PRIORITY ||
	    take_own_share(lapic, message))
		lapic->signals |= LAPIC_HAS_MESSAGE;
}

void lapic_send(struct lapic *lapic)
{
	uint32_t command = lapic->icr_low;

	switch (command & ICR_HOW) {
	case ICR_FIXED_TO_SELF:
		lapic_send_to_self(lapic, command);
		break;
	case ICR_FIXED_TO_ALL:
		lapic_send_to_self(lapic, command);
		send_to_others(lapic, APIC_ALL_BUT_SELF);
		break;
	default:
		if (ICR_SHORTHAND(command) == APIC_NO_SHORTHAND ||
		    ICR_SHORTHAND(command) == APIC_ALL_BUT_SELF)
			send_to_others(lapic, ICR_SHORTHAND(command));
	}
}

bool lapic_next_message(struct lapic *lapic, struct apic_message *message)
{
	if (!(lapic->signals & LAPIC_HAS_MESSAGE))
		return false;
	lapic->signals &= ~LAPIC_HAS_MESSAGE;
	*message = lapic->message;
	return true;
}
