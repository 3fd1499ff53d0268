/* vmx/ept.c: what is mapped by which page size, what is refused, what may be executed, and that no
 * step is long. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "boot/memory.h"
#include "vmx/capabilities.h"
#include "vmx/ept.h"
#include "vmx/vmcs_bits.h"
#include "vmx/vmx.h"

#define KIB (1ull << 10)
#define MIB (1ull << 20)
#define GIB (1ull << 30)

#define CPU 5 /* this one */

static struct vmx_capabilities capabilities;
static int pages, pages_left;
static int pages_in_step; /* taken or given back */
static uint64_t invalidated;
static unsigned int invalidations;

const struct vmx_capabilities *vmx_capabilities(void)
{
	return &capabilities;
}

void *memory_alloc_page(void)
{
	if (!pages_left)
		return NULL;
	pages_left--;
	pages++;
	pages_in_step++;
	return memset(aligned_alloc(4096, 4096), 0, 4096);
}

void memory_free_page(void *page)
{
	pages--;
	pages_in_step++;
	free(page);
}

void vmx_invalidate_ept(uint64_t ept_pointer)
{
	invalidated = ept_pointer;
	invalidations++;
}

static uint64_t mapped(const struct ept *ept)
{
	return ept->pages_4k + ept->pages_2m + ept->pages_1g;
}

/* All of a range in steps, none of which is long. */
static int map(struct ept *ept, uint64_t gpa, uint64_t hpa, uint64_t size)
{
	struct ept_range left = {gpa, hpa, size};
	int more;

	do {
		uint64_t before = mapped(ept);

		pages_in_step = 0;
		more = ept_map_step(ept, &left);
		assert_true(pages_in_step <= 1);
		assert_true(mapped(ept) - before <= (pages_in_step ? 0 : 32));
		assert_int_equal(left.gpa - left.hpa, gpa - hpa);
		assert_int_equal(left.gpa + left.size, gpa + size);
	} while (more > 0);
	if (!more)
		assert_int_equal(left.size, 0);
	return more;
}

/* Returns the steps. */
static unsigned destroy(struct ept *ept)
{
	unsigned steps = 1;

	do
		pages_in_step = 0;
	while (ept_destroy_step(ept) && pages_in_step <= 1 && ++steps);
	assert_true(pages_in_step <= 1);
	assert_null(ept->root);
	assert_null(ept->spare);
	return steps;
}

static int setup(void **state)
{
	(void)state;
	capabilities.ept_vpid = EPT_CAP_2M_PAGES | EPT_CAP_1G_PAGES;
	capabilities.ept_split = false;
	pages = 0;
	pages_left = 100;
	invalidated = 0;
	invalidations = 0;
	return 0;
}

/* What a walk as the CPU does it finds: rights 0 is an EPT violation. */
struct walk {
	uint64_t hpa, size;
	unsigned int rights; /* all levels together: 1 read, 2 write, 4 execute */
};

static struct walk walk(const struct ept *ept, uint64_t gpa)
{
	const uint64_t *table = ept->root;
	unsigned int rights = 7;

	for (int level = 3;; level--) {
		uint64_t size = 1ull << (12 + 9 * level);
		uint64_t entry = table[gpa / size % 512];

		rights &= entry & 7;
		if (!rights)
			return (struct walk){UINT64_MAX, size, 0};
		if (level == 0 || (entry & 0x80)) {
			assert_int_equal(entry >> 3 & 7, 6); /* write-back, */
			assert_true(entry & 0x40);	     /* whatever PAT says */
			return (struct walk){(entry & 0x000ffffffffff000ull & ~(size - 1)) +
						     gpa % size,
					     size, rights};
		}
		assert_int_equal(rights, 7);
		assert_int_equal(entry & 0xf8, 0); /* reserved in an entry that names a table */
		table = (const uint64_t *)(uintptr_t)(entry & 0x000ffffffffff000ull);
	}
}

