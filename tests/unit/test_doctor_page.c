/* vmm/doctor/page.c: findings as words on a screen of 80 columns. */
#include "tests/unit/unit.h"

#include "vmm/doctor/findings.h"
#include "vmm/doctor/page.h"

static struct findings cpu, machine, other;
static char page[8192];

void print(const char *format, ...)
{
	size_t length = strlen(page);
	va_list args;

	va_start(args, format);
	vsnprintf(page + length, sizeof(page) - length, format, args);
	va_end(args);
}

static int start(void **state)
{
	(void)state;
	cpu.count = machine.count = other.count = 0;
	page[0] = '\0';
	return 0;
}

static void each_word_says_what_it_is(void **state)
{
	(void)state;
	finding_add(&cpu, "required", "one", FINDING_REQUIRED, true);
	finding_add(&cpu, "required", "two", FINDING_REQUIRED, false);
	finding_add(&cpu, "required", "three", FINDING_REQUIRED, false)->verdict = VERDICT_UNKNOWN;
	finding_add(&cpu, "required", "four", FINDING_REQUIRED, false)->verdict = VERDICT_UNKNOWN;
	finding_add(&machine, "required", "five", FINDING_REQUIRED, true);
	finding_add(&cpu, "optional", "six", FINDING_OPTIONAL, false);
	finding_add(&cpu, "left-on", "seven", FINDING_TOLD, false);
	finding_add(&cpu, "left-on", "eight", FINDING_TOLD, true)->has_value = true;
	finding_say(&machine, "firmware", "nine", 9, "%s", "bios");
	finding_add(&cpu, "apic", "ten", FINDING_TOLD, true)->quiet = true;
	page_print(&cpu, &machine);
	assert_string_equal(page, "needs !two ?2 +2\n"
				  "uses  -six\n"
				  "pc    nine=bios\n"
				  "left  eight=0x1\n");
}

static void no_line_is_longer_than_a_screen(void **state)
{
	static char name[200][32];
	uint64_t seed = 0xd0c;
	uint32_t words = 0, told = 0;

	(void)state;
	for (uint32_t i = 0; i < ARRAY_SIZE(name); i++) {
		uint32_t length = 1 + random_next(&seed) % 30;

		memset(name[i], 'a', length);
		finding_add(&cpu, "optional", name[i], FINDING_OPTIONAL, i % 2)->value = i;
		words++;
	}
	page_print(&cpu, &machine);
	for (char *line = strtok(page, "\n"); line; line = strtok(NULL, "\n")) {
		assert_in_range(strlen(line), 7, PAGE_COLUMNS);
		for (char *c = line; *c; c++)
			told += *c != ' ' && (c == line || c[-1] == ' ');
	}
	assert_int_equal(told, words + 1); /* and the label */
}

static void a_remedy_is_told_once_with_all_that_it_is_for(void **state)
{
	static const char *const remedy = "buy another CPU";

	(void)state;
	finding_add(&cpu, "required", "one", FINDING_REQUIRED, false)->remedy = remedy;
	finding_add(&cpu, "required", "two", FINDING_REQUIRED, true)->remedy = remedy;
	finding_add(&cpu, "required", "three", FINDING_REQUIRED, false)->remedy = "switch it on";
	finding_add(&cpu, "required", "four", FINDING_REQUIRED, false)->remedy = remedy;
	finding_add(&cpu, "optional", "five", FINDING_OPTIONAL, false)->remedy = remedy;
	page_print_remedies(&cpu);
	assert_string_equal(page, "do    one four - buy another CPU\n"
				  "do    three - switch it on\n");
}

static void of_another_cpu_only_what_is_different_is_told(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		struct findings *f = i ? &other : &cpu;

		finding_add(f, "required", "one", FINDING_REQUIRED, true);
		finding_add(f, "optional", "two", FINDING_OPTIONAL, !i);
		finding_say(f, "apic", "id", i, "%u", i);
		f->row[f->count - 1].own = true;
		/* of a word in which another bit is different */
		finding_add(f, "speculation", "three", FINDING_OPTIONAL, true)->value = 1 + 2 * i;
		finding_add(f, "speculation", "four", FINDING_TOLD, i)->quiet = true;
	}
	page_print_difference(3, true, &cpu, &other);
	page_print_difference(4, false, &cpu, &cpu);
	assert_string_equal(page, "cpu3  left out at boot: -two\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(each_word_says_what_it_is, start),
		cmocka_unit_test_setup(no_line_is_longer_than_a_screen, start),
		cmocka_unit_test_setup(a_remedy_is_told_once_with_all_that_it_is_for, start),
		cmocka_unit_test_setup(of_another_cpu_only_what_is_different_is_told, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
