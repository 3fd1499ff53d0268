/*
 * Protection keys: SDM Vol. 3A 4.6.2, 2.7. Key 0 is every page's here, so its bits of PKRU stay
 * clear. With `last` it waits until its peers have ended.
 */
#include "exits.h"

#define TIMER_VECTOR 0x40

#define KEY		  1
#define ACCESS_DISABLE(k) (1u << 2 * (k))
#define WRITE_DISABLE(k)  (2u << 2 * (k))

/* Sets CR4.PKE; false, and the check is skipped, without protection keys. */
static bool enable_keys(void)
{
	if (cpuid(0, 0).eax < 7 || !(cpuid(7, 0).ecx & 1u << 3)) {
		skip("no protection keys here");
		return false;
	}
	write_cr4(read_cr4() | CR4_PKE);
	return true;
}

static void disable_keys(void)
{
	wrpkru(0);
	write_cr4(read_cr4() & ~CR4_PKE);
}

static uint8_t area[4096] __attribute__((aligned(64)));

static void xsave_pkru(void)
{
	asm volatile("xsave %0" : "+m"(area) : "a"(XCR0_PKRU), "d"(0) : "memory");
}

static void xrstor_pkru(void)
{
	asm volatile("xrstor %0" : : "m"(area), "a"(XCR0_PKRU), "d"(0) : "memory");
}

static bool awake(struct frame *frame)
{
	(void)frame;
	return true;
}

static void wait_for_all(void)
{
	struct hypercall_stats stats;

	wait_for_peers(option_number("peers", 1));
	if (option("last"))
		need_control();
	get_stats(&stats, 0);
	/* asleep, so that nobody runs between the end of the last peer and its being cleared away
	 */
	trap_handle(TIMER_VECTOR, awake);
	while (option("last") && (stats.vms_running > 1 || stats.vms_settling)) {
		set_timer(TIMER_VECTOR, 500000);
		asm volatile("sti; hlt; cli" : : : "memory");
		get_stats(&stats, 0);
	}
	trap_handle(TIMER_VECTOR, NULL);
}

/*
 * The first to change PKRU in this VM, where others have written their own; by the XSAVE feature
 * set, which does so without CR4.PKE.
 */
static void zero_at_the_start(void)
{
	uint32_t offset, value = 0x12345670, in_use = 0;
	uint64_t all;

	if (!(fpu_components & FPU_XSAVE) || !(cpuid(0xd, 0).eax & XCR0_PKRU)) {
		skip("no PKRU in XCR0 here");
		return;
	}
	wait_for_all();
	all = xgetbv(0);
	offset = cpuid(0xd, 9).ebx;
	xsetbv(0, all | XCR0_PKRU);
	memset(area, 0, sizeof(area));
	xsave_pkru();
	memcpy(&value, area + offset, sizeof(value));
	expect(value == 0, "PKRU is 0x%x at the start", value);

	value = 0x12345670;
	in_use = XCR0_PKRU;
	memcpy(area + offset, &value, sizeof(value));
	memcpy(area + 512, &in_use, sizeof(in_use));
	xrstor_pkru();
	for (unsigned i = 0; i < 4; i++)
		yield();
	memset(area, 0, sizeof(area));
	xsave_pkru();
	memcpy(&value, area + offset, sizeof(value));
	expect(value == 0x12345670, "PKRU is 0x%x instead of 0x12345670", value);
	memset(area, 0, sizeof(area));
	xrstor_pkru();
	xsetbv(0, all);
}

static void ospke_mirrors_cr4(void)
{
	uintptr_t cr4 = read_cr4();

	if (!enable_keys())
		return;
	expect(read_cr4() == (cr4 | CR4_PKE), "CR4 is 0x%lx", (unsigned long)read_cr4());
	expect(cpuid(7, 0).ecx & 1u << 4, "OSPKE is clear with CR4.PKE");
	disable_keys();
	expect(read_cr4() == (cr4 & ~CR4_PKE), "CR4 is 0x%lx", (unsigned long)read_cr4());
	expect(!(cpuid(7, 0).ecx & 1u << 4), "OSPKE is set without CR4.PKE");
	TRY("rdpkru", : : "c"(0) : "eax", "edx", "memory");
	expect_fault("RDPKRU without CR4.PKE", VECTOR_UD);
	TRY("wrpkru", : : "a"(0), "c"(0), "d"(0) : "memory");
	expect_fault("WRPKRU without CR4.PKE", VECTOR_UD);
}