static uint64_t translate(const struct ept *ept, uint64_t gpa)
{
	struct walk w = walk(ept, gpa);

	if (w.rights)
		assert_int_equal(w.rights, 7);
	return w.hpa;
}

static void expect_pages(uint64_t gpa, uint64_t hpa, uint64_t size, uint64_t p1g, uint64_t p2m,
			 uint64_t p4k)
{
	struct ept ept;

	assert_int_equal(ept_create(&ept), 0);
	assert_int_equal(map(&ept, gpa, hpa, size), 0);
	assert_int_equal(ept.pages_1g, p1g);
	assert_int_equal(ept.pages_2m, p2m);
	assert_int_equal(ept.pages_4k, p4k);
	assert_int_equal(translate(&ept, gpa), hpa);
	assert_int_equal(translate(&ept, gpa + size - 1), hpa + size - 1);
	assert_int_equal(translate(&ept, gpa + size / 2 + 123), hpa + size / 2 + 123);
	assert_int_equal(translate(&ept, gpa + size), UINT64_MAX);
	if (gpa)
		assert_int_equal(translate(&ept, gpa - 1), UINT64_MAX);
	destroy(&ept);
	assert_int_equal(pages, 0);
}

static void test_the_largest_page_that_fits_is_used(void **state)
{
	(void)state;
	expect_pages(0, 4 * GIB, 2 * GIB, 2, 0, 0);
	expect_pages(0, 4 * GIB, GIB + 3 * MIB, 1, 1, 256);
	expect_pages(GIB, 2 * GIB + 2 * MIB, GIB, 0, 512, 0);
	expect_pages(512 * GIB, 7 * GIB, GIB, 1, 0, 0);
	expect_pages(2 * MIB, 4 * KIB, 2 * MIB, 0, 0, 512);
	expect_pages(4 * KIB, 4 * KIB, 2 * MIB, 0, 0, 512);
}

static void test_without_1g_pages_2m_pages_are_used(void **state)
{
	(void)state;
	capabilities.ept_vpid = EPT_CAP_2M_PAGES;
	expect_pages(0, 4 * GIB, GIB, 0, 512, 0);
}

static void test_what_is_mapped_already_or_not_aligned_is_refused(void **state)
{
	struct ept ept;

	(void)state;
	assert_int_equal(ept_create(&ept), 0);
	assert_int_equal(map(&ept, 0, GIB, 4 * MIB), 0);
	assert_int_equal(map(&ept, 2 * MIB, GIB, 2 * MIB), -EEXIST);
	assert_int_equal(map(&ept, 3 * MIB, GIB, 4 * KIB), -EEXIST);
	assert_int_equal(map(&ept, 8 * MIB + 1, GIB, 4 * KIB), -EINVAL);
	assert_int_equal(map(&ept, 8 * MIB, GIB + 512, 4 * KIB), -EINVAL);
	assert_int_equal(map(&ept, 8 * MIB, GIB, 1), -EINVAL);
	assert_int_equal(map(&ept, (1ull << 48) - 4 * KIB, GIB, 8 * KIB), -EINVAL);
	assert_int_equal(map(&ept, UINT64_MAX - 4 * KIB + 1, GIB, 8 * KIB), -EINVAL);
	destroy(&ept);
	assert_int_equal(pages, 0);
}

static void test_want_of_memory_is_an_error_and_leaks_nothing(void **state)
{
	struct ept ept;

	(void)state;
	pages_left = 3; /* root, PDPT, PD: one short */
	assert_int_equal(ept_create(&ept), 0);
	assert_int_equal(map(&ept, 0, GIB, 4 * KIB), -ENOMEM);
	destroy(&ept);
	assert_int_equal(pages, 0);
	pages_left = 0;
	assert_int_equal(ept_create(&ept), -ENOMEM);
}

