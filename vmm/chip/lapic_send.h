/*
 * What a local APIC sends by its interrupt command register. SDM Vol. 3A 10.6. Contract: lapic.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/chip/lapic.h"

/* What is in the interrupt command register; and what SELF IPI does. */
void lapic_send(struct lapic *lapic);
void lapic_send_to_self(struct lapic *lapic, uint8_t vector);

/*
 * To be asked after each write with LAPIC_HAS_MESSAGE: the message is for the others. The shorthand
 * is APIC_ALL_BUT_SELF or none. The sender has taken its own share, but of lowest priority without
 * a shorthand: there it is a candidate itself.
 */
bool lapic_next_message(struct lapic *lapic, struct apic_message *message);
