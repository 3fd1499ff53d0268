/* CR0, CR3, CR4, CR8 and XCR0: SDM Vol. 3, 2.5 and 2.6; the #GP conditions in Vol. 2 (MOV, XSETBV).
 */
#include "exits.h"
#include "support/tiles.h"

static void try_cr0(const char *what, uintptr_t value)
{
	uintptr_t before = read_cr0();

	TRY("mov %0, %%cr0", : : "r"(value) : "memory");
	expect_fault(what, VECTOR_GP);
	if (trap.vector == NO_TRAP)
		write_cr0(before);
	expect(read_cr0() == before, "%s: CR0 is 0x%lx afterwards", what,
	       (unsigned long)read_cr0());
}

static void cr0_illegal(void)
{
	uintptr_t cr0 = read_cr0();

	try_cr0("PG without PE", (cr0 | CR0_PG) & ~CR0_PE);
	try_cr0("NW without CD", (cr0 | CR0_NW) & ~CR0_CD);
#ifdef __x86_64__
	try_cr0("PE cleared in 64-bit mode", cr0 & ~CR0_PE);
	try_cr0("PG cleared in 64-bit mode", cr0 & ~CR0_PG);
	try_cr0("an upper bit", cr0 | 1ull << 32);
	try_cr0("the highest bit", cr0 | 1ull << 63);
#endif
}

static void try_cr0_reads_back(const char *what, uintptr_t value)
{
	uintptr_t before = read_cr0();

	TRY("mov %0, %%cr0", : : "r"(value) : "memory");
	expect_fault(what, NO_TRAP);
	expect(read_cr0() == value, "%s: CR0 is 0x%lx instead of 0x%lx", what,
	       (unsigned long)read_cr0(), (unsigned long)value);
	expect((smsw() & 0xffff) == (value & 0xffff), "%s: SMSW gives 0x%lx", what,
	       (unsigned long)smsw());
	write_cr0(before);
}

static void cr0_reads_back(void)
{
	uintptr_t cr0 = read_cr0();

	try_cr0_reads_back("CD", cr0 | CR0_CD);
	try_cr0_reads_back("CD and NW", cr0 | CR0_CD | CR0_NW);
	try_cr0_reads_back("NE clear", cr0 & ~CR0_NE);
	try_cr0_reads_back("NE set", cr0 | CR0_NE);
	try_cr0_reads_back("WP", cr0 ^ CR0_WP);
	try_cr0_reads_back("AM", cr0 ^ CR0_AM);
	try_cr0_reads_back("TS", cr0 | CR0_TS);
	try_cr0_reads_back("EM", cr0 | CR0_EM);
	try_cr0_reads_back("MP clear", cr0 & ~CR0_MP);
	/* ET is fixed to 1, and reserved bits are ignored */
	write_cr0(cr0 & ~CR0_ET);
	expect(read_cr0() == cr0, "ET cleared: CR0 is 0x%lx", (unsigned long)read_cr0());
	write_cr0(cr0 | 1ul << 8);
	expect(read_cr0() == cr0, "a reserved bit set: CR0 is 0x%lx", (unsigned long)read_cr0());
}

static void lmsw_smsw_clts(void)
{
	uintptr_t cr0 = read_cr0();
	uint16_t word = 0;

	if (have_hypercalls())
		yield(); /* LMSW and CLTS exit after another has taken the FPU */
	lmsw((uint16_t)(cr0 | CR0_TS));
	expect(read_cr0() == (cr0 | CR0_TS), "LMSW sets TS: CR0 is 0x%lx",
	       (unsigned long)read_cr0());
	clts();
	expect(read_cr0() == cr0, "CLTS: CR0 is 0x%lx", (unsigned long)read_cr0());
	/* LMSW reaches bits 0 to 3 only and does not clear PE */
	lmsw((uint16_t)(CR0_EM | CR0_TS | 0xfff0));
	expect(read_cr0() == ((cr0 & ~(uintptr_t)0xe) | CR0_EM | CR0_TS), "LMSW: CR0 is 0x%lx",
	       (unsigned long)read_cr0());
	asm volatile("smsw %0" : "=m"(word) : : "memory");
	expect(word == (uint16_t)((cr0 & ~(uintptr_t)0xe) | CR0_EM | CR0_TS),
	       "SMSW to memory: 0x%x", word);
	word = (uint16_t)cr0;
	asm volatile("lmsw %0" : : "m"(word) : "memory");
	expect(read_cr0() == cr0, "LMSW from memory: CR0 is 0x%lx", (unsigned long)read_cr0());
}

