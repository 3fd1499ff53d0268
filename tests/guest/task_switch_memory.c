/* Task switches with paging: tables that are not mapped, and another CR3. */
#include "task_switch.h"

#ifndef __x86_64__
#define PRESENT	     0x001u
#define WRITABLE     0x002u
#define USER	     0x004u
#define DIRTY	     0x040u
#define LARGE	     0x080u
#define IN_WINDOW(n) (WINDOW + 0x1000 * (n))

enum page {
	FREE_PAGE, /* the window's first */
	MAIN_PAGE,
	OTHER_PAGE,
	TABLE_PAGE,
	LDT_PAGE,
	PAGES,
};

static uint32_t directory[1024] __attribute__((aligned(4096)));
static uint32_t other_directory[1024] __attribute__((aligned(4096)));
static uint32_t page_table[1024] __attribute__((aligned(4096)));

static void load_table(uintptr_t base)
{
	struct descriptor_pointer pointer = {sizeof(table) - 1, base};

	asm volatile("lgdt %0" : : "m"(pointer));
}

static uint64_t moved(uint16_t selector, enum page page)
{
	return descriptor(IN_WINDOW(page), 0x67, selector == SEL_LDT ? 0x82 : 0x89);
}

static void load_main(uint64_t entry)
{
	table[SEL_MAIN / 8] = entry;
	asm volatile("ltr %w0" : : "r"(SEL_MAIN));
}

/* The tables and tasks, in pages of their own that lie in a window. */
static void page_in(void)
{
	const void *const pages[PAGES] = {&main_task, &main_task, &other_task, table, ldt};

	prepare();
	for (unsigned i = 0; i < 4; i++)
		directory[i] = other_directory[i] = i << 22 | LARGE | WRITABLE | PRESENT;
	for (unsigned i = 0; i < PAGES; i++)
		page_table[i] = (uintptr_t)pages[i] | WRITABLE | PRESENT;
	directory[WINDOW >> 22] = other_directory[WINDOW >> 22] =
		(uintptr_t)page_table | WRITABLE | PRESENT;
	write_cr4(read_cr4() | CR4_PSE);
	write_cr3((uintptr_t)directory);
	write_cr0(read_cr0() | CR0_PG | CR0_WP);
	load_table(IN_WINDOW(TABLE_PAGE));
	table[SEL_OTHER / 8] = moved(SEL_OTHER, OTHER_PAGE);
	table[SEL_LDT / 8] = moved(SEL_LDT, LDT_PAGE);
	main_task.cr3 = third_task.cr3 = (uintptr_t)directory;
	other_task.cr3 = (uintptr_t)directory;
	load_main(moved(SEL_MAIN, MAIN_PAGE));
	write_cr2(0);
}

static void page_out(void)
{
	load_table((uintptr_t)table);
	load_main(descriptor((uintptr_t)&main_task, 0x67, 0x89));
	write_cr0(read_cr0() & ~(CR0_PG | CR0_WP));
	write_cr4(read_cr4() & ~CR4_PSE);
	write_cr3(0);
}

static void set_page(enum page page, uint32_t entry)
{
	page_table[page] = entry;
	asm volatile("invlpg (%0)" : : "r"(IN_WINDOW(page)) : "memory");
}

static void another_cr3(void)
{
	page_in();
	other_task.cr3 = (uintptr_t)other_directory;
	call_task(SEL_OTHER);
	expect(seen.count == 1 && seen.cr3 == (uintptr_t)other_directory, "ran %u times, CR3 0x%x",
	       seen.count, seen.cr3);
	expect(read_cr3() == (uintptr_t)directory, "CR3 is 0x%lx afterwards",
	       (unsigned long)read_cr3());
	expect(main_task.cr3 == (uintptr_t)directory, "CR3 was saved");
	page_out();
}

