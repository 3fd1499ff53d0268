/*
 * Paging structures that are wrong, met by INS and OUTS, which the hypervisor completes, and by
 * MOV, which the CPU does: both must see the same. SDM Vol. 3A 4.3 to 4.8. Each access is tried at
 * CPL 0 and 3, to read and to write.
 */
#include "exits.h"

#define PRESENT	 0x01ull
#define ALL	 0x07ull /* and writable, open to user mode */
#define ACCESSED 0x20ull
#define DIRTY	 0x40ull
#define LARGE	 0x80ull
#define NX	 (1ull << 63)
#define BIT51	 (1ull << 51)

#define FAULT_RESERVED 0x8

/* What a large page that holds TARGET maps: memory that nobody uses. */
#define UNUSED 0x400000ull

static uint64_t table1[512] __attribute__((aligned(4096)));
static uint8_t page[4096] __attribute__((aligned(4096)));

/* What one access did. */
struct seen {
	int vector;
	uintptr_t error, cr2;
	uint64_t entry[4];
};

/* The entries that lead to TARGET, outermost first, and what they should be. */
static uint64_t *entry_at[4];
static uint64_t entry_value[4];
static unsigned levels;
static unsigned entry_bytes = 8;

static void set_entry(unsigned n, uint64_t value)
{
	if (entry_bytes == 8)
		*entry_at[n] = value;
	else
		*(uint32_t *)(uintptr_t)entry_at[n] = (uint32_t)value;
}

static void reset(void)
{
	for (unsigned i = 0; i < levels; i++)
		set_entry(i, entry_value[i]);
	write_cr2(0);
	write_cr3(read_cr3());
}

static struct seen look(void)
{
	struct seen seen = {.vector = trap.vector, .error = trap.error, .cr2 = read_cr2()};

	if (seen.vector == USER_EXIT_VECTOR || seen.vector == NO_TRAP)
		seen.vector = NO_TRAP;
	if (seen.vector == NO_TRAP)
		seen.error = 0;
	for (unsigned i = 0; i < levels; i++)
		seen.entry[i] =
			entry_bytes == 8 ? *entry_at[i] : *(uint32_t *)(uintptr_t)entry_at[i];
	return seen;
}

static void expect_same(const char *what, const char *how, struct seen cpu, struct seen ours)
{
	expect(cpu.vector == ours.vector && cpu.error == ours.error && cpu.cr2 == ours.cr2,
	       "%s, %s: vector %d, error code 0x%lx, CR2 0x%lx instead of %d, 0x%lx, 0x%lx", what,
	       how, ours.vector, (unsigned long)ours.error, (unsigned long)ours.cr2, cpu.vector,
	       (unsigned long)cpu.error, (unsigned long)cpu.cr2);
	/* a fault may leave flags behind that the CPU has set on its way */
	for (unsigned i = 0; cpu.vector == NO_TRAP && i < levels; i++)
		expect(cpu.entry[i] == ours.entry[i],
		       "%s, %s: entry %u is 0x%llx instead of 0x%llx", what, how, i,
		       (unsigned long long)ours.entry[i], (unsigned long long)cpu.entry[i]);
}

#ifdef __x86_64__
#define TARGET	    0x8000400800ul
#define TARGET_TEXT "movabs $0x8000400800, %rsi; movabs $0x8000400800, %rdi;"
#define AT(r)	    "(%%r" r ")"

USER_CODE(paging_user_read, TARGET_TEXT "movb (%rsi), %al")
USER_CODE(paging_user_write, TARGET_TEXT "movb $0, (%rdi)")
#else
#define TARGET	    0x50000800ul
#define TARGET_TEXT "movl $0x50000800, %esi; movl $0x50000800, %edi;"
#define AT(r)	    "(%%e" r ")"

USER_CODE(paging_user_read, TARGET_TEXT "movb (%esi), %al")
USER_CODE(paging_user_write, TARGET_TEXT "movb $0, (%edi)")
#endif
USER_CODE(paging_user_outsb, TARGET_TEXT "movl $0x80, %edx; outsb")
USER_CODE(paging_user_insb, TARGET_TEXT "movl $0x2000, %edx; insb")

