/*
 * One of the lines of vmm/look/lines.h, or a part of one that is several. Each is put together in
 * vm_look.text, and logged after that, so that neither takes long. The vCPU's VMCS is current.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct vcpu;
struct vm_look;

/* Adds to the line; what has no room is left out. */
void look_add(struct vm_look *look, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* An event by its interruption information (SDM Vol. 3C 24.8.3), as "#GP" or "interrupt 0x40". */
void look_add_event(struct vm_look *look, uint32_t info);

/* Logs the line with its VM's name; false: there is none. */
bool look_log(const struct vcpu *vcpu, struct vm_look *look);

/* Makes a line, or none: true when there is no more of it, else it is to be called again. */
typedef bool look_line(struct vcpu *vcpu, struct vm_look *look);

/* Of one that failed. */
look_line look_registers, look_control, look_segments, look_tables, look_refused, look_exceptions;

/* Of one that runs. */
look_line look_pending, look_exits;