static void test_what_is_to_be_given_back_is_forgotten_before(void **state)
{
	struct ept ept;
	uint64_t pointer;

	(void)state;
	assert_int_equal(ept_create(&ept), 0);
	pointer = ept.pointer;
	assert_int_equal(pointer & 0xfff, 0x1e); /* write-back tables, 4 levels */
	ept_forget(&ept);
	assert_int_equal(invalidated, pointer);
	assert_int_equal(ept.pointer, pointer); /* other CPUs have yet to forget it */
	destroy(&ept);
	assert_int_equal(invalidations, 1);
	ept_forget(&ept); /* of a VM that could not be made there is none */
	assert_int_equal(invalidations, 1);
	destroy(&ept);
	assert_int_equal(invalidations, 1);
}

/* All of [gpa, gpa + size) is there, readable and writable, and executable if and only if small. */
static void expect_split(const struct ept *ept, uint64_t gpa, uint64_t hpa, uint64_t size)
{
	for (uint64_t at = 0; at < size; at += 4 * KIB) {
		struct walk w = walk(ept, gpa + at);

		assert_int_equal(w.hpa, hpa + at);
		assert_int_equal(w.rights, w.size == 4 * KIB ? 7 : 3);
	}
}

static void test_only_4k_pages_are_executable_where_large_ones_are_split(void **state)
{
	struct ept ept;

	(void)state;
	capabilities.ept_split = true;
	pages_left = 1000;
	assert_int_equal(ept_create(&ept), 0);
	assert_int_equal(map(&ept, 0, 4 * GIB, GIB + 4 * MIB + 8 * KIB), 0);
	expect_split(&ept, 0, 4 * GIB, GIB + 4 * MIB + 8 * KIB);
	assert_int_equal(walk(&ept, 123).size, GIB);
	assert_int_equal(walk(&ept, GIB).size, 2 * MIB);
	assert_int_equal(walk(&ept, GIB + 4 * MIB).rights, 7);
	destroy(&ept);
	assert_int_equal(pages, 0);
}

static void test_a_fetch_splits_its_2m_region_and_no_other(void **state)
{
	struct ept ept;

	(void)state;
	capabilities.ept_split = true;
	assert_int_equal(ept_create(&ept), 0);
	assert_int_equal(map(&ept, 0, 4 * GIB, 8 * MIB), 0);
	invalidated = 0;
	pages_left = 0; /* what a split takes was set aside */
	assert_true(ept_split(&ept, CPU, 3 * MIB + 17));
	assert_int_equal(invalidated, ept.pointer);
	assert_int_equal(ept.splits, 1);
	assert_int_equal(ept.pages_2m, 3);
	assert_int_equal(ept.pages_4k, 512);
	for (uint64_t gpa = 0; gpa < 8 * MIB; gpa += MIB)
		assert_int_equal(walk(&ept, gpa).size, gpa / (2 * MIB) == 1 ? 4 * KIB : 2 * MIB);
	expect_split(&ept, 0, 4 * GIB, 8 * MIB);
	destroy(&ept);
	assert_int_equal(pages, 0);
}

static void test_a_fetch_from_a_1g_page_leaves_the_rest_of_it_large(void **state)
{
	struct ept ept;

	(void)state;
	capabilities.ept_split = true;
	pages_left = 1000;
	assert_int_equal(ept_create(&ept), 0);
	assert_int_equal(map(&ept, GIB, 4 * GIB, GIB), 0);
	assert_int_equal(ept.pages_1g, 1);
	assert_true(ept_split(&ept, CPU, GIB + 6 * MIB + 4 * KIB));
	assert_int_equal(ept.splits, 2);
	assert_int_equal(ept.pages_1g, 0);
	assert_int_equal(ept.pages_2m, 511);
	assert_int_equal(ept.pages_4k, 512);
	assert_int_equal(walk(&ept, GIB + 6 * MIB).size, 4 * KIB);
	assert_int_equal(walk(&ept, GIB + 8 * MIB).size, 2 * MIB);
	expect_split(&ept, GIB, 4 * GIB, GIB);
	destroy(&ept);
	assert_int_equal(pages, 0);
}