#define IOPL3 0x3000

/* Returns what the CPU made of a read at CPL 0. */
static struct seen compare(const char *what)
{
	uintptr_t si = TARGET, di = TARGET;
	struct seen first, cpu;

	reset();
	TRY("movb " AT("si") ", %%al", : : "S"(TARGET) : "eax", "memory");
	first = look();
	reset();
	TRY("outsb", : "+S"(si) : "d"(0x80) : "memory");
	expect_same(what, "OUTSB", first, look());
	reset();
	TRY("movb $0, " AT("di"), : : "D"(TARGET) : "memory");
	cpu = look();
	reset();
	TRY("insb", : "+D"(di) : "d"(0x2000) : "memory");
	expect_same(what, "INSB", cpu, look());
	reset();
	user_call(paging_user_read, IOPL3);
	cpu = look();
	reset();
	user_call(paging_user_outsb, IOPL3);
	expect_same(what, "OUTSB at CPL 3", cpu, look());
	reset();
	user_call(paging_user_write, IOPL3);
	cpu = look();
	reset();
	user_call(paging_user_insb, IOPL3);
	expect_same(what, "INSB at CPL 3", cpu, look());
	return first;
}

/* One entry other than it should be, and what the CPU is known to say to that. */
static void bend(const char *what, unsigned n, uint64_t value, bool reserved)
{
	uint64_t before = entry_value[n];
	struct seen seen;

	entry_value[n] = value;
	seen = compare(what);
	entry_value[n] = before;
	if (reserved)
		expect(seen.vector == VECTOR_PF && (seen.error & FAULT_RESERVED),
		       "%s: vector %d, error code 0x%lx", what, seen.vector,
		       (unsigned long)seen.error);
	else
		expect(seen.vector != VECTOR_PF || !(seen.error & FAULT_RESERVED),
		       "%s: error code 0x%lx", what, (unsigned long)seen.error);
}

/* Bit 51, where no CPU that is so narrow has an address bit. */
static bool bit51_is_reserved(void)
{
	return (cpuid(0x80000008, 0).eax & 0xff) <= 51;
}

/* NX, and address bits, in the entries from `first` on; the others are PDPTEs in registers. */
static void bend_common(unsigned first)
{
	uint64_t efer = rdmsr(MSR_EFER);
	uintptr_t cr0 = read_cr0();

	/* one emulator gives up at a write to a read-only page with WP=0 */
	write_cr0(cr0 | CR0_WP);
	for (unsigned n = first; n < levels; n++) {
		if (bit51_is_reserved())
			bend("bit 51", n, entry_value[n] | BIT51, true);
		wrmsr(MSR_EFER, efer & ~(uint64_t)EFER_NXE);
		bend("NX without EFER.NXE", n, entry_value[n] | NX, true);
		bend("NX and not present", n, (entry_value[n] | NX) & ~PRESENT, false);
		wrmsr(MSR_EFER, efer | EFER_NXE);
		bend("NX", n, entry_value[n] | NX, false);
		wrmsr(MSR_EFER, efer);
		bend("not present", n, entry_value[n] & ~PRESENT, false);
		bend("read-only", n, entry_value[n] & ~2ull, false);
		bend("supervisor", n, entry_value[n] & ~4ull, false);
		bend("accessed", n, entry_value[n] | ACCESSED, false);
	}
	write_cr0(cr0);
	bend("dirty", levels - 1, entry_value[levels - 1] | ACCESSED | DIRTY, false);
	bend("bit 7 of a page table's entry", levels - 1, entry_value[levels - 1] | LARGE, false);
	bend("all as it should be", levels - 1, entry_value[levels - 1], false);
}

#ifdef __x86_64__
extern uint64_t page_level4[];
static uint64_t table2[512] __attribute__((aligned(4096)));
static uint64_t table3[512] __attribute__((aligned(4096)));

