/*
 * Registers of a vCPU as gdb numbers them, by the description that it has been sent: in 32 or in
 * 64 bits. First CPU, while the VM stands still.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/gdb/text.h"

struct vcpu;

/* At boot, when a debugger may come: false: there is no memory. */
bool registers_init(void);

/* The value of one (two digits a byte), or of all; false: there is none of this number. */
bool registers_add(struct vcpu *vcpu, bool wide, uint32_t number, struct gdb_reply *reply);
void registers_add_all(struct vcpu *vcpu, bool wide, struct gdb_reply *reply);

/*
 * Writes one, or all: what is new of them. False: a value cannot be, or the text is malformed;
 * those before it have been written.
 */
bool registers_write(struct vcpu *vcpu, bool wide, uint32_t number, const char *text);
bool registers_write_all(struct vcpu *vcpu, bool wide, const char *text);

/* Its RIP, in the width of the description. */
bool registers_set_rip(struct vcpu *vcpu, uint64_t rip);