static void test_a_guest_that_executes_everywhere_finds_a_table_each_time(void **state)
{
	struct ept ept;

	(void)state;
	capabilities.ept_split = true;
	pages_left = 1200;
	assert_int_equal(ept_create(&ept), 0);
	assert_int_equal(map(&ept, 0, 4 * GIB, 2 * GIB), 0);
	pages_left = 0;
	for (uint64_t gpa = 0; gpa < 2 * GIB; gpa += 2 * MIB)
		assert_true(ept_split(&ept, CPU, gpa));
	assert_int_equal(ept.pages_1g + ept.pages_2m, 0);
	assert_int_equal(ept.pages_4k, 2 * GIB / (4 * KIB));
	assert_null(ept.spare);
	expect_split(&ept, 0, 4 * GIB, 2 * GIB);
	destroy(&ept);
	assert_int_equal(pages, 0);
}

static void test_what_cannot_be_split_is_left_alone(void **state)
{
	struct ept ept;

	(void)state;
	for (int split = 0; split < 2; split++) {
		capabilities.ept_split = split;
		assert_int_equal(ept_create(&ept), 0);
		assert_int_equal(map(&ept, 0, 4 * GIB, 2 * MIB + 4 * KIB), 0);
		invalidated = 0;
		assert_int_equal(ept_split(&ept, CPU, 5), split);
		assert_int_equal(invalidated, split ? ept.pointer : 0);
		invalidated = 0;
		assert_false(ept_split(&ept, CPU, 5));		/* once is enough */
		assert_false(ept_split(&ept, CPU, 2 * MIB));	/* small and executable */
		assert_false(ept_split(&ept, CPU, 4 * MIB));	/* not mapped */
		assert_false(ept_split(&ept, CPU, 600 * GIB));	/* not mapped at any level */
		assert_false(ept_split(&ept, CPU, 1ull << 48)); /* no guest-physical address */
		assert_int_equal(ept.splits, split);
		assert_int_equal(invalidated, 0);
		destroy(&ept);
		assert_int_equal(pages, 0);
	}
}

/* Each forgets once, when it comes to it, and only what was changed elsewhere. */
static void expect_refreshed(struct ept *ept, unsigned int changed_on)
{
	for (unsigned int round = 0; round < 2; round++) {
		for (unsigned int cpu = 0; cpu < 64; cpu++) {
			invalidated = 0;
			ept_refresh(ept, cpu);
			assert_int_equal(invalidated,
					 round || cpu == changed_on ? 0 : ept->pointer);
		}
	}
}

static void test_after_a_split_every_other_cpu_forgets_once(void **state)
{
	struct ept ept;

	(void)state;
	capabilities.ept_split = true;
	assert_int_equal(ept_create(&ept), 0);
	assert_int_equal(map(&ept, 0, 4 * GIB, 8 * MIB), 0);
	for (unsigned int cpu = 0; cpu < 64; cpu++)
		ept_refresh(&ept, cpu);
	assert_int_equal(invalidations, 0); /* what was not there is in no TLB */
	assert_true(ept_split(&ept, CPU, 0));
	expect_refreshed(&ept, CPU);
	assert_true(ept_split(&ept, 63, 2 * MIB));
	expect_refreshed(&ept, 63);
	/* changed here and there before anyone came to it */
	assert_true(ept_split(&ept, CPU, 4 * MIB));
	assert_true(ept_split(&ept, 0, 6 * MIB));
	assert_false(ept_split(&ept, 1, 6 * MIB)); /* no change */
	expect_refreshed(&ept, 0);
	destroy(&ept);
	assert_int_equal(pages, 0);
}

static void test_want_of_memory_for_splits_is_an_error_at_the_start(void **state)
{
	struct ept ept;

	(void)state;
	capabilities.ept_split = true;
	pages_left = 3 + 3; /* root, PDPT and PD, and tables for three of four large pages */
	assert_int_equal(ept_create(&ept), 0);
	assert_int_equal(map(&ept, 0, GIB, 8 * MIB), -ENOMEM);
	destroy(&ept);
	assert_int_equal(pages, 0);
}