static void reserved_bits_4_level(void)
{
	bool pages_1g = cpuid(0x80000001, 0).edx & 1u << 26;

	entry_at[0] = &page_level4[1];
	entry_at[1] = table3;
	entry_at[2] = &table2[TARGET >> 21 & 511];
	entry_at[3] = table1;
	entry_value[0] = (uintptr_t)table3 | ALL;
	entry_value[1] = (uintptr_t)table2 | ALL;
	entry_value[2] = (uintptr_t)table1 | ALL;
	entry_value[3] = (uintptr_t)page | ALL;
	levels = 4;
	bend_common(0);
	bend("PS in a PML4E", 0, entry_value[0] | LARGE, true);
	bend("ignored bits", 0, entry_value[0] | 0x7full << 52, false);
	levels = 2;
	bend("PS in a PDPTE", 1, LARGE | ALL, !pages_1g);
	bend("PS and NX in a PDPTE", 1, LARGE | ALL | NX, true);
	bend("PS and bit 13 in a PDPTE", 1, LARGE | ALL | 1 << 13, true);
	bend("PS and bit 29 in a PDPTE", 1, LARGE | ALL | 1 << 29, true);
	bend("PS and PAT in a PDPTE", 1, LARGE | ALL | 1 << 12, !pages_1g);
	levels = 3;
	bend("a 2-MiB page", 2, UNUSED | LARGE | ALL, false);
	bend("a 2-MiB page with PAT", 2, UNUSED | LARGE | ALL | 1 << 12, false);
	bend("a 2-MiB page with bit 13", 2, LARGE | ALL | 1 << 13, true);
	bend("a 2-MiB page with bit 20", 2, LARGE | ALL | 1 << 20, true);
	bend("a 2-MiB page with NX", 2, LARGE | ALL | NX, true);
	page_level4[1] = 0;
	write_cr3(read_cr3());
}

/* A level-4 table that is its own level-3 table: one entry is read and marked at two levels. */
static void recursive_tables(void)
{
	memset(table1, 0, sizeof(table1));
	entry_at[0] = &page_level4[1];
	entry_at[1] = &table1[0];
	entry_at[2] = &table1[TARGET >> 21 & 511];
	levels = 3;
	for (unsigned i = 0; i < levels; i++)
		entry_value[i] = (uintptr_t)table1 | ALL;
	compare("a table that is every table");
	page_level4[1] = 0;
	write_cr3(read_cr3());
}

static void only_in_32_bit_mode(void)
{
	skip("32-bit only");
}

#define reserved_bits_pae   only_in_32_bit_mode
#define reserved_bits_32bit only_in_32_bit_mode
#define pdptes_and_cr0	    only_in_32_bit_mode
#define pdptes_and_cr4	    only_in_32_bit_mode
#else
static uint64_t pdpt[4] __attribute__((aligned(32)));
static uint64_t directories[4][512] __attribute__((aligned(4096)));
static uint32_t directory[1024] __attribute__((aligned(4096)));
static uint32_t cr0_before, cr3_before, cr4_before;

/* An identity mapping, but for the 2 or 4 MiB that TARGET is in. */
static void begin(bool pae)
{
	cr0_before = read_cr0();
	cr3_before = read_cr3();
	cr4_before = read_cr4();
	for (unsigned i = 0; i < 2048; i++)
		directories[i / 512][i % 512] = (uint64_t)i << 21 | LARGE | ALL;
	for (unsigned i = 0; i < 4; i++)
		pdpt[i] = (uintptr_t)directories[i] | PRESENT;
	for (uint32_t i = 0; i < 1024; i++)
		directory[i] = i << 22 | LARGE | ALL;
	write_cr4((cr4_before & ~CR4_PAE) | (pae ? CR4_PAE : CR4_PSE));
	write_cr3(pae ? (uintptr_t)pdpt : (uintptr_t)directory);
	write_cr0(cr0_before | CR0_PG);
}

