/* Changes of mode: real mode and back, compatibility mode, paging on and off, PAE, page faults. */
#include "exits.h"

#include "exits_real.h"

/* exits_real.S */
uint32_t compatibility_trip(void);
extern char real_blob[], real_blob_end[];

static void real_mode(void)
{
	static uint8_t saved_vectors[0x400], saved_area[REAL_BYTES];
	uint8_t *area = (uint8_t *)REAL_BASE;
	volatile struct real_results *results = (void *)(REAL_BASE + REAL_RESULTS);
	uint8_t *vectors = NULL;
	static const uint8_t numbers[] = {0, 6, REAL_VECTOR_INT, REAL_VECTOR_TIMER};
	static const uint16_t handlers[] = {REAL_HANDLER_DE, REAL_HANDLER_UD, REAL_HANDLER_INT,
					    REAL_HANDLER_TIMER};

	/* the interrupt vectors are at address 0, which is no null pointer here */
	asm("" : "+r"(vectors));
	memcpy(saved_vectors, vectors, sizeof(saved_vectors));
	memcpy(saved_area, area, sizeof(saved_area));
	memcpy(area, real_blob, (size_t)(real_blob_end - real_blob));
	memset((void *)results, 0, sizeof(*results));
	results->hypercalls = have_hypercalls();
	for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
		uint16_t entry[2] = {(uint16_t)(REAL_BASE + handlers[i]), 0};

		memcpy(vectors + 4 * numbers[i], entry, 4);
	}
	real_mode_trip();
	load_gdt_and_idt();

	struct real_results got = *(struct real_results *)(uintptr_t)results;

	memcpy(area, saved_area, sizeof(saved_area));
	memcpy(vectors, saved_vectors, sizeof(saved_vectors));
	expect(got.done == 0x600d, "it did not get to its end: 0x%x", got.done);
	expect(got.ints == 1, "INT through the vector table came %u times", got.ints);
	expect(got.divides == 1, "#DE came %u times", got.divides);
	expect(got.undefineds == 1, "#UD came %u times", got.undefineds);
	expect(got.cpuid_ebx == cpuid(0, 0).ebx, "CPUID gave EBX 0x%x", got.cpuid_ebx);
	expect(!(got.cr0 & CR0_PE), "CR0 was 0x%x", got.cr0);
	expect((got.msr_low ^ (uint32_t)rdmsr(MSR_PAT)) == 0, "RDMSR gave 0x%x", got.msr_low);
	expect(got.fcw == 0x37f, "FCW was 0x%x", got.fcw);
	if (have_hypercalls()) {
		expect(got.port == 0xff, "IN gave 0x%x", got.port);
		expect(got.version == HYPERCALL_VERSION, "VMCALL gave 0x%x", got.version);
		expect(got.timers == 1, "the timer came %u times", got.timers);
	}
}

#ifdef __x86_64__
static void compatibility_mode(void)
{
	uint32_t got = compatibility_trip();

	expect(got == cpuid(0, 0).ebx, "CPUID gave EBX 0x%x", got);
	expect(rdmsr(MSR_EFER) & EFER_LMA, "EFER is 0x%llx", (unsigned long long)rdmsr(MSR_EFER));
}

extern uint64_t page_level2[];

static void flush(void)
{
	write_cr3(read_cr3());
}

static void page_faults(void)
{
	const uintptr_t at = 0x40200000;
	uint64_t before = page_level2[at >> 21];
	uint32_t value = 0;

	page_level2[at >> 21] = 0;
	flush();
	TRY("movl (%1), %0", : "+r"(value) : "r"(at + 0x123) : "memory");
	expect(trap.vector == VECTOR_PF && trap.error == 0, "read: vector %d, error 0x%lx",
	       trap.vector, (unsigned long)trap.error);
	expect(read_cr2() == at + 0x123, "CR2 is 0x%lx", (unsigned long)read_cr2());
	TRY("movl %0, (%1)", : : "r"(value), "r"(at + 0x456) : "memory");
	expect(trap.vector == VECTOR_PF && trap.error == 2, "write: vector %d, error 0x%lx",
	       trap.vector, (unsigned long)trap.error);
	expect(read_cr2() == at + 0x456, "CR2 is 0x%lx", (unsigned long)read_cr2());
	/* read-only, mapped to where there is memory */
	page_level2[at >> 21] = 0x81;
	flush();
	write_cr0(read_cr0() | CR0_WP);
	TRY("movl %0, (%1)", : : "r"(value), "r"(at + 0x100000) : "memory");
	write_cr0(read_cr0() & ~CR0_WP);
	expect(trap.vector == VECTOR_PF && trap.error == 3,
	       "write-protected: vector %d, error 0x%lx", trap.vector, (unsigned long)trap.error);
	page_level2[at >> 21] = before;
	flush();
}
#else
extern char at_the_end[];
asm(".pushsection .text\nat_the_end: cpuid\nlret\n.popsection");

