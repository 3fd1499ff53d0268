/* CPUID: SDM Vol. 2A, CPUID; what the hypervisor hides, and what follows the guest's registers. */
#include "exits.h"
#include "support/tiles.h"

static void signature(void)
{
	struct cpuid_result r = cpuid(HYPERCALL_CPUID_SIGNATURE, 0);

	expect(r.eax >= HYPERCALL_CPUID_VERSION, "highest leaf 0x%x", r.eax);
	r = cpuid(HYPERCALL_CPUID_VERSION, 0);
	expect(r.eax == HYPERCALL_VERSION, "version %u", r.eax);
	expect(cpuid(1, 0).ecx & 1u << 31, "CPUID.1:ECX[31] is clear");
}

static void osxsave_mirrors_cr4(void)
{
	uintptr_t cr4 = read_cr4();

	if (!(cpuid(1, 0).ecx & 1u << 26)) {
		skip("no XSAVE here");
		return;
	}
	write_cr4(cr4 & ~CR4_OSXSAVE);
	expect(!(cpuid(1, 0).ecx & 1u << 27), "OSXSAVE is set without CR4.OSXSAVE");
	TRY("xgetbv", : : "c"(0) : "eax", "edx", "memory");
	expect_fault("XGETBV without CR4.OSXSAVE", VECTOR_UD);
	try_xsetbv(0, 1);
	expect_fault("XSETBV without CR4.OSXSAVE", VECTOR_UD);
	write_cr4(cr4 | CR4_OSXSAVE);
	expect(cpuid(1, 0).ecx & 1u << 27, "OSXSAVE is clear with CR4.OSXSAVE");
}

/* What an area for these components takes, by what CPUID.D.i says of each. */
static uint32_t area_size(uint64_t components, bool compacted)
{
	uint32_t size = 576;

	for (unsigned i = 2; i < 63; i++) {
		struct cpuid_result r = cpuid(0xd, i);

		if (!(components >> i & 1))
			continue;
		if (compacted)
			size = (r.ecx & 2 ? (size + 63) & ~63u : size) + r.eax;
		else if (r.ebx + r.eax > size)
			size = r.ebx + r.eax;
	}
	return size;
}

static void leaf_d_follows_xcr0(void)
{
	static const uint32_t steps[] = {1, 3, 7, 0xe7, 0x201, 0x203, 0x207, 0x2e7};
	uint64_t offered, before;
	uint32_t size;

	if (!(fpu_components & FPU_XSAVE)) {
		skip("no XSAVE here");
		return;
	}
	before = xgetbv(0);
	offered = (uint64_t)cpuid(0xd, 0).edx << 32 | cpuid(0xd, 0).eax;
	expect((offered & before) == before, "XCR0 holds more than CPUID.D offers");
	expect(!(offered & ~(0x2e7ull | (tiles_offered() ? XCR0_TILES : 0))),
	       "CPUID.D offers components 0x%llx", (unsigned long long)offered);
	expect(cpuid(0xd, 0).ecx == area_size(offered, false), "%u bytes at most",
	       cpuid(0xd, 0).ecx);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		if (steps[i] & ~offered)
			continue;
		xsetbv(0, steps[i]);
		size = cpuid(0xd, 0).ebx;
		expect(size == area_size(steps[i], false), "%u bytes for XCR0=0x%x", size,
		       steps[i]);
		if (steps[i] <= 7)
			expect(size == (steps[i] & XCR0_AVX ? 832 : 576), "%u bytes for XCR0=%u",
			       size, steps[i]);
		size = cpuid(0xd, 1).ebx;
		expect(size == (cpuid(0xd, 1).eax & 0xa ? area_size(steps[i], true) : 0),
		       "%u bytes compacted for XCR0=0x%x", size, steps[i]);
	}
	xsetbv(0, before);
	for (unsigned i = 2; i < 64; i++) {
		struct cpuid_result r = cpuid(0xd, i);

		if (offered >> i & 1)
			expect(r.eax && r.ebx >= 576 && !(r.ecx & ~(i == 18 ? 6u : 2u)) && !r.edx,
			       "component %u: 0x%x 0x%x 0x%x 0x%x", i, r.eax, r.ebx, r.ecx, r.edx);
		else
			expect(!(r.eax | r.ebx | r.ecx | r.edx), "component %u is not offered", i);
	}
}