static void kept_across_exits(void)
{
	if (!enable_keys())
		return;
	for (uint32_t value = 0x13579bdc; value; value <<= 4) {
		wrpkru(value & ~3u);
		cpuid(0, 0);
		inb(COM1 + 5);
		wrmsr(MSR_PAT, rdmsr(MSR_PAT));
		clts();
		expect(rdpkru() == (value & ~3u), "PKRU is 0x%x instead of 0x%x", rdpkru(),
		       value & ~3u);
	}
	disable_keys();
}

/* clobber writes its own in every turn. */
static void kept_across_a_switch(void)
{
	if (!enable_keys())
		return;
	wrpkru(0xdeadbee0);
	for (unsigned i = 0; i < 4; i++)
		yield();
	expect(rdpkru() == 0xdeadbee0, "PKRU is 0x%x instead of 0xdeadbee0", rdpkru());
	/* it belongs to the VM, not to CR4.PKE */
	write_cr4(read_cr4() & ~CR4_PKE);
	yield();
	yield();
	write_cr4(read_cr4() | CR4_PKE);
	expect(rdpkru() == 0xdeadbee0, "PKRU is 0x%x after PKE was clear", rdpkru());
	disable_keys();
}

/* Component 9 is where CPUID says, whether CR4.PKE is set or not. */
static void in_the_xsave_area(void)
{
	struct cpuid_result where;
	uint32_t stored;
	uint64_t all;

	if (!(fpu_components & FPU_XSAVE)) {
		skip("no XSAVE here");
		return;
	}
	if (!enable_keys())
		return;
	where = cpuid(0xd, 9);
	all = xgetbv(0);
	expect(where.eax == 8 && where.ebx >= 576 && where.ebx <= sizeof(area) - 8 &&
		       !(where.ecx & 1) && !where.edx,
	       "CPUID.D.9 is 0x%x 0x%x 0x%x 0x%x", where.eax, where.ebx, where.ecx, where.edx);
	xsetbv(0, all | XCR0_PKRU);
	expect(cpuid(0xd, 0).ebx >= where.ebx + 8, "%u bytes with PKRU", cpuid(0xd, 0).ebx);
	wrpkru(0x2468ace0);
	memset(area, 0, sizeof(area));
	xsave_pkru();
	memcpy(&stored, area + where.ebx, sizeof(stored));
	expect(stored == 0x2468ace0, "XSAVE stores 0x%x", stored);
	wrpkru(0);
	write_cr4(read_cr4() & ~CR4_PKE);
	xrstor_pkru();
	if (have_hypercalls()) {
		yield();
		yield();
	}
	write_cr4(read_cr4() | CR4_PKE);
	expect(rdpkru() == 0x2468ace0, "XRSTOR loads 0x%x", rdpkru());
	xsetbv(0, all);
	disable_keys();
}

#ifdef __x86_64__
#define PAGE 0x600000ul

extern uint64_t page_level2[];

static void map(unsigned key, bool user)
{
	page_level2[PAGE >> 21] = PAGE | (user ? 0x87 : 0x83) | (uint64_t)key << 59;
	write_cr3(read_cr3());
}