/* With PAE paging the PDPTEs are loaded too. */
static void another_cr3_pae(void)
{
	static uint64_t pointers[2][4] __attribute__((aligned(32)));
	static uint64_t tables[2][2][512] __attribute__((aligned(4096)));
	volatile uint32_t *window = (volatile uint32_t *)WINDOW;

	prepare();
	for (unsigned i = 0; i < 2; i++) {
		uint32_t frame = i ? 0x600000 : 0x400000; /* that nobody uses */

		*(volatile uint32_t *)frame = i ? 0x2222 : 0x1111;
		for (unsigned j = 0; j < 4; j++)
			tables[i][0][j] = j << 21 | LARGE | WRITABLE | PRESENT;
		tables[i][1][0] = frame | LARGE | WRITABLE | PRESENT;
		for (unsigned j = 0; j < 2; j++)
			pointers[i][j] = (uintptr_t)tables[i][j] | PRESENT;
	}
	write_cr4(read_cr4() | CR4_PAE);
	write_cr3((uintptr_t)pointers[0]);
	write_cr0(read_cr0() | CR0_PG | CR0_WP);
	main_task.cr3 = (uintptr_t)pointers[0];
	other_task.cr3 = (uintptr_t)pointers[1];
	work = WORK_READ_WINDOW;
	expect(*window == 0x1111, "the window shows 0x%x", *window);
	call_task(SEL_OTHER);
	expect(seen.value == 0x2222, "in the task it shows 0x%x", seen.value);
	expect(*window == 0x1111, "afterwards it shows 0x%x", *window);
	write_cr0(read_cr0() & ~(CR0_PG | CR0_WP));
	write_cr4(read_cr4() & ~CR4_PAE);
	write_cr3(0);
}

/* Translations of the outgoing task are forgotten. */
static void translations_are_forgotten(void)
{
	static uint32_t here[1024] __attribute__((aligned(4096)));
	static uint32_t there[1024] __attribute__((aligned(4096)));
	static uint32_t other_table[1024] __attribute__((aligned(4096)));
	volatile uint32_t *window = (volatile uint32_t *)WINDOW;

	page_in();
	here[0] = 0x1111;
	there[0] = 0x2222;
	memcpy(other_table, page_table, sizeof(other_table));
	set_page(FREE_PAGE, (uintptr_t)here | WRITABLE | PRESENT);
	other_table[FREE_PAGE] = (uintptr_t)there | WRITABLE | PRESENT;
	other_directory[WINDOW >> 22] = (uintptr_t)other_table | WRITABLE | PRESENT;
	other_task.cr3 = (uintptr_t)other_directory;
	work = WORK_READ_WINDOW;
	expect(*window == 0x1111, "the window shows 0x%x", *window);
	call_task(SEL_OTHER);
	expect(seen.value == 0x2222, "in the task it shows 0x%x", seen.value);
	expect(*window == 0x1111, "afterwards it shows 0x%x", *window);
	page_out();
}

static void expect_page_fault(const char *what, uintptr_t error, uintptr_t cr2)
{
	TRY("lcall $0x68, $0", : : : "memory"); /* SEL_OTHER */
	expect(trap.vector == VECTOR_PF && trap.error == error && trap.ip == trap.at,
	       "%s: vector %d, error code 0x%lx, at 0x%lx instead of 0x%lx", what, trap.vector,
	       (unsigned long)trap.error, (unsigned long)trap.ip, (unsigned long)trap.at);
	expect((read_cr2() & ~0xfffu) == cr2, "%s: CR2 is 0x%lx", what, (unsigned long)read_cr2());
	expect(!seen.count && read_tr() == SEL_MAIN, "%s: ran %u times, TR 0x%x", what, seen.count,
	       read_tr());
	expect(!(read_cr0() & CR0_TS), "%s: CR0.TS is set", what);
}