static void end(void)
{
	write_cr0(cr0_before);
	write_cr3(cr3_before);
	write_cr4(cr4_before);
}

static void reserved_bits_pae(void)
{
	begin(true);
	entry_bytes = 8;
	entry_at[0] = &directories[TARGET >> 30][TARGET >> 21 & 511];
	entry_at[1] = table1;
	entry_value[0] = (uintptr_t)table1 | ALL;
	entry_value[1] = (uintptr_t)page | ALL;
	levels = 2;
	bend_common(0);
	bend("bit 52", 0, entry_value[0] | 1ull << 52, true);
	bend("bit 62", 1, entry_value[1] | 1ull << 62, true);
	levels = 1;
	bend("a 2-MiB page", 0, UNUSED | LARGE | ALL, false);
	bend("a 2-MiB page with PAT", 0, UNUSED | LARGE | ALL | 1 << 12, false);
	bend("a 2-MiB page with bit 13", 0, LARGE | ALL | 1 << 13, true);
	bend("a 2-MiB page with bit 20", 0, LARGE | ALL | 1 << 20, true);
	bend("a 2-MiB page with bit 62", 0, LARGE | ALL | 1ull << 62, true);
	end();
}

static void reserved_bits_32bit(void)
{
	begin(false);
	entry_bytes = 4;
	entry_at[0] = (void *)&directory[TARGET >> 22];
	entry_at[1] = table1;
	entry_value[0] = (uintptr_t)table1 | ALL;
	entry_value[1] = (uintptr_t)page | ALL;
	levels = 2;
	bend("all as it should be", 0, entry_value[0], false);
	bend("not present", 0, entry_value[0] & ~PRESENT, false);
	write_cr0(read_cr0() | CR0_WP);
	bend("read-only", 1, entry_value[1] & ~2ull, false);
	write_cr0(read_cr0() & ~CR0_WP);
	bend("supervisor", 0, entry_value[0] & ~4ull, false);
	bend("bit 7 of a page table's entry", 1, entry_value[1] | LARGE, false);
	levels = 1;
	bend("a 4-MiB page", 0, UNUSED | LARGE | ALL, false);
	bend("a 4-MiB page with PAT", 0, UNUSED | LARGE | ALL | 1 << 12, false);
	bend("a 4-MiB page with bit 21", 0, LARGE | ALL | 1 << 21, true);
	entry_bytes = 8;
	end();
}

/* A page that no translation is cached of, each time another. */
static uintptr_t fresh_page(void)
{
	static uintptr_t last = 0x40000000;

	return last += 0x200000;
}

/* The pointer is absent or bad in memory only: the register has it as it was. */
static void prepare(uint32_t cr0, uint64_t pointer)
{
	pdpt[1] = (uintptr_t)directories[1] | PRESENT;
	write_cr0(cr0);
	write_cr3((uintptr_t)pdpt);
	pdpt[1] = pointer;
	TRY("movl (%0), %%eax", : : "r"(fresh_page()) : "eax", "memory");
	expect_fault("before", NO_TRAP);
}

static void expect_loaded(const char *what, bool loaded)
{
	TRY("movl (%0), %%eax", : : "r"(fresh_page()) : "eax", "memory");
	expect(trap.vector == (loaded ? VECTOR_PF : NO_TRAP), "%s: vector %d", what, trap.vector);
}

static void change_cr0(const char *what, uint32_t from, uint32_t to)
{
	prepare(from, 0);
	TRY("mov %0, %%cr0", : : "r"(to) : "memory");
	expect_fault(what, NO_TRAP);
	expect_loaded(what, true);
	prepare(from, pdpt[0] | 0x1e6);
	TRY("mov %0, %%cr0", : : "r"(to) : "memory");
	expect_fault(what, VECTOR_GP);
	expect(read_cr0() == from, "%s: CR0 is 0x%x after #GP", what, (unsigned)read_cr0());
	expect_loaded(what, false);
	if (bit51_is_reserved()) {
		prepare(from, pdpt[0] | BIT51);
		TRY("mov %0, %%cr0", : : "r"(to) : "memory");
		expect_fault(what, VECTOR_GP);
	}
}

