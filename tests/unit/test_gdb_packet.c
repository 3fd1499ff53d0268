#include "tests/unit/unit.h"

#include "vmm/gdb/packet.h"
#include "vmm/gdb/text.h"

static struct gdb_link link;

static int start(void **state)
{
	(void)state;
	memset(&link, 0, sizeof(link));
	return 0;
}

/* What the last byte of a text makes; before it nothing is to be made. */
static enum gdb_input take(const char *text)
{
	for (; text[1]; text++)
		assert_int_equal(gdb_link_take(&link, *text), GDB_NOTHING);
	return gdb_link_take(&link, *text);
}

static char *sent(char *to)
{
	size_t length = 0;
	int byte;

	while ((byte = gdb_link_next(&link)) >= 0)
		to[length++] = (char)byte;
	to[length] = '\0';
	assert_true(gdb_link_idle(&link));
	return to;
}

static char text[2 * GDB_PACKET_MAX + 16];

static void a_packet_comes_with_its_text_and_is_acknowledged(void **state)
{
	(void)state;
	assert_int_equal(take("$qC#b4"), GDB_PACKET);
	assert_string_equal(link.packet, "qC");
	assert_int_equal(link.packet_length, 2);
	assert_string_equal(sent(text), "+");
	assert_int_equal(take("$qC#B4"), GDB_PACKET);
	link.no_acks = true;
	assert_string_equal(sent(text), "+");
	assert_int_equal(take("$qC#b4"), GDB_PACKET);
	assert_string_equal(sent(text), "");
}

static void what_is_damaged_is_asked_for_again(void **state)
{
	static const char *const damaged[] = {"$qC#b5", "$qC#4b", "$qC#x",
					      "$qC#bx", "$qD#b4", "$q}#ee"};

	(void)state;
	for (size_t i = 0; i < sizeof(damaged) / sizeof(*damaged); i++) {
		assert_int_equal(take(damaged[i]), GDB_NOTHING);
		assert_string_equal(sent(text), "-");
	}
	link.no_acks = true;
	assert_int_equal(take("$qC#b5"), GDB_NOTHING);
	assert_string_equal(sent(text), "");
}

static void who_has_just_come_is_acknowledged_again(void **state)
{
	(void)state;
	link.no_acks = true;
	assert_int_equal(take("$qSupported:x+#15"), GDB_NOTHING);
	assert_string_equal(sent(text), "");
	assert_int_equal(take("$qSupported:x+#14"), GDB_PACKET);
	assert_string_equal(sent(text), "+");
	assert_false(link.no_acks);
}

static void a_packet_whose_end_is_lost_gives_way_to_the_next(void **state)
{
	(void)state;
	assert_int_equal(take("$mffff$qC#b$qC#b4"), GDB_PACKET);
	assert_string_equal(link.packet, "qC");
}

static void escaped_bytes_are_what_they_stand_for(void **state)
{
	static const char wanted[] = "X#$}*";

	(void)state;
	assert_int_equal(take("$X}\x03}\x04}\x5d}\x0a#ba"), GDB_PACKET);
	assert_memory_equal(link.packet, wanted, sizeof(wanted));
}

static void ctrl_c_counts_between_packets_alone(void **state)
{
	(void)state;
	assert_int_equal(gdb_link_take(&link, 3), GDB_BREAK);
	assert_int_equal(take("$X\x03#5b"), GDB_PACKET);
	assert_int_equal(link.packet_length, 2);
}

static void one_that_is_too_long_is_whole_but_cut(void **state)
{
	uint8_t sum = 0;
	char end[3];

	(void)state;
	gdb_link_take(&link, '$');
	for (size_t i = 0; i < GDB_PACKET_MAX + 100; i++) {
		assert_int_equal(gdb_link_take(&link, 'a'), GDB_NOTHING);
		sum += 'a';
	}
	snprintf(end, sizeof(end), "%02x", sum);
	assert_int_equal(gdb_link_take(&link, '#'), GDB_NOTHING);
	assert_int_equal(take(end), GDB_TOO_LONG);
	assert_int_equal(link.packet_length, GDB_PACKET_MAX);
	assert_int_equal(take("$qC#b4"), GDB_PACKET);
}

static void a_reply_is_sent_again_when_it_is_asked_for(void **state)
{
	(void)state;
	gdb_link_send(&link, "OK", 2);
	assert_string_equal(sent(text), "$OK#9a");
	gdb_link_take(&link, '+');
	assert_true(gdb_link_idle(&link));
	gdb_link_take(&link, '-');
	assert_string_equal(sent(text), "$OK#9a");
	link.no_acks = true;
	gdb_link_take(&link, '-');
	assert_true(gdb_link_idle(&link));
}

