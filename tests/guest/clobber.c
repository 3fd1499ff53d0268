/*
 * The neighbour from hell, and a victim itself: takes the FPU in every turn, puts a new pattern
 * into it (now and then with an x87 exception pending), gives the CPU away, and checks that it
 * finds its pattern again. Ends when it is the last VM (which
 * needs control=on), or after rounds=N turns.
 */
#include "support/fpu.h"
#include "support/guest.h"

const char guest_name[] = "clobber";

/* What VMX does not switch by itself: other guests check that theirs survive this. */
static void clobber_other_registers(uint64_t round)
{
	write_cr2((uintptr_t)fpu_random(1, round, 1));
	write_dr0((uintptr_t)fpu_random(1, round, 2) & 0xffffff);
	write_dr1((uintptr_t)fpu_random(1, round, 3) & 0xffffff);
	write_dr2((uintptr_t)fpu_random(1, round, 4) & 0xffffff);
	write_dr3((uintptr_t)fpu_random(1, round, 5) & 0xffffff);
	write_dr6(0xffff0ff0 | (round & 0xf));
#ifdef __x86_64__
	wrmsr(MSR_STAR, fpu_random(1, round, 6));
	wrmsr(MSR_LSTAR, fpu_random(1, round, 7) & 0x7fffffffffff);
	wrmsr(MSR_CSTAR, fpu_random(1, round, 8) & 0x7fffffffffff);
	wrmsr(MSR_FMASK, fpu_random(1, round, 9) & 0xffffffff);
	wrmsr(MSR_KERNEL_GS_BASE, fpu_random(1, round, 10) & 0x7fffffffffff);
#endif
	if (cpuid(0x80000001, 0).edx & 1u << 27)
		wrmsr(MSR_TSC_AUX, fpu_random(1, round, 11) & 0xffffffff);
	if (cpuid(0, 0).eax >= 7 && cpuid(7, 0).ecx & 1u << 3) {
		write_cr4(read_cr4() | CR4_PKE);
		wrpkru((uint32_t)fpu_random(1, round, 12) & ~3u); /* key 0 is that of our pages */
	}
	if (fpu_components & FPU_XSAVE) {
		uint64_t all = fpu_components & (FPU_X87 | FPU_SSE | FPU_AVX | FPU_AVX512);

		xsetbv(0, round & 1 ? all : XCR0_X87);
		xsetbv(0, all);
	}
}

int guest_main(void)
{
	static struct fpu_registers want, got;
	uint64_t rounds = option_number("rounds", have_hypercalls() ? ~0ull : 100);
	uint64_t seed = option_number("seed", 77);
	bool others = !option("fpu-only");
	struct hypercall_stats stats;
	char why[128];
	uint64_t round;

	if (rounds == ~0ull)
		need_control();
	fpu_enable();
	fpu_calibrate(seed);
	for (round = 0; round < rounds; round++) {
		fpu_pattern(&want, seed, round,
			    round & 1 ? FPU_PENDING : (enum fpu_kind)(round / 2 % FPU_KINDS));
		fpu_load(&want);
		if (others)
			clobber_other_registers(round);
		/* another's state must be saved whole even if we take the FPU with a small XCR0 */
		if ((fpu_components & FPU_XSAVE) && round % 4 == 2)
			xsetbv(0, round & 4 ? XCR0_X87 : XCR0_X87 | XCR0_SSE);
		if (have_hypercalls())
			yield();
		if ((fpu_components & FPU_XSAVE) && round % 4 == 2) {
			fpu_touch(0);
			xsetbv(0, fpu_components & (FPU_X87 | FPU_SSE | FPU_AVX | FPU_AVX512));
		}
		fpu_touch((unsigned)round);
		fpu_store(&got);
		if (!fpu_equal(&want, &got, why, sizeof(why))) {
			report_fail("clobber", "round %llu: %s", (unsigned long long)round, why);
			break;
		}
		if (rounds == ~0ull) {
			get_stats(&stats, 0);
			if (stats.vms_running <= 1)
				break;
		}
	}
	if (!report_failures())
		report_pass("clobber");
	print("clobber: %llu rounds\n", (unsigned long long)round);
	return report_end();
}
