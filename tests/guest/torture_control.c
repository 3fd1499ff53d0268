/* XCR0, the guest's own CR0.TS and EM, waiting, exits of other kinds, interrupts that use the FPU.
 */
#include "torture.h"

static const uint64_t steps_of_xcr0[] = {
	FPU_X87,
	FPU_X87 | FPU_SSE,
	FPU_X87 | FPU_SSE | FPU_AVX,
	FPU_X87 | FPU_SSE | FPU_AVX | FPU_AVX512,
};

void change_xcr0(void)
{
	uint64_t value = steps_of_xcr0[below(ARRAY_SIZE(steps_of_xcr0))] & xcr0_all;
	bool grows = value & ~xcr0_now, interrupts = read_flags() & FLAG_IF;

	if (!xcr0_all)
		return;
	if (below(8) == 0) {
		TRY("xsetbv", : : "c"(0), "a"(FPU_X87 | FPU_AVX), "d"(0) : "memory");
		if (trap.vector != VECTOR_GP)
			wrong("XCR0=5: vector %d instead of 13", trap.vector);
	}
	cli();
	xsetbv(0, value);
	xcr0_now = value;
	fpu_components = (fpu_components & ~(FPU_AVX | FPU_AVX512)) | (uint32_t)value | FPU_SSE;
	if (interrupts)
		sti();
	pause_here();
	if (xgetbv(0) != value)
		wrong("XCR0 reads 0x%llx instead of 0x%llx", (unsigned long long)xgetbv(0),
		      (unsigned long long)value);
	if (grows)
		verify_all();
}

static unsigned own_nms;
static uintptr_t own_nm_at;

/* As a kernel with lazy switching of its own does it, but the task is the same again. */
static bool device_not_available(struct frame *frame)
{
	own_nms++;
	own_nm_at = frame->ip;
	if (own_nms & 1)
		clts();
	else
		write_cr0(read_cr0() & ~CR0_TS);
	return true;
}

static void touch(unsigned n)
{
	static uint8_t bytes[64] __attribute__((aligned(64)));

	switch (n % 7) {
	case 0:
		TRY("fnstsw %%ax", : : : "eax", "memory");
		return;
	case 1:
		TRY("movups %%xmm1, %0", : "=m"(bytes) : : "memory");
		return;
	case 2:
		TRY("stmxcsr %0", : "=m"(bytes) : : "memory");
		return;
	case 3:
		if (fpu_components & FPU_AVX) {
			TRY("vmovdqu %%ymm3, %0", : "=m"(bytes) : : "memory");
			return;
		}
		break;
	case 4:
		if (fpu_components & FPU_AVX512) {
			TRY("kmovw %%k2, %0", : "=m"(bytes) : : "memory");
			return;
		}
		break;
	case 5:
		TRY("fxsave %0", : "=m"(*random_area()) : : "memory");
		return;
	}
	TRY("fnstcw %0", : "=m"(bytes) : : "memory");
}

/* TS=1: the first use raises one #NM, at that instruction, and all is as it was. */
void own_ts(void)
{
	unsigned before = own_nms, uses = may_fault() ? below(3) : 0;

	if (below(2))
		write_cr0(read_cr0() | CR0_TS);
	else
		lmsw((uint16_t)(smsw() | CR0_TS));
	trap_handle(VECTOR_NM, device_not_available);
	pause_here();
	for (unsigned i = 0; i < uses; i++) {
		touch((unsigned)draw());
		if (trap.vector != NO_TRAP)
			wrong("vector %d after a #NM of its own", trap.vector);
		if (!i && own_nm_at != trap.at)
			wrong("#NM at 0x%lx instead of 0x%lx", (unsigned long)own_nm_at,
			      (unsigned long)trap.at);
		pause_here();
	}
	if (own_nms - before != (uses != 0))
		wrong("%u #NMs by %u uses after TS=1", own_nms - before, uses);
	if (!uses)
		clts();
	trap_handle(VECTOR_NM, NULL);
	if (read_cr0() & CR0_TS)
		wrong("CR0.TS is set again");
}

/* EM=1: x87 #NM, SSE #UD, AVX as ever. */
void own_em(void)
{
	static uint8_t bytes[64] __attribute__((aligned(64)));
	uintptr_t cr0 = read_cr0();

	write_cr0(cr0 | CR0_EM);
	pause_here();
	if (!may_fault()) {
		write_cr0(cr0);
		return;
	}
	TRY("fnstcw %0", : "=m"(bytes) : : "memory");
	if (trap.vector != VECTOR_NM)
		wrong("EM=1, FNSTCW: vector %d", trap.vector);
	TRY("movups %%xmm1, %0", : "=m"(bytes) : : "memory");
	if (trap.vector != VECTOR_UD)
		wrong("EM=1, MOVUPS: vector %d", trap.vector);
	if (fpu_components & FPU_AVX) {
		TRY("vmovdqu %%ymm3, %0", : "=m"(bytes) : : "memory");
		if (trap.vector != NO_TRAP)
			wrong("EM=1, VMOVDQU: vector %d", trap.vector);
	}
	write_cr0(cr0);
}