static void unsupported_features_hidden(void)
{
	struct cpuid_result r = cpuid(1, 0);

	expect(!(r.ecx & 1u << 3), "MONITOR is offered");
	expect(!(r.ecx & 1u << 5), "VMX is offered");
	expect(!(r.ecx & 1u << 6), "SMX is offered");
	expect(!(r.ecx & 1u << 15), "PDCM is offered");
	if (cpuid(0, 0).eax >= 7) {
		r = cpuid(7, 0);
		expect(!(r.ebx & 1u << 2), "SGX is offered");
		expect(!(r.ebx & 1u << 14), "MPX is offered");
		expect(!(r.ebx & 1u << 25), "processor trace is offered");
		expect(!(r.ecx & 1u << 4), "OSPKE is set");
		expect(!(r.ecx & 1u << 7), "CET shadow stacks are offered");
		expect(!(r.edx & 1u << 5), "user interrupts are offered");
		expect(!(r.edx & 7u << 22) || tiles_offered(), "of AMX EDX has 0x%x", r.edx);
	}
	if (fpu_components & FPU_XSAVE) {
		r = cpuid(0xd, 1);
		expect(!(r.eax & 1u << 2), "XGETBV with ECX=1 is offered");
		expect(!(r.eax & 1u << 4) || tiles_offered(), "XFD is offered without AMX");
	}
}

/* 5-level paging is hidden, and with it the width that only it gives. */
static void address_widths(void)
{
	struct cpuid_result r;

	if (cpuid(0x80000000, 0).eax < 0x80000008) {
		skip("no leaf 80000008h here");
		return;
	}
	r = cpuid(0x80000008, 0);
	expect((r.eax & 0xff) >= 36 && (r.eax & 0xff) <= 52, "%u physical bits", r.eax & 0xff);
	expect(r.eax >> 8 == 48, "EAX is 0x%x", r.eax);
	expect(!(cpuid(7, 0).ecx & 1u << 16), "LA57 is offered");
}

static void upper_halves_cleared(void)
{
#ifdef __x86_64__
	uint64_t a = 0xffffffff00000000, b = ~0ull, c = 0xffffffff00000000, d = ~0ull;

	asm volatile("cpuid" : "+a"(a), "+b"(b), "+c"(c), "+d"(d));
	expect(!((a | b | c | d) >> 32), "upper halves 0x%llx 0x%llx 0x%llx 0x%llx",
	       (unsigned long long)a, (unsigned long long)b, (unsigned long long)c,
	       (unsigned long long)d);
#else
	skip("64-bit only");
#endif
}

static void leaf_out_of_range(void)
{
	/* beyond the highest basic leaf: the data of the highest basic leaf, on Intel */
	uint32_t highest = cpuid(0, 0).eax;
	struct cpuid_result last = cpuid(highest, 0), beyond = cpuid(highest + 100, 0);

	expect(highest >= 1 && highest < 0x100, "highest basic leaf 0x%x", highest);
	expect(!memcmp(&last, &beyond, sizeof(last)) || !(beyond.eax | beyond.ebx | beyond.edx),
	       "a leaf out of range is neither the last one nor zero: 0x%x 0x%x 0x%x 0x%x",
	       beyond.eax, beyond.ebx, beyond.ecx, beyond.edx);
}

static void other_registers_kept(void)
{
	uintptr_t si = 0x11111111, di = 0x22222222;

	asm volatile("cpuid" : "+S"(si), "+D"(di) : "a"(1), "c"(0) : "ebx", "edx", "memory");
	expect(si == 0x11111111 && di == 0x22222222, "SI 0x%lx DI 0x%lx", (unsigned long)si,
	       (unsigned long)di);
}

const struct check cpuid_checks[] = {
	{"cpuid-signature", signature, NEEDS_HYPERCALL},
	{"cpuid-osxsave-mirrors-cr4", osxsave_mirrors_cr4, 0},
	{"cpuid-leaf-d-follows-xcr0", leaf_d_follows_xcr0, NEEDS_HYPERCALL},
	{"cpuid-unsupported-features-hidden", unsupported_features_hidden, NEEDS_HYPERCALL},
	{"cpuid-address-widths", address_widths, NEEDS_HYPERCALL},
	{"cpuid-upper-halves-cleared", upper_halves_cleared, 0},
	{"cpuid-leaf-out-of-range", leaf_out_of_range, 0},
	{"cpuid-other-registers-kept", other_registers_kept, 0},
};
const size_t cpuid_check_count = ARRAY_SIZE(cpuid_checks);
