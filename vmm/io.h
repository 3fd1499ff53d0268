/*
 * Port accesses: the exit qualification of I/O instructions (SDM Vol. 3C table 27-5), and what a
 * guest finds at the ports.
 */
#pragma once

#include <stdint.h>

#include "lib/x86.h"

#define IO_SIZE(q) (((q)&7) + 1)
#define IO_IN	   BIT(3)
#define IO_STRING  BIT(4)
#define IO_REP	   BIT(5)
#define IO_PORT(q) ((q) >> 16 & 0xffff)

struct vcpu;
struct vm;

/* One access of 1, 2 or 4 bytes; what is not there reads all ones and is counted. */
uint32_t io_read_ports(struct vm *vm, uint16_t port, unsigned int size);
void io_write_ports(struct vm *vm, uint16_t port, unsigned int size, uint32_t value);

/* INS and OUTS, from the I/O exit with this qualification. */
void exit_string_io(struct vcpu *vcpu, uint64_t qualification);