/* WAIT raises this guest's own pending exception, no other's, and #NM only with TS and MP. */
void wait_for_nothing(void)
{
	uintptr_t cr0 = read_cr0();
	bool ts = below(2), mp = below(2);
	int expected = ts && mp ? VECTOR_NM : x87_pending() ? VECTOR_MF : NO_TRAP;

	write_cr0((cr0 & ~(CR0_TS | CR0_MP)) | (ts ? CR0_TS : 0) | (mp ? CR0_MP : 0));
	/* best with the registers lost to another guest */
	if (below(2) && have_hypercalls())
		yield();
	pause_here();
	if (expected != NO_TRAP && !may_fault()) {
		write_cr0(cr0);
		return;
	}
	TRY("fwait", : : : "memory");
	if (trap.vector != expected)
		wrong("WAIT with TS=%d MP=%d: vector %d instead of %d", ts, mp, trap.vector,
		      expected);
	else if (expected != NO_TRAP && trap.ip != trap.at)
		wrong("WAIT: vector %d at 0x%lx instead of 0x%lx", trap.vector,
		      (unsigned long)trap.ip, (unsigned long)trap.at);
	write_cr0(cr0);
}

USER_CODE(torture_user_nothing, "nop")
USER_CODE(torture_user_privileged, "hlt")
#ifdef __x86_64__
USER_CODE(torture_user_misaligned, "movl 1(%rsp), %eax")
USER_CODE(torture_user_vector, "movups %xmm1, -64(%rsp)")
#else
USER_CODE(torture_user_misaligned, "movl 1(%esp), %eax")
USER_CODE(torture_user_vector, "movups %xmm1, -64(%esp)")
#endif

static void expect_from_user(void (*code)(void), uintptr_t flags, int vector)
{
	user_call(code, flags);
	if (trap.vector != vector)
		wrong("user mode: vector %d instead of %d", trap.vector, vector);
}

static bool nothing(struct frame *frame)
{
	(void)frame;
	return true;
}

/* Exits with a guest's exception in them: #DB and #AC are raised anew by the hypervisor. */
void other_exits(void)
{
	uint8_t text[] = "string";
	const uint8_t *from = text;
	uint8_t *to = text;
	uintptr_t count = 6, cr0 = read_cr0();

	switch (below(7)) {
	case 0:
		asm volatile("rep outsb" : "+S"(from), "+c"(count) : "d"(0x80) : "memory");
		return;
	case 1:
		asm volatile("rep insb" : "+D"(to), "+c"(count) : "d"(0x2000) : "memory");
		return;
	case 2:
		expect_from_user(torture_user_nothing, FLAG_TF, VECTOR_DB);
		return;
	case 3:
		write_cr0(cr0 | CR0_AM);
		expect_from_user(torture_user_misaligned, FLAG_AC, VECTOR_AC);
		write_cr0(cr0);
		return;
	case 4:
		if (may_fault())
			expect_from_user(torture_user_privileged, 0, VECTOR_GP);
		return;
	case 5:
		expect_from_user(torture_user_vector, 0, USER_EXIT_VECTOR);
		return;
	default:
		if (!have_hypercalls())
			return;
		trap_handle(VECTOR_NMI, nothing);
		set_timer(VECTOR_NMI, 1 + below(200));
		yield();
		return;
	}
}

/*
 * An interrupt handler that uses the FPU: saves, fills everything with something else, may be away
 * for long, restores. TS of what it interrupts is put aside.
 */
static struct fpu_registers handlers_own;

static bool interrupt(struct frame *frame)
{
	static uint8_t area[FPU_AREA_SIZE] __attribute__((aligned(64)));
	static unsigned count;
	uintptr_t cr0 = read_cr0();

	(void)frame;
	write_cr0((cr0 | CR0_MP) & ~(CR0_TS | CR0_EM));
	/* FXSAVE heeds no XCR0, nor do SSE instructions */
	if (xcr0_now & FPU_SSE) {
		memset(area + 512, 0, 64);
		asm volatile("xsave" WIDE " %0" : "+m"(area) : "a"(~0u), "d"(~0u) : "memory");
	} else {
		asm volatile("fxsave" WIDE " %0" : "=m"(area) : : "memory");
	}
	fpu_load_all(&handlers_own, fpu_components);
	if ((fpu_components & FPU_AVX) && ((xcr0_all & ~xcr0_now) & FPU_AVX512))
		loose_by_interrupt = true;
	if (++count & 1)
		yield();
	if (xcr0_now & FPU_SSE)
		asm volatile("xrstor" WIDE " %0" : : "m"(area), "a"(~0u), "d"(~0u) : "memory");
	else
		asm volatile("fxrstor" WIDE " %0" : : "m"(area) : "memory");
	write_cr0(cr0);
	return true;
}

void start_interrupts(void)
{
	fpu_pattern(&handlers_own, draw(), draw(), FPU_FULL);
	trap_handle(FPU_TIMER_VECTOR, interrupt);
	trap_handle(VECTOR_NMI, nothing);
}
