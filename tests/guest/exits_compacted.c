/*
 * XSAVEC, XSAVES and XRSTORS, and XRSTOR of what they save: SDM Vol. 1 13.4.3, 13.8.2 and 13.10 to
 * 13.12. Where CPUID.D.1 does not offer them, XSAVES and XRSTORS are undefined.
 */
#include "exits.h"

#define XSTATE_BV      512
#define XCOMP_BV       520
#define RESERVED_BYTE  540
#define COMPACTED      (1ull << 63)
#define POISON	       0xc9
#define OFFERS_XSAVEC  (1u << 1)
#define OFFERS_XSAVES  (1u << 3)
#define COMPACTED_AREA "+m"(area) : "a"((uint32_t)mask), "d"((uint32_t)(mask >> 32)) : "memory"

static struct fpu_registers pattern[2], got;
static uint8_t area[FPU_AREA_SIZE + 64] __attribute__((aligned(64)));

static void xsavec(uint64_t mask)
{
	TRY("xsavec" WIDE " %0", : COMPACTED_AREA);
}

static void xrstor(uint64_t mask)
{
	TRY("xrstor" WIDE " %0", : COMPACTED_AREA);
}

static void xsaves(uint64_t mask)
{
	TRY("xsaves" WIDE " %0", : COMPACTED_AREA);
}

static void xrstors(uint64_t mask)
{
	TRY("xrstors" WIDE " %0", : COMPACTED_AREA);
}

static const struct form {
	uint32_t offered; /* in CPUID.D.1:EAX */
	const char *save_name, *load_name;
	void (*save)(uint64_t mask), (*load)(uint64_t mask);
} forms[] = {
	{OFFERS_XSAVEC, "XSAVEC", "XRSTOR", xsavec, xrstor},
	{OFFERS_XSAVES, "XSAVES", "XRSTORS", xsaves, xrstors},
};

static uint32_t offers(void)
{
	return fpu_components & FPU_XSAVE ? cpuid(0xd, 1).eax : 0;
}

/* Every form that is offered. */
static void with_each(void (*run)(const struct form *form))
{
	if (!(offers() & (OFFERS_XSAVEC | OFFERS_XSAVES))) {
		skip("neither XSAVEC nor XSAVES here");
		return;
	}
	fpu_calibrate_quietly(1);
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if (offers() & forms[i].offered)
			run(&forms[i]);
}

static uint64_t field(unsigned offset)
{
	uint64_t value;

	memcpy(&value, area + offset, sizeof(value));
	return value;
}

static void load_patterns(unsigned now)
{
	fpu_pattern(&pattern[now], 5, now, FPU_FULL);
	fpu_load(&pattern[now]);
}

static void save_over_poison(const struct form *form, uint64_t mask)
{
	memset(area, POISON, sizeof(area));
	memset(area + XSTATE_BV, 0, 64);
	form->save(mask);
	expect_fault(form->save_name, NO_TRAP);
}

static void load_from_area(const struct form *form, uint64_t mask)
{
	form->load(mask);
	expect_fault(form->load_name, NO_TRAP);
	fpu_store(&got);
}

static void expect_registers(const struct form *form, const struct fpu_registers *want)
{
	char why[128];

	expect(fpu_equal(want, &got, why, sizeof(why)), "%s of %s's area: %s", form->load_name,
	       form->save_name, why);
}

static void carries(const struct form *form)
{
	load_patterns(0);
	save_over_poison(form, ~0ull);
	expect(field(XCOMP_BV) == (xgetbv(0) | COMPACTED), "%s: XCOMP_BV is 0x%llx",
	       form->save_name, (unsigned long long)field(XCOMP_BV));
	expect(!(field(XSTATE_BV) & ~xgetbv(0)), "%s: XSTATE_BV is 0x%llx", form->save_name,
	       (unsigned long long)field(XSTATE_BV));
	load_patterns(1);
	load_from_area(form, ~0ull);
	expect_registers(form, &pattern[0]);
}

/* MXCSR too: the standard form of XRSTOR would take it from the area. */
static void makes_initial(const struct form *form)
{
	fpu_initial_state(&pattern[0]);
	fpu_load(&pattern[0]);
	save_over_poison(form, ~0ull);
	load_patterns(1);
	load_from_area(form, ~0ull);
	expect_registers(form, &pattern[0]);
}