/* An instruction that ends with the 4 GiB: the next one is at offset 0 of its segment. */
static void ip_wraps(void)
{
	uint32_t base = (uint32_t)at_the_end + 2, a, b, c, d;

	gdt[SEL_SPARE / 8] = 0x00cf9b000000ffff | (uint64_t)(base & 0xffffff) << 16 |
			     (uint64_t)(base >> 24) << 56;
	for (int i = 0; i < 100; i++) {
		a = 0;
		asm volatile("lcall %4, %5"
			     : "+a"(a), "=b"(b), "=c"(c), "=d"(d)
			     : "i"(SEL_SPARE), "i"(-2)
			     : "memory");
		expect(b == cpuid(0, 0).ebx, "CPUID gave EBX 0x%x", b);
	}
}

static uint64_t page_directory_pointers[4] __attribute__((aligned(32)));
static uint64_t directories[4][512] __attribute__((aligned(4096)));
static uint32_t directory[1024] __attribute__((aligned(4096)));

static void pae_paging(void)
{
	uint32_t cr0 = read_cr0(), cr3 = read_cr3(), cr4 = read_cr4();
	static volatile uint32_t there;
	uint64_t save;

	for (unsigned i = 0; i < 2048; i++)
		directories[i / 512][i % 512] = (uint64_t)i << 21 | 0x87;
	for (unsigned i = 0; i < 4; i++)
		page_directory_pointers[i] = (uintptr_t)directories[i] | 1;
	write_cr4(cr4 | CR4_PAE);
	write_cr3((uintptr_t)page_directory_pointers);
	write_cr0(cr0 | CR0_PG);
	there = 0x1234abcd;
	cpuid(0, 0);

	/* the first 2 MiB once more, at 0x40000000, through the second pointer */
	volatile uint32_t *again = (volatile uint32_t *)(0x40000000 + (uintptr_t)&there);

	directories[1][0] = 0x87;
	write_cr3((uintptr_t)page_directory_pointers);
	expect(*again == 0x1234abcd, "through the second pointer: 0x%x", *again);
	/* an absent pointer, changed with no exit but the load of CR3 */
	page_directory_pointers[1] = 0;
	write_cr3((uintptr_t)page_directory_pointers);
	TRY("movl (%0), %%eax", : : "r"(again) : "eax", "memory");
	expect(trap.vector == VECTOR_PF && trap.error == 0,
	       "absent pointer: vector %d, error 0x%lx", trap.vector, (unsigned long)trap.error);
	expect(read_cr2() == (uintptr_t)again, "CR2 is 0x%lx", (unsigned long)read_cr2());
	/* reserved bits of a pointer: #GP at the load, the old ones stay */
	save = page_directory_pointers[2];
	page_directory_pointers[2] |= 0x1e6;
	TRY("mov %0, %%cr3", : : "r"(page_directory_pointers) : "memory");
	expect_fault("reserved bits in a pointer", VECTOR_GP);
	page_directory_pointers[2] = save;
	/* and survive a turn of others */
	if (have_hypercalls())
		yield();
	expect(there == 0x1234abcd, "after a yield: 0x%x", there);
	write_cr0(cr0);
	write_cr3(cr3);
	write_cr4(cr4);
}

#define TSS16_BYTES 44