static void try_cr4(const char *what, uintptr_t value, int vector)
{
	uintptr_t before = read_cr4();

	TRY("mov %0, %%cr4", : : "r"(value) : "memory");
	expect_fault(what, vector);
	if (vector == NO_TRAP)
		expect(read_cr4() == value, "%s: CR4 is 0x%lx", what, (unsigned long)read_cr4());
	else
		expect(read_cr4() == before, "%s: CR4 is 0x%lx", what, (unsigned long)read_cr4());
	write_cr4(before);
}

static void cr4_bits(void)
{
	uintptr_t cr4 = read_cr4();

	try_cr4("a reserved bit", cr4 | 1ul << 15, VECTOR_GP);
	try_cr4("bit 31", cr4 | 1ul << 31, VECTOR_GP);
	try_cr4("TSD", cr4 | CR4_TSD, NO_TRAP);
	try_cr4("DE", cr4 | CR4_DE, NO_TRAP);
	try_cr4("PGE", cr4 | CR4_PGE, NO_TRAP);
	try_cr4("OSFXSR clear", cr4 & ~CR4_OSFXSR, NO_TRAP);
#ifdef __x86_64__
	try_cr4("PAE cleared in 64-bit mode", cr4 & ~CR4_PAE, VECTOR_GP);
	try_cr4("an upper bit", cr4 | 1ull << 40, VECTOR_GP);
#else
	try_cr4("PSE", cr4 | CR4_PSE, NO_TRAP);
	try_cr4("PAE", cr4 | CR4_PAE, NO_TRAP);
#endif
	if (fpu_components & FPU_XSAVE)
		try_cr4("OSXSAVE clear", cr4 & ~CR4_OSXSAVE, NO_TRAP);
	else
		try_cr4("OSXSAVE without XSAVE", cr4 | CR4_OSXSAVE, VECTOR_GP);
}

static void cr4_hidden_bits(void)
{
	try_cr4("VMXE", read_cr4() | CR4_VMXE, VECTOR_GP);
	try_cr4("SMXE", read_cr4() | CR4_SMXE, VECTOR_GP);
	try_cr4("PKE and SMXE", read_cr4() | CR4_PKE | CR4_SMXE, VECTOR_GP);
	if (cpuid(0, 0).eax < 7 || !(cpuid(7, 0).ecx & 1u << 3))
		try_cr4("PKE without PKU", read_cr4() | CR4_PKE, VECTOR_GP);
}

/* Tiles heed no CR0.TS: XCR0 alone keeps a guest from them. */
static void tiles_out_of_reach(void)
{
	TRY(".byte 0xc4, 0xe2, 0x7b, 0x49, 0xc0", : : : "memory");
	expect_fault("TILEZERO", VECTOR_UD);
	TRY(".byte 0xc4, 0xe2, 0x78, 0x49, 0xc0", : : : "memory");
	expect_fault("TILERELEASE", VECTOR_UD);
}

