/*
 * INS and OUTS where their operand cannot be accessed: segments, canonical addresses, paging. The
 * fault comes before the port is touched. COM1 in loopback tells: it gives back what it is sent,
 * once. While it is, nothing is printed.
 */
#include "exits.h"

#define SENT 0x5a

static uint8_t operand[64] __attribute__((aligned(64)));

static void wait_for_com1(uint8_t ready)
{
	for (unsigned i = 0; i < 100000 && (inb(COM1 + 5) & ready) != ready; i++)
		asm volatile("pause");
}

static void begin_loopback(void)
{
	wait_for_com1(0x40);
	outb(COM1 + 4, 0x1f);
	outb(COM1 + 2, 0x07);
}

/* The bytes that can be received, taken out; the last of them is in *last. */
static unsigned end_loopback(uint8_t *last)
{
	unsigned count = 0;

	wait_for_com1(0x40);
	while (inb(COM1 + 5) & 1) {
		*last = inb(COM1);
		count++;
	}
	outb(COM1 + 4, 0x0f);
	return count;
}

static void send(void)
{
	outb(COM1, SENT);
	wait_for_com1(0x41);
}

static void expect_unread(const char *what)
{
	uint8_t last = 0;
	unsigned count = end_loopback(&last);

	expect(count == 1 && last == SENT, "%s: %u bytes are left, the last is 0x%x", what, count,
	       last);
}

static void expect_unwritten(const char *what)
{
	uint8_t last = 0;
	unsigned count = end_loopback(&last);

	expect(!count, "%s: %u bytes were written, the last is 0x%x", what, count, last);
}

#ifdef __x86_64__
#define TOP_OF_HALF 0x800000000000ul /* the first address that is not canonical */

static void try_noncanonical(uintptr_t at)
{
	uintptr_t di = at, si = at;

	begin_loopback();
	send();
	TRY("insb", : "+D"(di) : "d"(COM1) : "memory");
	expect_unread("INSB");
	expect_fault("INSB", VECTOR_GP);
	expect(di == at, "RDI is 0x%lx instead of 0x%lx", di, at);
	begin_loopback();
	TRY("outsb", : "+S"(si) : "d"(COM1) : "memory");
	expect_unwritten("OUTSB");
	expect_fault("OUTSB", VECTOR_GP);
	expect(si == at, "RSI is 0x%lx instead of 0x%lx", si, at);
}

static void noncanonical(void)
{
	uintptr_t at = TOP_OF_HALF - 2;

	try_noncanonical((uintptr_t)operand | 1ul << 63);
	try_noncanonical((uintptr_t)operand | 1ul << 48);
	try_noncanonical(TOP_OF_HALF);
	/* its last two bytes */
	TRY("insl", : "+D"(at) : "d"(0x2000) : "memory");
	expect_fault("INSL across the last canonical address", VECTOR_GP);
	TRY("outsl", : "+S"(at) : "d"(0x2000) : "memory");
	expect_fault("OUTSL across the last canonical address", VECTOR_GP);
}

/* The base of FS counts, for what is sent and for what is canonical. */
static void fs_override(void)
{
	uint64_t before = rdmsr(MSR_FS_BASE);
	uint8_t last = 0;
	uintptr_t si = 5;
	unsigned count;

	operand[7] = SENT;
	wrmsr(MSR_FS_BASE, (uintptr_t)operand + 2);
	begin_loopback();
	TRY("fs outsb", : "+S"(si) : "d"(COM1) : "memory");
	count = end_loopback(&last);
	expect_fault("OUTSB from FS", NO_TRAP);
	expect(count == 1 && last == SENT, "OUTSB from FS sent 0x%x", last);
	expect(si == 6, "OUTSB from FS: RSI is 0x%lx", si);
	wrmsr(MSR_FS_BASE, TOP_OF_HALF - 0x10);
	si = 0x10;
	begin_loopback();
	TRY("fs outsb", : "+S"(si) : "d"(COM1) : "memory");
	expect_unwritten("OUTSB from FS, not canonical");
	expect_fault("OUTSB from FS, not canonical", VECTOR_GP);
	wrmsr(MSR_FS_BASE, before);
}

static void only_in_32_bit_mode(void)
{
	skip("32-bit only");
}

