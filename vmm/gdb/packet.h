/*
 * The framing of the GDB remote protocol: $text#checksum, acknowledgements, escapes. (GDB manual,
 * appendix E.) No hardware in it: what the line brings is given in byte by byte, and what is to be
 * sent is taken out so. Whatever comes, nothing is written beyond the buffers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GDB_PACKET_MAX 8192 /* characters of a packet's text, either way */

enum gdb_input {
	GDB_NOTHING,  /* more has to come */
	GDB_PACKET,   /* a whole one: link->packet, terminated, and link->packet_length */
	GDB_TOO_LONG, /* a whole one, of which there is not all */
	GDB_BREAK,    /* Ctrl-C, outside of a packet */
};

struct gdb_link {
	enum {
		GDB_LINK_BETWEEN,
		GDB_LINK_TEXT,
		GDB_LINK_SUM_HIGH,
		GDB_LINK_SUM_LOW,
	} state;
	bool no_acks; /* neither side acknowledges: QStartNoAckMode */
	bool escaped, too_long;
	uint8_t sum, sum_sent;
	size_t packet_length;
	char packet[GDB_PACKET_MAX + 1];
	char ack; /* to be sent before the next packet, or 0 */
	size_t out_length, out_sent;
	char out[2 * GDB_PACKET_MAX + 4]; /* the last packet: it may have to be sent again */
};

/* What a hexadecimal digit stands for, or -1. */
int gdb_digit(char c);

/* A byte has come. */
enum gdb_input gdb_link_take(struct gdb_link *link, char byte);

/* A packet is to be sent: bytes of any value. What was not sent of the one before is dropped. */
void gdb_link_send(struct gdb_link *link, const char *text, size_t length);

/* The next byte to be sent, or -1: there is none. */
int gdb_link_next(struct gdb_link *link);

/* Whether all is sent. */
bool gdb_link_idle(const struct gdb_link *link);