static void xcr0_kept_without_osxsave(void)
{
	uintptr_t cr4 = read_cr4();
	uint64_t all;

	if (!(fpu_components & FPU_XSAVE)) {
		skip("no XSAVE here");
		return;
	}
	all = xgetbv(0);
	write_cr4(cr4 & ~CR4_OSXSAVE);
	cpuid(0, 0);
	write_cr4(cr4);
	expect(xgetbv(0) == all, "XCR0 is 0x%llx", (unsigned long long)xgetbv(0));
}

static void cr3(void)
{
	uintptr_t before = read_cr3();

	write_cr3(before);
	expect(read_cr3() == before, "CR3 is 0x%lx", (unsigned long)read_cr3());
#ifdef __x86_64__
	TRY("mov %0, %%cr3", : : "r"(before | 1ull << 62) : "memory");
	expect_fault("a reserved bit of CR3", VECTOR_GP);
	TRY("mov %0, %%cr3", : : "r"(before | 1ull << 63) : "memory");
	expect_fault("bit 63 of CR3 without CR4.PCIDE", VECTOR_GP);
#else
	write_cr3(0x12345000);
	expect(read_cr3() == 0x12345000, "CR3 is 0x%lx", (unsigned long)read_cr3());
	write_cr3(before);
#endif
}

static void cr8(void)
{
#ifdef __x86_64__
	for (uintptr_t v = 0; v < 16; v++) {
		write_cr8(v);
		cpuid(0, 0);
		expect(read_cr8() == v, "CR8 is 0x%lx instead of 0x%lx", (unsigned long)read_cr8(),
		       (unsigned long)v);
	}
	TRY("mov %0, %%cr8", : : "r"(16ul) : "memory");
	expect_fault("CR8=16", VECTOR_GP);
	write_cr8(0);
#else
	skip("64-bit only");
#endif
}

static void no_such_register(void)
{
	TRY(".byte 0x0f, 0x20, 0xc8", : : : "eax", "memory"); /* MOV EAX, CR1 */
	expect_fault("MOV from CR1", VECTOR_UD);
	TRY(".byte 0x0f, 0x20, 0xf8", : : : "eax", "memory"); /* MOV EAX, CR7 */
	expect_fault("MOV from CR7", VECTOR_UD);
}

USER_CODE(user_xsetbv, "movl $0, %ecx; movl $3, %eax; movl $0, %edx; xsetbv")
USER_CODE(user_xsetbv_bad, "movl $5, %ecx; movl $0, %eax; movl $0, %edx; xsetbv")

static void try_xcr0(const char *what, uint32_t index, uint64_t value, int vector)
{
	uint64_t before = xgetbv(0);

	try_xsetbv(index, value);
	expect_fault(what, vector);
	expect(xgetbv(0) == (vector == NO_TRAP ? value : before), "%s: XCR0 is 0x%llx", what,
	       (unsigned long long)xgetbv(0));
	xsetbv(0, before);
}

static void xcr0_checks(void)
{
	uint64_t all;

	if (!(fpu_components & FPU_XSAVE)) {
		skip("no XSAVE here");
		return;
	}
	all = xgetbv(0);
	try_xcr0("x87 alone", 0, 1, NO_TRAP);
	try_xcr0("x87 and SSE", 0, 3, NO_TRAP);
	try_xcr0("all", 0, all, NO_TRAP);
	try_xcr0("nothing", 0, 0, VECTOR_GP);
	try_xcr0("without x87", 0, all & ~1ull, VECTOR_GP);
	try_xcr0("AVX without SSE", 0, 5, VECTOR_GP);
	try_xcr0("bit 63", 0, all | 1ull << 63, VECTOR_GP);
	try_xcr0("bit 62", 0, all | 1ull << 62, VECTOR_GP);
	try_xcr0("bit 11", 0, all | 1ull << 11, VECTOR_GP);
	try_xcr0("XCR1", 1, all, VECTOR_GP);
	try_xcr0("XCR 0x80000000", 0x80000000, all, VECTOR_GP);
	if (all & XCR0_AVX512) {
		try_xcr0("opmask alone", 0, 7 | 0x20, VECTOR_GP);
		try_xcr0("AVX-512 without Hi16_ZMM", 0, 7 | 0x60, VECTOR_GP);
		try_xcr0("AVX-512 without AVX", 0, 3 | 0xe0, VECTOR_GP);
	} else {
		try_xcr0("AVX-512 that is not there", 0, 7 | 0xe0, VECTOR_GP);
	}
	if (!(all & XCR0_AVX))
		try_xcr0("AVX that is not there", 0, 7, VECTOR_GP);
	user_call(user_xsetbv, 0);
	expect(trap.vector == VECTOR_GP, "XSETBV at CPL 3 raises %d", trap.vector);
	user_call(user_xsetbv_bad, 0);
	expect(trap.vector == VECTOR_GP, "XSETBV of XCR5 at CPL 3 raises %d", trap.vector);
	expect(xgetbv(0) == all, "XCR0 is 0x%llx", (unsigned long long)xgetbv(0));
}