static void tasks_that_are_not_mapped(void)
{
	page_in();
	set_page(OTHER_PAGE, 0);
	expect_page_fault("new", 0, IN_WINDOW(OTHER_PAGE));
	set_page(OTHER_PAGE, (uintptr_t)&other_task | PRESENT);
	main_task.eip = 0x1234;
	expect_page_fault("link", 3, IN_WINDOW(OTHER_PAGE));
	expect(main_task.eip == 0x1234, "link: the old task was saved");
	set_page(OTHER_PAGE, (uintptr_t)&other_task | WRITABLE | PRESENT);
	set_page(MAIN_PAGE, 0);
	expect_page_fault("old", 2, IN_WINDOW(MAIN_PAGE));
	set_page(MAIN_PAGE, (uintptr_t)&main_task | PRESENT);
	expect_page_fault("read-only", 3, IN_WINDOW(MAIN_PAGE));
	expect(type_of(SEL_MAIN) == 0x8b && type_of(SEL_OTHER) == 0x89, "types 0x%x and 0x%x",
	       type_of(SEL_MAIN), type_of(SEL_OTHER));
	set_page(MAIN_PAGE, (uintptr_t)&main_task | WRITABLE | PRESENT);
	set_page(TABLE_PAGE, (uintptr_t)table | PRESENT);
	expect_page_fault("busy", 3, IN_WINDOW(TABLE_PAGE));
	set_page(TABLE_PAGE, (uintptr_t)table | WRITABLE | PRESENT);
	call_task(SEL_OTHER);
	expect(seen.count == 1, "in the end it ran %u times", seen.count);
	page_out();
}

/* What the CPU looks at is the supervisor's, whoever the task is; user pages are none of it. */
static void tables_of_the_supervisor(void)
{
	page_in();
	for (unsigned i = 0; i < 4; i++)
		directory[i] |= USER;
	directory[WINDOW >> 22] |= USER;
	write_cr3((uintptr_t)directory);
	ldt[1] = descriptor(0, 0xfffff, 0xc0f2);
	other_task.ldt = SEL_LDT;
	other_task.cs = SEL_USER_CODE;
	other_task.ss = SEL_USER_DATA;
	other_task.ds = other_task.es = 0x08 | IN_LDT | 3;
	other_task.fs = other_task.gs = 0;
	call_task(SEL_OTHER);
	expect(seen.count == 1 && (seen.cs & 3) == 3, "ran %u times, CS 0x%x", seen.count, seen.cs);
	expect(page_table[LDT_PAGE] & DIRTY, "the LDT's page is not dirty");
	page_out();
}

/* A descriptor that the incoming task cannot read is its own page fault. */
static void an_ldt_that_is_not_mapped(void)
{
	if (option(DEFECT_CPL)) {
		skip("has no stack on this machine");
		return;
	}
	page_in();
	set_page(LDT_PAGE, 0);
	other_task.ldt = SEL_LDT;
	other_task.ds = 0x08 | IN_LDT;
	call_task(SEL_OTHER);
	expect(task_trap.vector == VECTOR_PF && !task_trap.error, "vector %d, error code 0x%lx",
	       task_trap.vector, (unsigned long)task_trap.error);
	expect(read_cr2() == IN_WINDOW(LDT_PAGE) + 8, "CR2 is 0x%lx", (unsigned long)read_cr2());
	expect(task_trap.tr == SEL_OTHER && task_trap.ip == (uintptr_t)task_entry,
	       "TR 0x%x, at 0x%lx", task_trap.tr, (unsigned long)task_trap.ip);
	page_out();
}

static void a_page_fault_with_a_task(void)
{
	page_in();
	gate_to(VECTOR_PF, SEL_OTHER);
	other_task.eip = (uintptr_t)task_entry_error;
	work = WORK_MEND;
	TRY("movb %%al, (%%ecx)", : : "c"(IN_WINDOW(PAGES)) : "memory");
	expect(seen.count == 1 && seen.error == 2, "ran %u times, error code 0x%x", seen.count,
	       seen.error);
	expect(seen.main_eip == trap.at, "saved EIP is 0x%lx", (unsigned long)seen.main_eip);
	expect(read_cr2() == IN_WINDOW(PAGES), "CR2 is 0x%lx", (unsigned long)read_cr2());
	page_out();
}

const struct check memory_checks[] = {
	{"another-cr3", another_cr3, 0},
	{"another-cr3-pae", another_cr3_pae, 0},
	{"translations-are-forgotten", translations_are_forgotten, 0},
	{"tasks-that-are-not-mapped", tasks_that_are_not_mapped, 0},
	{"tables-of-the-supervisor", tables_of_the_supervisor, 0},
	{"an-ldt-that-is-not-mapped", an_ldt_that_is_not_mapped, 0},
	{"a-page-fault-with-a-task", a_page_fault_with_a_task, 0},
};
const size_t memory_check_count = ARRAY_SIZE(memory_checks);
#endif