/* One OUTSB and one INSB, which the hypervisor completes, under a PKRU. -1: no fault. */
static void try_keys(const char *what, uint32_t pkru, int out_error, int in_error)
{
	uintptr_t si = PAGE, di = PAGE;

	wrpkru(pkru);
	TRY("outsb", : "+S"(si) : "d"(0x80) : "memory");
	expect(trap.vector == (out_error < 0 ? NO_TRAP : VECTOR_PF), "%s: OUTSB raises %d", what,
	       trap.vector);
	if (out_error >= 0)
		expect(trap.error == (uintptr_t)out_error && read_cr2() == PAGE,
		       "%s: OUTSB: error code 0x%lx, CR2 0x%lx", what, (unsigned long)trap.error,
		       (unsigned long)read_cr2());
	TRY("insb", : "+D"(di) : "d"(0x2000) : "memory");
	wrpkru(0);
	expect(trap.vector == (in_error < 0 ? NO_TRAP : VECTOR_PF), "%s: INSB raises %d", what,
	       trap.vector);
	if (in_error >= 0)
		expect(trap.error == (uintptr_t)in_error && read_cr2() == PAGE,
		       "%s: INSB: error code 0x%lx, CR2 0x%lx", what, (unsigned long)trap.error,
		       (unsigned long)read_cr2());
}

USER_CODE(user_outsb, "movl $0x600000, %esi; movl $0x80, %edx; outsb")
USER_CODE(user_insb, "movl $0x600000, %edi; movl $0x2000, %edx; insb")

#define IOPL3 0x3000

static void try_user(void (*code)(void), uint32_t pkru, int error)
{
	wrpkru(pkru);
	user_call(code, IOPL3);
	wrpkru(0);
	if (error < 0)
		expect(trap.vector == USER_EXIT_VECTOR, "PKRU 0x%x: raises %d", pkru, trap.vector);
	else
		expect(trap.vector == VECTOR_PF && trap.error == (uintptr_t)error,
		       "PKRU 0x%x: vector %d, error code 0x%lx", pkru, trap.vector,
		       (unsigned long)trap.error);
}

static void string_io_obeys_keys(void)
{
	uintptr_t cr0 = read_cr0();
	uint32_t no_access = ACCESS_DISABLE(KEY), no_write = WRITE_DISABLE(KEY);

	if (!enable_keys())
		return;
	map(KEY, true);
	write_cr0(cr0 | CR0_WP);
	try_keys("all allowed", ~(no_access | no_write) & ~3u, -1, -1);
	try_keys("no access", no_access, 0x21, 0x23);
	try_keys("no write", no_write, -1, 0x23);
	try_user(user_outsb, no_access, 0x25);
	try_user(user_insb, no_write, 0x27);
	try_user(user_outsb, no_write, -1);
	write_cr0(cr0 & ~CR0_WP);
	try_keys("no access, WP=0", no_access, 0x21, 0x23);
	try_keys("no write, WP=0", no_write, -1, -1);
	try_user(user_insb, no_write, 0x27);
	write_cr0(cr0 | CR0_WP);
	map(KEY, false);
	try_keys("a supervisor page", no_access | no_write, -1, -1);
	map(15, true);
	try_keys("key 15", 0x40000000, 0x21, 0x23);
	try_keys("not key 15", 0x3ffffffc, -1, -1);
	wrpkru(ACCESS_DISABLE(15));
	write_cr4(read_cr4() & ~CR4_PKE);
	TRY("outsb", : : "S"(PAGE), "d"(0x80) : "memory");
	expect_fault("OUTSB without CR4.PKE", NO_TRAP);
	write_cr4(read_cr4() | CR4_PKE);
	map(0, true);
	write_cr0(cr0);
	disable_keys();
}
#else
static void string_io_obeys_keys(void)
{
	skip("64-bit only");
}
#endif

const struct check pkru_checks[] = {
	{"pkru-zero-at-the-start", zero_at_the_start, NEEDS_HYPERCALL},
	{"pkru-ospke-mirrors-cr4", ospke_mirrors_cr4, 0},
	{"pkru-kept-across-exits", kept_across_exits, 0},
	{"pkru-kept-across-a-switch", kept_across_a_switch, NEEDS_HYPERCALL},
	{"pkru-in-the-xsave-area", in_the_xsave_area, NEEDS_HYPERCALL},
	{"pkru-string-io-obeys-keys", string_io_obeys_keys, NEEDS_HYPERCALL},
};
const size_t pkru_check_count = ARRAY_SIZE(pkru_checks);