static void heeds_the_mask(const struct form *form)
{
	load_patterns(0);
	save_over_poison(form, ~0ull);
	load_patterns(1);
	load_from_area(form, FPU_X87);
	memcpy(&pattern[1].fx, &pattern[0].fx, offsetof(struct fxsave, mxcsr));
	memcpy(pattern[1].fx.st, pattern[0].fx.st, sizeof(pattern[0].fx.st));
	expect_registers(form, &pattern[1]);

	load_patterns(0);
	save_over_poison(form, FPU_X87);
	expect(field(XSTATE_BV) == FPU_X87 && field(XCOMP_BV) == (FPU_X87 | COMPACTED),
	       "%s of the x87 state: XSTATE_BV is 0x%llx, XCOMP_BV 0x%llx", form->save_name,
	       (unsigned long long)field(XSTATE_BV), (unsigned long long)field(XCOMP_BV));
}

/* Where component i lies in an area of these: behind those before it. */
static uint32_t compacted_offset(uint64_t components, unsigned i)
{
	uint32_t offset = 576;

	for (unsigned before = 2; before <= i; before++) {
		struct cpuid_result r = cpuid(0xd, before);

		if (!(components >> before & 1))
			continue;
		offset = r.ecx & 2 ? (offset + 63) & ~63u : offset;
		if (before < i)
			offset += r.eax;
	}
	return offset;
}

static void expect_layout(const struct form *form, uint64_t xcr0)
{
	uint32_t size = cpuid(0xd, 1).ebx, end = size;

	while (end < sizeof(area) && area[end] == POISON)
		end++;
	expect(end == sizeof(area), "%s: byte %u is written, XCR0=0x%llx takes %u", form->save_name,
	       end, (unsigned long long)xcr0, size);
	expect(field(XCOMP_BV) == (xcr0 | COMPACTED), "%s: XCOMP_BV is 0x%llx", form->save_name,
	       (unsigned long long)field(XCOMP_BV));
	if (xcr0 & XCR0_AVX)
		expect(!memcmp(area + compacted_offset(xcr0, 2), pattern[0].vector[0] + 16, 16),
		       "%s: YMM0_H is elsewhere with XCR0=0x%llx", form->save_name,
		       (unsigned long long)xcr0);
	if (xcr0 & FPU_AVX512)
		expect(!memcmp(area + compacted_offset(xcr0, 6), pattern[0].vector[0] + 32, 32),
		       "%s: ZMM0_H is elsewhere with XCR0=0x%llx", form->save_name,
		       (unsigned long long)xcr0);
}

/* What leaf Dh says holds for the area, whatever XCR0 has in it. */
static void fits_leaf_d(const struct form *form)
{
	static const uint32_t steps[] = {1, 3, 7, 0xe7, 0x201, 0x203, 0x207, 0x2e7};
	uint64_t all = xgetbv(0);

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		if (steps[i] & ~cpuid(0xd, 0).eax)
			continue;
		load_patterns(0);
		xsetbv(0, steps[i]);
		save_over_poison(form, ~0ull);
		expect_layout(form, steps[i]);
		xsetbv(0, all);
	}
}

static void refuses_at(const struct form *form, unsigned offset, uint8_t bits, const char *what)
{
	load_patterns(0);
	save_over_poison(form, ~0ull);
	area[offset] ^= bits;
	form->load(~0ull);
	expect_fault(what, VECTOR_GP);
	fpu_store(&got);
	expect_registers(form, &pattern[0]);
}

static void refuses_malformed(const struct form *form)
{
	/* bit 8 is supervisor state (processor trace), which IA32_XSS = 0 leaves out */
	refuses_at(form, XCOMP_BV + 1, 1, "XCOMP_BV with supervisor state");
	refuses_at(form, XCOMP_BV, 1, "XSTATE_BV with more than XCOMP_BV");
	refuses_at(form, XSTATE_BV + 2, 2, "XSTATE_BV with tiles");
	refuses_at(form, RESERVED_BYTE, 1, "a reserved byte of the header");
	if (form->offered == OFFERS_XSAVES)
		refuses_at(form, XCOMP_BV + 7, 0x80, "XRSTORS of the standard format");
}

static void misaligned(const struct form *form)
{
	uint32_t low = ~0u, high = ~0u;

	load_patterns(0);
	save_over_poison(form, ~0ull);
	if (form->offered == OFFERS_XSAVEC) {
		TRY("xsavec" WIDE " 8+%0", : "+m"(area) : "a"(low), "d"(high) : "memory");
		expect_fault("a misaligned XSAVEC", VECTOR_GP);
		return;
	}
	TRY("xsaves" WIDE " 8+%0", : "+m"(area) : "a"(low), "d"(high) : "memory");
	expect_fault("a misaligned XSAVES", VECTOR_GP);
	TRY("xrstors" WIDE " 8+%0", : "+m"(area) : "a"(low), "d"(high) : "memory");
	expect_fault("a misaligned XRSTORS", VECTOR_GP);
}