/* SDM Vol. 3A 9.8.5: IA-32e mode has PAE's tables, and no 16-bit TSS. */
static void long_mode_needs_pae_and_a_32bit_tss(void)
{
	static uint8_t tss16[TSS16_BYTES];
	static uint64_t level4[512] __attribute__((aligned(4096)));
	static uint64_t level3[512] __attribute__((aligned(4096)));
	uint32_t cr0 = read_cr0(), cr3 = read_cr3(), cr4 = read_cr4();
	uint64_t efer = rdmsr(MSR_EFER), base = (uintptr_t)tss16;
	uint16_t before, selector = SEL_SPARE;

	if (!(cpuid(0x80000001, 0).edx & 1u << 29)) {
		skip("no long mode here");
		return;
	}
	for (unsigned i = 0; i < 2048; i++)
		directories[i / 512][i % 512] = (uint64_t)i << 21 | 0x87;
	for (unsigned i = 0; i < 4; i++)
		level3[i] = (uintptr_t)directories[i] | 7;
	level4[0] = (uintptr_t)level3 | 7;
	asm volatile("str %0" : "=r"(before));
	gdt[SEL_SPARE / 8] =
		(TSS16_BYTES - 1) | (base & 0xffffff) << 16 | 0x81ull << 40 | (base >> 24) << 56;
	asm volatile("ltr %0" : : "r"(selector) : "memory");
	write_cr4(cr4 | CR4_PAE);
	write_cr3((uintptr_t)level4);
	wrmsr(MSR_EFER, efer | EFER_LME);
	TRY("mov %0, %%cr0", : : "r"(cr0 | CR0_PG) : "memory");
	write_cr0(cr0);
	expect_fault("PG with EFER.LME and a 16-bit TSS", VECTOR_GP);
	expect(!(rdmsr(MSR_EFER) & EFER_LMA), "EFER is 0x%llx",
	       (unsigned long long)rdmsr(MSR_EFER));
	/* busy since the LTR */
	expect((gdt[SEL_SPARE / 8] >> 40 & 0xff) == 0x83, "the TSS descriptor is 0x%llx",
	       (unsigned long long)gdt[SEL_SPARE / 8]);
	gdt[SEL_TSS / 8] &= ~(2ull << 40);
	asm volatile("ltr %0" : : "r"(before) : "memory");
	TRY("mov %0, %%cr0", : : "r"(cr0 | CR0_PG) : "memory");
	efer = trap.vector == NO_TRAP ? rdmsr(MSR_EFER) : 0;
	write_cr0(cr0);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~(uint64_t)EFER_LME);
	expect_fault("PG with EFER.LME and a 32-bit TSS", NO_TRAP);
	expect(efer & EFER_LMA, "EFER was 0x%llx", (unsigned long long)efer);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_LME);
	write_cr4(cr4 & ~CR4_PAE);
	TRY("mov %0, %%cr0", : : "r"(cr0 | CR0_PG) : "memory");
	write_cr0(cr0);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~(uint64_t)EFER_LME);
	expect_fault("PG with EFER.LME and without CR4.PAE", VECTOR_GP);
	write_cr3(cr3);
	write_cr4(cr4);
}

static void paging_with_4m_pages(void)
{
	uint32_t cr0 = read_cr0(), cr3 = read_cr3(), cr4 = read_cr4();
	static volatile uint32_t there;
	volatile uint32_t *again = (volatile uint32_t *)(0x40000000 + (uintptr_t)&there);

	for (uint32_t i = 0; i < 1024; i++)
		directory[i] = i << 22 | 0x87;
	directory[0x40000000 >> 22] = 0x87;
	directory[0x50000000 >> 22] = 0;
	write_cr4(cr4 | CR4_PSE);
	write_cr3((uintptr_t)directory);
	write_cr0(cr0 | CR0_PG);
	there = 0x55667788;
	cpuid(0, 0);
	expect(*again == 0x55667788, "through the other page: 0x%x", *again);
	TRY("movl (%0), %%eax", : : "r"(0x50000123) : "eax", "memory");
	expect(trap.vector == VECTOR_PF && read_cr2() == 0x50000123, "vector %d, CR2 0x%lx",
	       trap.vector, (unsigned long)read_cr2());
	/* PE cannot go while paging is on */
	TRY("mov %0, %%cr0", : : "r"(read_cr0() & ~CR0_PE) : "memory");
	expect_fault("PE cleared with paging on", VECTOR_GP);
	write_cr0(cr0);
	write_cr3(cr3);
	write_cr4(cr4);
}
#endif

const struct check mode_checks[] = {
	{"mode-real", real_mode, 0},
#ifdef __x86_64__
	{"mode-compatibility", compatibility_mode, 0},
	{"mode-page-faults", page_faults, 0},
#else
	{"mode-ip-wraps", ip_wraps, 0},
	{"mode-pae-paging", pae_paging, 0},
	{"mode-paging-with-4m-pages", paging_with_4m_pages, 0},
	{"mode-long-needs-pae-and-a-32-bit-tss", long_mode_needs_pae_and_a_32bit_tss, 0},
#endif
};
const size_t mode_check_count = ARRAY_SIZE(mode_checks);