#define segment_not_there only_in_32_bit_mode
#define es_limits	  only_in_32_bit_mode
#define es_expand_down	  only_in_32_bit_mode
#define ss_override	  only_in_32_bit_mode
#else
#define READ_ONLY   0x91
#define WRITABLE    0x93
#define EXPAND_DOWN 0x97
#define BIG	    0x4 /* B or D */
#define PAGES	    0x8 /* G */

static void set_spare(uintptr_t base, uint32_t limit, uint8_t type, uint8_t flags)
{
	gdt[SEL_SPARE / 8] = (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 |
			     (uint64_t)type << 40 | (uint64_t)(limit >> 16 & 0xf) << 48 |
			     (uint64_t)flags << 52 | (uint64_t)(base >> 24) << 56;
}

/* Through ES with this selector, which is not left there. */
static void try_insb(const char *what, unsigned selector, uintptr_t at, int vector)
{
	uintptr_t di = at;

	begin_loopback();
	send();
	TRY_AFTER("mov %1, %%es", "insb", : "+D"(di) : "r"(selector), "d"(COM1) : "memory");
	asm volatile("mov %0, %%es" : : "r"(SEL_DATA) : "memory");
	if (vector == NO_TRAP)
		expect_unwritten(what);
	else
		expect_unread(what);
	expect_fault(what, vector);
	expect(di == at + (vector == NO_TRAP), "%s: EDI is 0x%x", what, (unsigned)di);
}

static void try_insl(const char *what, uintptr_t di, int vector)
{
	TRY_AFTER("mov %1, %%es", "insl", : "+D"(di) : "r"(SEL_SPARE), "d"(0x2000) : "memory");
	asm volatile("mov %0, %%es" : : "r"(SEL_DATA) : "memory");
	expect_fault(what, vector);
}

static void segment_not_there(void)
{
	uintptr_t si = 0;

	memset(operand, 0, sizeof(operand));
	try_insb("ES null", 0, (uintptr_t)operand, VECTOR_GP);
	set_spare(0, 0xfffff, READ_ONLY, BIG | PAGES);
	try_insb("ES read-only", SEL_SPARE, (uintptr_t)operand, VECTOR_GP);
	expect(!operand[0], "it was written");
	/* whose limit may be thought of as 0 */
	begin_loopback();
	TRY_AFTER("mov %1, %%fs", "fs outsb", : "+S"(si) : "r"(0), "d"(COM1) : "memory");
	asm volatile("mov %0, %%fs" : : "r"(SEL_DATA) : "memory");
	expect_unwritten("FS null");
	expect_fault("FS null", VECTOR_GP);
}

static void es_limits(void)
{
	set_spare((uintptr_t)operand, 15, WRITABLE, BIG);
	try_insb("the last byte", SEL_SPARE, 15, NO_TRAP);
	expect(operand[15] == SENT, "the last byte is 0x%x", operand[15]);
	try_insb("a byte beyond", SEL_SPARE, 16, VECTOR_GP);
	try_insb("a byte far beyond", SEL_SPARE, 0xfffffff0, VECTOR_GP);
	try_insl("the last doubleword", 12, NO_TRAP);
	try_insl("a doubleword across", 13, VECTOR_GP);
}

static void es_expand_down(void)
{
	set_spare((uintptr_t)operand, 15, EXPAND_DOWN, BIG);
	try_insb("below", SEL_SPARE, 15, VECTOR_GP);
	try_insl("a doubleword across", 15, VECTOR_GP);
	try_insb("the first byte", SEL_SPARE, 16, NO_TRAP);
	expect(operand[16] == SENT, "the first byte is 0x%x", operand[16]);
	/* of 16 bits: up to FFFFh */
	set_spare((uintptr_t)operand - 0xffff, 15, EXPAND_DOWN, 0);
	try_insb("the last of 64 KiB", SEL_SPARE, 0xffff, NO_TRAP);
	try_insb("beyond 64 KiB", SEL_SPARE, 0x10000, VECTOR_GP);
}

#define SS_LIMIT 0x400000 /* there is memory beyond */

/* From the stack's segment it is #SS. The stack itself is within. */
static void ss_override(void)
{
	uintptr_t si = SS_LIMIT, in = (uintptr_t)operand;

	set_spare(0, (SS_LIMIT >> 12) - 1, WRITABLE, BIG | PAGES);
	begin_loopback();
	TRY_AFTER("mov %1, %%ss", "ss outsb", : "+S"(si) : "r"(SEL_SPARE), "d"(COM1) : "memory");
	asm volatile("mov %0, %%ss; mov %0, %%ds; mov %0, %%es" : : "r"(SEL_DATA) : "memory");
	expect_unwritten("beyond the limit");
	expect_fault("beyond the limit", VECTOR_SS);
	expect(!trap.error && si == SS_LIMIT, "error code 0x%lx, ESI 0x%x",
	       (unsigned long)trap.error, (unsigned)si);
	TRY_AFTER("mov %1, %%ss", "ss outsb", : "+S"(in) : "r"(SEL_SPARE), "d"(0x80) : "memory");
	asm volatile("mov %0, %%ss; mov %0, %%ds; mov %0, %%es" : : "r"(SEL_DATA) : "memory");
	expect_fault("within the limit", NO_TRAP);
}

static void only_in_64_bit_mode(void)
{
	skip("64-bit only");
}

#define noncanonical only_in_64_bit_mode
#define fs_override  only_in_64_bit_mode
#endif

/* A page that is not there, in 32-bit mode one of 4 MiB. */
#ifdef __x86_64__
#define HOLE 0x600000ul

extern uint64_t page_level2[];

static void set_paging(bool hole)
{
	page_level2[HOLE >> 21] = hole ? 0 : HOLE | 0x87;
	write_cr3(read_cr3());
}
#else
#define HOLE 0x400000ul

static void set_paging(bool hole)
{
	static uint32_t directory[1024] __attribute__((aligned(4096)));

	if (!hole) {
		write_cr0(read_cr0() & ~CR0_PG);
		write_cr4(read_cr4() & ~CR4_PSE);
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(directory); i++)
		directory[i] = i << 22 | 0x83;
	directory[HOLE >> 22] = 0;
	write_cr4(read_cr4() | CR4_PSE);
	write_cr3((uintptr_t)directory);
	write_cr0(read_cr0() | CR0_PG);
}
#endif

static void expect_page_fault(const char *what, uintptr_t error)
{
	expect(trap.vector == VECTOR_PF && trap.ip == trap.at, "%s: vector %d at 0x%lx", what,
	       trap.vector, (unsigned long)trap.ip);
	expect(trap.error == error && read_cr2() == HOLE, "%s: error code 0x%lx, CR2 0x%lx", what,
	       (unsigned long)trap.error, (unsigned long)read_cr2());
}

/* Two elements are before the page that is not there: they are done, and nothing of the third. */
static void page_fault(void)
{
	uint8_t *to = (uint8_t *)(HOLE - 2), *from = to;
	uintptr_t count = 3;
	uint8_t last = 0;
	unsigned sent;

	memset(to, 0, 2);
	set_paging(true);
	begin_loopback();
	for (unsigned i = 0; i < count; i++)
		send();
	TRY("rep insb", : "+D"(to), "+c"(count) : "d"(COM1) : "memory");
	expect_unread("INSB");
	expect_page_fault("INSB", 2);
	expect(to == (uint8_t *)HOLE && count == 1, "INSB: at %p, %u left", (void *)to,
	       (unsigned)count);
	expect(to[-2] == SENT && to[-1] == SENT, "INSB: data");

	count = 3;
	begin_loopback();
	TRY("rep outsb", : "+S"(from), "+c"(count) : "d"(COM1) : "memory");
	sent = end_loopback(&last);
	expect_page_fault("OUTSB", 0);
	expect(from == (uint8_t *)HOLE && count == 1 && sent == 2, "OUTSB: at %p, %u left, %u sent",
	       (void *)from, (unsigned)count, sent);
	set_paging(false);
}

const struct check string_io_checks[] = {
	{"string-io-noncanonical", noncanonical, 0},
	{"string-io-fs-override", fs_override, 0},
	{"string-io-segment-not-there", segment_not_there, 0},
	{"string-io-es-limits", es_limits, 0},
	{"string-io-es-expand-down", es_expand_down, 0},
	{"string-io-ss-override", ss_override, 0},
	{"string-io-page-fault", page_fault, 0},
};
const size_t string_io_check_count = ARRAY_SIZE(string_io_checks);
