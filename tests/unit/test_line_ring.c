#include "tests/unit/unit.h"

#include "lib/line_ring.h"

#define LINES 100000

static struct line_ring ring;

static int start(void **state)
{
	(void)state;
	memset(&ring, 0, sizeof(ring));
	return 0;
}

static bool put(uint64_t stamp, const char *text)
{
	return line_ring_put(&ring, stamp, text, strlen(text));
}

/* The first line, put together from its pieces of at most `most` bytes, and dropped. */
static size_t take(char *to, size_t most)
{
	size_t length = line_ring_length(&ring);

	for (size_t done = 0; done < length;) {
		size_t size;
		const char *text = line_ring_text(&ring, done, length, &size);

		assert_in_range(size, 1, length - done);
		size = size < most ? size : most;
		memcpy(to + done, text, size);
		done += size;
	}
	to[length] = '\0';
	line_ring_drop(&ring);
	return length;
}

static void lines_come_out_whole_in_order_and_with_their_stamps(void **state)
{
	char text[LINE_RING_LINE + 1];

	(void)state;
	assert_true(line_ring_empty(&ring));
	assert_true(put(7, "one\n") && put(9, "") && put(UINT64_MAX, "three\n"));
	assert_int_equal(line_ring_stamp(&ring), 7);
	take(text, 1);
	assert_string_equal(text, "one\n");
	assert_int_equal(line_ring_stamp(&ring), 9);
	assert_int_equal(take(text, 1), 0);
	assert_int_equal(line_ring_stamp(&ring), UINT64_MAX);
	take(text, sizeof(text));
	assert_string_equal(text, "three\n");
	assert_true(line_ring_empty(&ring));
}

static void what_has_no_room_is_refused_and_changes_nothing(void **state)
{
	static char line[LINE_RING_LINE + 1];
	struct line_ring before;
	uint32_t room;

	(void)state;
	memset(line, 'x', sizeof(line));
	assert_false(line_ring_put(&ring, 1, line, sizeof(line))); /* too long a line */
	while (line_ring_put(&ring, 1, line, LINE_RING_LINE))
		;
	room = line_ring_room(&ring);
	assert_true(room < LINE_RING_LINE + LINE_RING_OVERHEAD);
	memcpy(&before, &ring, sizeof(ring));
	assert_false(line_ring_put(&ring, 1, line, room - LINE_RING_OVERHEAD + 1));
	assert_memory_equal(&before, &ring, sizeof(ring));
	assert_true(line_ring_put(&ring, 1, line, room - LINE_RING_OVERHEAD));
	assert_int_equal(line_ring_room(&ring), 0);
}

/* Lengths at random, so that headers and lines wrap at every offset. */
static void nothing_is_lost_or_changed_however_full_it_is(void **state)
{
	uint64_t seed = 0x11, put_seed = 0x22, take_seed = 0x22, in = 0, out = 0;

	(void)state;
	while (out < LINES) {
		char line[LINE_RING_LINE], taken[LINE_RING_LINE + 1];
		size_t length;

		if (in < LINES && random_next(&seed) % 5 < 3) {
			uint64_t before = put_seed;

			length = random_next(&put_seed) % 7
					 ? random_next(&put_seed) % 80
					 : random_next(&put_seed) % LINE_RING_LINE;
			memset(line, (int)(in & 0xff), length);
			if (line_ring_put(&ring, in, line, length))
				in++;
			else
				put_seed = before;
		} else if (out < in) {
			size_t wanted = random_next(&take_seed) % 7
						? random_next(&take_seed) % 80
						: random_next(&take_seed) % LINE_RING_LINE;

			assert_int_equal(line_ring_stamp(&ring), out);
			length = take(taken, 1 + random_next(&seed) % 20);
			assert_int_equal(length, wanted);
			memset(line, (int)(out++ & 0xff), length);
			assert_memory_equal(taken, line, length);
		}
	}
	assert_true(line_ring_empty(&ring));
	assert_int_equal(line_ring_room(&ring), LINE_RING_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(lines_come_out_whole_in_order_and_with_their_stamps, start),
		cmocka_unit_test_setup(what_has_no_room_is_refused_and_changes_nothing, start),
		cmocka_unit_test_setup(nothing_is_lost_or_changed_however_full_it_is, start),
	};

	return cmocka_run_group_tests_name("line_ring", tests, NULL, NULL);
}
