/*
 * The text of packets: numbers in hexadecimal, values byte by byte as they lie in memory, and a
 * reply that is put together. No hardware in it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/gdb/packet.h"

/*
 * Reads a number of up to 16 digits and leaves *text behind it. False: there is none, or it is too
 * long.
 */
bool gdb_number(const char **text, uint64_t *value);

/* The same, and then this character, which is left behind too; '\0': the end. */
bool gdb_number_then(const char **text, uint64_t *value, char then);

/* `count` bytes, two digits each. */
bool gdb_bytes(const char **text, uint8_t *bytes, size_t count);

struct gdb_reply {
	size_t length;
	char text[GDB_PACKET_MAX + 1]; /* terminated; what does not fit is cut off */
};

void gdb_add(struct gdb_reply *reply, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void gdb_add_bytes(struct gdb_reply *reply, const uint8_t *bytes, size_t count);
void gdb_add_raw(struct gdb_reply *reply, const char *bytes, size_t count);