/*
 * A state that was changed since the load from an area, and has been elsewhere in between, is in
 * that area after a save to it: what an optimizing save may skip is what the guest itself loaded.
 */
static void survives_a_switch(const struct form *form)
{
	load_patterns(0);
	save_over_poison(form, ~0ull);
	load_from_area(form, ~0ull);
	load_patterns(1);
	wait_for_peers(option_number("peers", 1));
	yield();
	yield();
	form->save(~0ull);
	expect_fault(form->save_name, NO_TRAP);
	load_patterns(0);
	yield();
	load_from_area(form, ~0ull);
	expect_registers(form, &pattern[1]);
}

/* They leave the guest only for bits of IA32_XSS, and it has none. */
static void never_leaves(const struct form *form)
{
	struct hypercall_stats before, after;

	for (unsigned attempt = 0; attempt < 20; attempt++) {
		load_patterns(0);
		get_stats(&before, 0);
		form->save(~0ull);
		form->load(~0ull);
		get_stats(&after, 0);
		if (after.own_entries == before.own_entries + 1)
			return;
	}
	fail("%s and %s: %u entries instead of 1", form->save_name, form->load_name,
	     (unsigned)(after.own_entries - before.own_entries));
}

static void all_carry(void)
{
	with_each(carries);
}

static void all_make_initial(void)
{
	with_each(makes_initial);
}

static void all_heed_the_mask(void)
{
	with_each(heeds_the_mask);
}

static void all_fit_leaf_d(void)
{
	with_each(fits_leaf_d);
}

static void all_refuse_malformed(void)
{
	with_each(refuses_malformed);
}

static void none_is_misaligned(void)
{
	with_each(misaligned);
}

static void all_survive_a_switch(void)
{
	with_each(survives_a_switch);
}

static void none_leaves(void)
{
	with_each(never_leaves);
}

USER_CODE(user_xsaves, "andl $-64, %esp; xorl %eax, %eax; xorl %edx, %edx; xsaves (%esp)")
USER_CODE(user_xrstors, "andl $-64, %esp; xorl %eax, %eax; xorl %edx, %edx; xrstors (%esp)")

/* XSAVEC cannot be hidden: VMX has no control for it. */
static void xsaves_as_offered(void)
{
	uintptr_t cr4 = read_cr4();
	bool offered = offers() & OFFERS_XSAVES;
	int vector = offered ? NO_TRAP : VECTOR_UD;

	memset(area, 0, sizeof(area));
	xsaves(0);
	expect_fault("XSAVES", vector);
	xrstors(0);
	expect_fault("XRSTORS", vector);
	if (offered) { /* else one emulator looks at CPL first */
		user_call(user_xsaves, 0);
		expect(trap.vector == VECTOR_GP, "XSAVES at CPL 3 raises %d", trap.vector);
		user_call(user_xrstors, 0);
		expect(trap.vector == VECTOR_GP, "XRSTORS at CPL 3 raises %d", trap.vector);
	}
	write_cr4(cr4 & ~CR4_OSXSAVE);
	xsaves(0);
	expect_fault("XSAVES without CR4.OSXSAVE", VECTOR_UD);
	xrstors(0);
	expect_fault("XRSTORS without CR4.OSXSAVE", VECTOR_UD);
	write_cr4(cr4);
}

const struct check compacted_checks[] = {
	{"compacted-xsaves-as-offered", xsaves_as_offered, NEEDS_HYPERCALL},
	{"compacted-carries", all_carry, NEEDS_HYPERCALL},
	{"compacted-makes-initial", all_make_initial, NEEDS_HYPERCALL},
	{"compacted-heeds-the-mask", all_heed_the_mask, NEEDS_HYPERCALL},
	{"compacted-fits-leaf-d", all_fit_leaf_d, NEEDS_HYPERCALL},
	{"compacted-refuses-malformed", all_refuse_malformed, NEEDS_HYPERCALL},
	{"compacted-misaligned", none_is_misaligned, NEEDS_HYPERCALL},
	{"compacted-survives-a-switch", all_survive_a_switch, NEEDS_HYPERCALL},
	{"compacted-never-leaves", none_leaves, NEEDS_HYPERCALL},
};
const size_t compacted_check_count = ARRAY_SIZE(compacted_checks);
