/* boot/alike.c: a CPU that lacks what the first one has is named with the word and the bits. */
#include "tests/unit/unit.h"

#include "boot/alike.h"

#define UNTOUCHED 0xabcdu

static struct alike first, own;
static uint32_t word, bits;

static int start(void **state)
{
	(void)state;
	memset(&first, 0, sizeof(first));
	memset(&own, 0, sizeof(own));
	word = bits = UNTOUCHED;
	return 0;
}

static void a_cpu_that_has_all_of_the_first_ones_misses_nothing(void **state)
{
	uint64_t seed = 0xa11ce;

	(void)state;
	assert_false(alike_missing(&first, &own, &word, &bits)); /* nothing of nothing */
	for (int round = 0; round < 1000; round++) {
		for (unsigned int i = 0; i < ALIKE_WORDS; i++) {
			first.word[i] = (uint32_t)random_next(&seed);
			own.word[i] = first.word[i];
			if (round % 2) /* more is no harm */
				own.word[i] |= (uint32_t)random_next(&seed);
		}
		assert_false(alike_missing(&first, &own, &word, &bits));
	}
}

static void each_bit_of_each_word_is_missed(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ALIKE_WORDS; i++) {
		for (unsigned int bit = 0; bit < 32; bit++) {
			memset(&first, 0xff, sizeof(first));
			memset(&own, 0xff, sizeof(own));
			own.word[i] = ~(1u << bit);
			word = bits = UNTOUCHED;
			assert_true(alike_missing(&first, &own, &word, &bits));
			assert_int_equal(word, i);
			assert_int_equal(bits, 1u << bit);
			/* the other way round it is more */
			assert_false(alike_missing(&own, &first, &word, &bits));
		}
	}
}

static void the_first_word_is_told_with_all_that_is_missing_in_it(void **state)
{
	(void)state;
	first.word[4] = 0xf00f0000;
	own.word[4] = 0x800a00ff; /* some more, some less */
	first.word[ALIKE_WORDS - 1] = 1;
	own.word[2] = UINT32_MAX;
	assert_true(alike_missing(&first, &own, &word, &bits));
	assert_int_equal(word, 4);
	assert_int_equal(bits, 0x70050000);
	own.word[4] |= 0xffff0000;
	assert_true(alike_missing(&first, &own, &word, &bits));
	assert_int_equal(word, ALIKE_WORDS - 1);
	assert_int_equal(bits, 1);
}

static void every_word_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ALIKE_WORDS; i++) {
		assert_int_equal(strncmp(alike_name(i), "CPUID.", 6), 0);
		for (unsigned int j = 0; j < i; j++)
			assert_string_not_equal(alike_name(i), alike_name(j));
	}
}

static void a_cpu_is_like_itself(void **state)
{
	(void)state;
	memset(&first, 0xff, sizeof(first));
	alike_read(&first);
	alike_read(&own);
	assert_memory_equal(&first, &own, sizeof(first));
	assert_true(first.word[1] & 1);		  /* this test runs on something with an FPU, */
	assert_false(first.word[0] & (1u << 27)); /* which the system has switched OSXSAVE on for */
	assert_false(alike_missing(&first, &own, &word, &bits));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_cpu_that_has_all_of_the_first_ones_misses_nothing, start),
		cmocka_unit_test_setup(each_bit_of_each_word_is_missed, start),
		cmocka_unit_test_setup(the_first_word_is_told_with_all_that_is_missing_in_it,
				       start),
		cmocka_unit_test_setup(every_word_has_a_name_of_its_own, start),
		cmocka_unit_test_setup(a_cpu_is_like_itself, start),
	};

	return cmocka_run_group_tests_name("alike", tests, NULL, NULL);
}
