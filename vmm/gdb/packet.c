#include "vmm/gdb/packet.h"

#include "lib/string.h"

#define CTRL_C	    3
#define ESCAPE	    '}'
#define ESCAPED_BIT 0x20

/* A character, and that it comes so often more (GDB manual, E.1). */
#define RUN	   '*'
#define RUN_BASE   29
#define RUN_MIN	   3
#define RUN_MAX	   97
#define RUN_IS_SUM 6 /* whose count would be '#', and of the next one '$' */

int gdb_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void begin(struct gdb_link *link)
{
	link->state = GDB_LINK_TEXT;
	link->packet_length = 0;
	link->sum = 0;
	link->escaped = link->too_long = false;
}

static void take_text(struct gdb_link *link, char byte)
{
	link->sum += (uint8_t)byte;
	if (byte == ESCAPE && !link->escaped) {
		link->escaped = true;
		return;
	}
	if (link->escaped)
		byte ^= ESCAPED_BIT;
	link->escaped = false;
	if (link->packet_length == GDB_PACKET_MAX)
		link->too_long = true;
	else
		link->packet[link->packet_length++] = byte;
}

/* Who asks this has just come, and acknowledges whatever was agreed on with the one before. */
static bool begins_anew(const struct gdb_link *link)
{
	static const char first[] = "qSupported";

	return !strncmp(link->packet, first, sizeof(first) - 1);
}

/* What is damaged is asked for again; without acknowledgements it is lost. */
static enum gdb_input end(struct gdb_link *link, int low)
{
	bool right = low >= 0 && (link->sum_sent | low) == link->sum && !link->escaped;

	link->state = GDB_LINK_BETWEEN;
	link->packet[link->packet_length] = '\0';
	if (right && begins_anew(link))
		link->no_acks = false;
	if (!link->no_acks)
		link->ack = right ? '+' : '-';
	if (!right)
		return GDB_NOTHING;
	return link->too_long ? GDB_TOO_LONG : GDB_PACKET;
}

enum gdb_input gdb_link_take(struct gdb_link *link, char byte)
{
	int digit;

	if (byte == '$') { /* also where the end of the one before was lost */
		begin(link);
		return GDB_NOTHING;
	}
	switch (link->state) {
	case GDB_LINK_BETWEEN:
		if (byte == CTRL_C)
			return GDB_BREAK;
		if (byte == '-' && !link->no_acks)
			link->out_sent = 0;
		break;
	case GDB_LINK_TEXT:
		if (byte == '#')
			link->state = GDB_LINK_SUM_HIGH;
		else
			take_text(link, byte);
		break;
	case GDB_LINK_SUM_HIGH:
		digit = gdb_digit(byte);
		if (digit < 0)
			return end(link, -1);
		link->sum_sent = (uint8_t)(digit << 4);
		link->state = GDB_LINK_SUM_LOW;
		break;
	case GDB_LINK_SUM_LOW:
		return end(link, gdb_digit(byte));
	}
	return GDB_NOTHING;
}

static bool is_special(char byte)
{
	return byte == '$' || byte == '#' || byte == ESCAPE || byte == RUN;
}

/* How often text[0] comes again behind it, as far as one count can say. */
static size_t run_length(const char *text, size_t length)
{
	size_t more = 0;

	while (more + 1 < length && more < RUN_MAX && text[more + 1] == text[0])
		more++;
	if (more == RUN_IS_SUM || more == RUN_IS_SUM + 1)
		return RUN_IS_SUM - 1;
	return more < RUN_MIN ? 0 : more;
}

static void put(struct gdb_link *link, char byte)
{
	link->out[link->out_length++] = byte;
	link->sum_sent += (uint8_t)byte;
}

void gdb_link_send(struct gdb_link *link, const char *text, size_t length)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t sum;

	length = length < GDB_PACKET_MAX ? length : GDB_PACKET_MAX;
	link->out[0] = '$';
	link->out_length = 1;
	link->out_sent = 0;
	link->sum_sent = 0;
	for (size_t i = 0; i < length; i++) {
		size_t more;

		if (is_special(text[i])) {
			put(link, ESCAPE);
			put(link, text[i] ^ ESCAPED_BIT);
			continue;
		}
		put(link, text[i]);
		more = run_length(text + i, length - i);
		if (!more)
			continue;
		put(link, RUN);
		put(link, (char)(RUN_BASE + more));
		i += more;
	}
	sum = link->sum_sent;
	link->out[link->out_length++] = '#';
	link->out[link->out_length++] = digits[sum >> 4];
	link->out[link->out_length++] = digits[sum & 15];
}

int gdb_link_next(struct gdb_link *link)
{
	bool whole = !link->out_sent || link->out_sent == link->out_length;

	if (link->ack && whole) {
		char ack = link->ack;

		link->ack = 0;
		return ack;
	}
	return link->out_sent < link->out_length ? (uint8_t)link->out[link->out_sent++] : -1;
}

bool gdb_link_idle(const struct gdb_link *link)
{
	return !link->ack && link->out_sent == link->out_length;
}