/* Each component that CPUID does not offer, and PKRU, which depends on no other. */
static void xcr0_hidden_bits(void)
{
	uint64_t all, offered;

	if (!(fpu_components & FPU_XSAVE)) {
		skip("no XSAVE here");
		return;
	}
	all = xgetbv(0);
	offered = (uint64_t)cpuid(0xd, 0).edx << 32 | cpuid(0xd, 0).eax;
	expect(!(offered & ~(0x2e7ull | (tiles_offered() ? XCR0_TILES : 0))),
	       "components 0x%llx are offered", (unsigned long long)offered);
	for (unsigned bit = 0; bit < 64; bit++)
		if (!(offered >> bit & 1)) {
			try_xsetbv(0, all | 1ull << bit);
			expect(trap.vector == VECTOR_GP, "component %u: vector %d", bit,
			       trap.vector);
		}
	try_xcr0("MPX", 0, all | 3u << 3, VECTOR_GP);
	try_xcr0("AMX", 0, all | XCR0_TILES, tiles_offered() ? NO_TRAP : VECTOR_GP);
	try_xcr0("TILECFG alone", 0, all | 1u << 17, VECTOR_GP);
	try_xcr0("TILEDATA alone", 0, all | 1u << 18, VECTOR_GP);
	try_xcr0("x87 and PKRU", 0, 1 | XCR0_PKRU, offered & XCR0_PKRU ? NO_TRAP : VECTOR_GP);
	try_xcr0("PKRU without x87", 0, XCR0_PKRU, VECTOR_GP);
}

USER_CODE(user_mov_cr0, ".byte 0x0f, 0x20, 0xc0")

static void privileged_in_user_mode(void)
{
	user_call(user_mov_cr0, 0);
	expect(trap.vector == VECTOR_GP, "MOV from CR0 at CPL 3 raises %d", trap.vector);
}

const struct check control_checks[] = {
	{"cr0-illegal-values-fault", cr0_illegal, 0},
	{"cr0-reads-back", cr0_reads_back, 0},
	{"cr0-lmsw-smsw-clts", lmsw_smsw_clts, 0},
	{"cr4-bits", cr4_bits, 0},
	{"cr4-hidden-bits", cr4_hidden_bits, NEEDS_HYPERCALL},
	{"cr3", cr3, 0},
	{"cr8", cr8, 0},
	{"cr-no-such-register", no_such_register, 0},
	{"cr-privileged-in-user-mode", privileged_in_user_mode, 0},
	{"xcr0-checks", xcr0_checks, 0},
	{"xcr0-hidden-bits", xcr0_hidden_bits, NEEDS_HYPERCALL},
	{"tiles-out-of-reach", tiles_out_of_reach, NEEDS_HYPERCALL},
	{"xcr0-kept-without-osxsave", xcr0_kept_without_osxsave, 0},
};
const size_t control_check_count = ARRAY_SIZE(control_checks);