/* 512 entries of each of three tables are looked through, 64 a step, besides one table a step. */
static void test_tables_are_given_back_one_a_step_wherever_they_hang(void **state)
{
	static const uint64_t at[] = {0,	 2 * MIB,   GIB - 2 * MIB,	   GIB,
				      511 * GIB, 512 * GIB, (1ull << 48) - 4 * KIB};
	struct ept ept;
	int tables;

	(void)state;
	assert_int_equal(ept_create(&ept), 0);
	for (unsigned i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		assert_int_equal(map(&ept, at[i], 4 * KIB, 4 * KIB), 0);
	tables = pages;
	assert_int_equal(tables, 1 + 3 + 5 + 7);
	assert_in_range(destroy(&ept), tables, tables + (1 + 3 + 5) * 512 / 64);
	assert_int_equal(pages, 0);
}

static void test_giving_back_alone_forgets_nothing_and_ends_once(void **state)
{
	struct ept ept;

	(void)state;
	assert_int_equal(ept_create(&ept), 0);
	assert_int_equal(map(&ept, 0, 4 * KIB, 4 * KIB), 0);
	assert_true(ept_destroy_step(&ept));
	assert_int_equal(ept.pointer, 0);
	destroy(&ept);
	assert_int_equal(invalidations, 0);
	assert_false(ept_destroy_step(&ept));
	assert_int_equal(pages, 0);
}

static void test_refused_at_any_page_it_is_given_back_wholly(void **state)
{
	struct ept ept;
	int short_of;

	(void)state;
	for (int split = 0; split < 2; split++) {
		capabilities.ept_split = split;
		for (short_of = 1; short_of < 100; short_of++) {
			int error;

			pages_left = short_of;
			assert_int_equal(ept_create(&ept), 0);
			error = map(&ept, GIB - 8 * MIB - 4 * KIB, GIB - 4 * KIB, 16 * MIB);
			destroy(&ept);
			assert_int_equal(pages, 0);
			if (!error)
				break;
			assert_int_equal(error, -ENOMEM);
		}
		assert_int_equal(short_of, split ? 6 + 7 : 6); /* tables, and one a large page */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_the_largest_page_that_fits_is_used, setup),
		cmocka_unit_test_setup(test_without_1g_pages_2m_pages_are_used, setup),
		cmocka_unit_test_setup(test_what_is_mapped_already_or_not_aligned_is_refused,
				       setup),
		cmocka_unit_test_setup(test_want_of_memory_is_an_error_and_leaks_nothing, setup),
		cmocka_unit_test_setup(test_what_is_to_be_given_back_is_forgotten_before, setup),
		cmocka_unit_test_setup(test_only_4k_pages_are_executable_where_large_ones_are_split,
				       setup),
		cmocka_unit_test_setup(test_a_fetch_splits_its_2m_region_and_no_other, setup),
		cmocka_unit_test_setup(test_a_fetch_from_a_1g_page_leaves_the_rest_of_it_large,
				       setup),
		cmocka_unit_test_setup(
			test_a_guest_that_executes_everywhere_finds_a_table_each_time, setup),
		cmocka_unit_test_setup(test_what_cannot_be_split_is_left_alone, setup),
		cmocka_unit_test_setup(test_after_a_split_every_other_cpu_forgets_once, setup),
		cmocka_unit_test_setup(test_want_of_memory_for_splits_is_an_error_at_the_start,
				       setup),
		cmocka_unit_test_setup(test_tables_are_given_back_one_a_step_wherever_they_hang,
				       setup),
		cmocka_unit_test_setup(test_giving_back_alone_forgets_nothing_and_ends_once, setup),
		cmocka_unit_test_setup(test_refused_at_any_page_it_is_given_back_wholly, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
