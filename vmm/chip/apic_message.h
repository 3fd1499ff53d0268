/*
 * What APICs send each other: an interrupt, or another signal, on its way to local APICs. From an
 * I/O APIC's redirection entry, or a local APIC's interrupt command register. SDM Vol. 3A 10.6.1,
 * 10.11.1; 82093AA data sheet 3.2.4.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Delivery modes, as in bits 10:8 of those registers. */
enum apic_delivery {
	APIC_FIXED,
	APIC_LOWEST_PRIORITY,
	APIC_SMI,
	APIC_REMOTE_READ,
	APIC_NMI,
	APIC_INIT,
	APIC_STARTUP,
	APIC_EXTINT,
};

enum apic_shorthand {
	APIC_NO_SHORTHAND,
	APIC_SELF,
	APIC_ALL,
	APIC_ALL_BUT_SELF,
};

struct apic_message {
	uint32_t destination; /* physical or logical APIC ID: 8 bits of an xAPIC, else 32 */
	uint8_t vector;
	enum apic_delivery delivery;
	enum apic_shorthand shorthand; /* then the destination says nothing */
	bool logical;
	bool level_triggered;
	bool x2apic; /* the sender is in x2APIC mode: the destination has 32 bits */
};