/* CR0.CD, NW and PG load the PDPTEs, and NE does not: SDM Vol. 3A 4.4.1. */
static void pdptes_and_cr0(void)
{
	uint32_t on;

	begin(true);
	for (unsigned i = 0; i < 64; i++)
		directories[1][i] = LARGE | ALL;
	on = read_cr0() & ~(CR0_CD | CR0_NW);
	change_cr0("CD set", on, on | CR0_CD);
	change_cr0("CD cleared", on | CR0_CD, on);
	change_cr0("CD and NW set", on, on | CR0_CD | CR0_NW);
	change_cr0("CD and NW cleared", on | CR0_CD | CR0_NW, on);
	change_cr0("NW set", on | CR0_CD, on | CR0_CD | CR0_NW);
	change_cr0("NW cleared", on | CR0_CD | CR0_NW, on | CR0_CD);

	/* an emulator does so at each MOV to CR0 that it executes; that of NE is the hypervisor's
	 */
	prepare(on, pdpt[0] | 0x1e6);
	if (have_hypercalls()) {
		write_cr0(on ^ CR0_NE);
		write_cr0(on);
	}
	expect_loaded("NE", false);
	/* with paging off nothing is loaded until it is on again */
	pdpt[1] = pdpt[0] | 0x1e6;
	write_cr0(on & ~CR0_PG);
	write_cr0((on & ~CR0_PG) | CR0_CD);
	write_cr0(on & ~CR0_PG);
	TRY("mov %0, %%cr0", : : "r"(on) : "memory");
	expect_fault("PG set", VECTOR_GP);
	expect(read_cr0() == (on & ~CR0_PG), "PG set: CR0 is 0x%x", (unsigned)read_cr0());
	end();
}

static void change_cr4(const char *what, uint32_t bit, bool loads)
{
	uint32_t cr4 = read_cr4();

	prepare(read_cr0(), 0);
	write_cr4(cr4 ^ bit);
	expect_loaded(what, loads);
	prepare(read_cr0(), pdpt[0] | 0x1e6);
	TRY("mov %0, %%cr4", : : "r"(cr4) : "memory");
	expect_fault(what, loads ? VECTOR_GP : NO_TRAP);
	expect(read_cr4() == (loads ? cr4 ^ bit : cr4), "%s: CR4 is 0x%x", what,
	       (unsigned)read_cr4());
	prepare(read_cr0(), (uintptr_t)directories[1] | PRESENT);
	write_cr4(cr4);
}

/* CR4.PSE, PAE, PGE and SMEP do so too; the CPU sees to that, in the guest's memory. */
static void pdptes_and_cr4(void)
{
	begin(true);
	for (unsigned i = 0; i < 64; i++)
		directories[1][i] = LARGE | ALL;
	change_cr4("PGE", CR4_PGE, true);
	change_cr4("PSE", CR4_PSE, true);
	change_cr4("TSD", CR4_TSD, false);
	change_cr4("OSXMMEXCPT", CR4_OSXMMEXCPT, false);
	end();
}

static void only_in_64_bit_mode(void)
{
	skip("64-bit only");
}

#define reserved_bits_4_level only_in_64_bit_mode
#define recursive_tables      only_in_64_bit_mode
#endif

const struct check paging_checks[] = {
	{"paging-reserved-bits-4-level", reserved_bits_4_level, 0},
	{"paging-reserved-bits-pae", reserved_bits_pae, 0},
	{"paging-reserved-bits-32-bit", reserved_bits_32bit, 0},
	{"paging-recursive-tables", recursive_tables, 0},
	{"paging-pdptes-and-cr0", pdptes_and_cr0, 0},
	{"paging-pdptes-and-cr4", pdptes_and_cr4, 0},
};
const size_t paging_check_count = ARRAY_SIZE(paging_checks);