static void an_acknowledgement_does_not_break_into_a_packet(void **state)
{
	(void)state;
	gdb_link_send(&link, "OK", 2);
	assert_int_equal(gdb_link_next(&link), '$');
	assert_int_equal(take("$qC#b4"), GDB_PACKET);
	assert_string_equal(sent(text), "OK#9a+");
}

/* As gdb reads it (remote.c): a count is a character less 29, beside the first. */
static size_t expand(const char *packet, char *to)
{
	size_t length = 0;

	assert_int_equal(*packet++, '$');
	for (; *packet != '#'; packet++) {
		if (*packet == '*') {
			int count = *++packet - 29;

			assert_true(*packet >= ' ' && *packet <= '~' && count >= 3);
			assert_true(*packet != '#' && *packet != '$'); /* of frames */
			for (; count; count--, length++)
				to[length] = to[length - 1];
		} else if (*packet == '}') {
			to[length++] = (char)(*++packet ^ 0x20);
		} else {
			to[length++] = *packet;
		}
	}
	return length;
}

static void runs_of_any_length_and_any_byte_come_out_as_they_were(void **state)
{
	static char given[GDB_PACKET_MAX], got[2 * GDB_PACKET_MAX];

	(void)state;
	for (int byte = 0; byte < 256; byte++) {
		for (size_t length = 0; length < 210; length++) {
			memset(given, byte, length);
			given[length] = 'x';
			gdb_link_send(&link, given, length + 1);
			assert_int_equal(expand(sent(text), got), length + 1);
			assert_memory_equal(got, given, length + 1);
		}
	}
	memset(given, '0', sizeof(given));
	gdb_link_send(&link, given, sizeof(given));
	assert_true(link.out_length < 300);
	memset(given, '#', sizeof(given));
	gdb_link_send(&link, given, sizeof(given) + 5);
	assert_int_equal(link.out_length, 2 * GDB_PACKET_MAX + 4);
}

static void numbers_are_hexadecimal_and_of_16_digits_at_most(void **state)
{
	const char *at = "1f,FFFFFFFFFFFFFFFF";
	uint64_t value;

	(void)state;
	assert_true(gdb_number_then(&at, &value, ','));
	assert_int_equal(value, 0x1f);
	assert_true(gdb_number_then(&at, &value, '\0'));
	assert_true(value == UINT64_MAX);
	at = "10000000000000000";
	assert_false(gdb_number(&at, &value));
	at = "-1";
	assert_false(gdb_number(&at, &value));
	at = "1;";
	assert_false(gdb_number_then(&at, &value, ','));
}

static void bytes_are_pairs_of_digits(void **state)
{
	const char *at = "00ffA5";
	uint8_t bytes[3];

	(void)state;
	assert_true(gdb_bytes(&at, bytes, 3));
	assert_memory_equal(bytes, "\x00\xff\xa5", 3);
	assert_int_equal(*at, '\0');
	at = "0";
	assert_false(gdb_bytes(&at, bytes, 1));
	at = "0g";
	assert_false(gdb_bytes(&at, bytes, 1));
}

static void a_reply_that_is_full_stays_terminated(void **state)
{
	static struct gdb_reply reply;
	static uint8_t bytes[GDB_PACKET_MAX];

	(void)state;
	gdb_add(&reply, "%c%x", 'm', 17);
	assert_string_equal(reply.text, "m11");
	gdb_add_bytes(&reply, bytes, sizeof(bytes));
	assert_int_equal(reply.length, GDB_PACKET_MAX);
	gdb_add(&reply, "more");
	gdb_add_raw(&reply, "more", 4);
	assert_int_equal(reply.length, GDB_PACKET_MAX);
	assert_int_equal(strlen(reply.text), GDB_PACKET_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_packet_comes_with_its_text_and_is_acknowledged, start),
		cmocka_unit_test_setup(what_is_damaged_is_asked_for_again, start),
		cmocka_unit_test_setup(who_has_just_come_is_acknowledged_again, start),
		cmocka_unit_test_setup(a_packet_whose_end_is_lost_gives_way_to_the_next, start),
		cmocka_unit_test_setup(escaped_bytes_are_what_they_stand_for, start),
		cmocka_unit_test_setup(ctrl_c_counts_between_packets_alone, start),
		cmocka_unit_test_setup(one_that_is_too_long_is_whole_but_cut, start),
		cmocka_unit_test_setup(a_reply_is_sent_again_when_it_is_asked_for, start),
		cmocka_unit_test_setup(an_acknowledgement_does_not_break_into_a_packet, start),
		cmocka_unit_test_setup(runs_of_any_length_and_any_byte_come_out_as_they_were,
				       start),
		cmocka_unit_test(numbers_are_hexadecimal_and_of_16_digits_at_most),
		cmocka_unit_test(bytes_are_pairs_of_digits),
		cmocka_unit_test(a_reply_that_is_full_stays_terminated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
