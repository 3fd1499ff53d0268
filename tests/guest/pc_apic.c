/* The local APIC by its page: registers, priorities, self-IPIs. SDM Vol. 3A chapter 10. */
#include "pc.h"

static void base(void)
{
	uint64_t value;

	begin();
	value = rdmsr(MSR_APIC_BASE);
	expect(value == (APIC | APIC_BASE_BSP | APIC_BASE_ON), "0x%lx", (unsigned long)value);
	TRY("wrmsr", : : "c"(MSR_APIC_BASE), "a"(APIC | APIC_BASE_ON | 1), "d"(0) : "memory");
	expect(trap.vector == VECTOR_GP, "a reserved bit: vector %d", trap.vector);
	TRY("wrmsr", : : "c"(MSR_APIC_BASE), "a"(APIC | APIC_BASE_X2APIC), "d"(0) : "memory");
	expect(trap.vector == VECTOR_GP, "x2APIC without the enable bit: vector %d", trap.vector);
	expect(rdmsr(MSR_APIC_BASE) == value, "it has changed");
}

static void identity(void)
{
	uint32_t version;

	begin();
	version = apic_read(APIC_VERSION);
	expect(apic_read(APIC_ID) == 0, "ID 0x%x", apic_read(APIC_ID));
	expect((version & 0xff) >= 0x14 && (version & 0xff) <= 0x15, "version 0x%x", version);
	expect((version >> 16 & 0xff) >= 5, "%u local vectors", (version >> 16 & 0xff) + 1);
}

#define STORE(instruction, ...) asm volatile(instruction : : __VA_ARGS__ : "memory", "cc")
#define WRITTEN(value)                                                                             \
	expect(apic_read(APIC_TPR) == (value), "TPR 0x%x instead of 0x%x", apic_read(APIC_TPR),    \
	       (unsigned)(value))

/* Moves to and from memory of every form that there is for 32 bits. */
static void forms(void)
{
	const uintptr_t tpr = APIC + APIC_TPR;
	uintptr_t value;

	begin();
	STORE("movl %0, (%1)", "r"(0x10), "r"(tpr));
	WRITTEN(0x10);
	STORE("movl $0x20, (%0)", "r"(tpr));
	WRITTEN(0x20);
	STORE("movl $0x30, 0x80(%0,%1,8)", "r"((uintptr_t)APIC - 0x100), "r"((uintptr_t)0x20));
	WRITTEN(0x30);
#ifdef __x86_64__
	STORE("movabsl %%eax, 0xfee00080", "a"(0x40));
	WRITTEN(0x40);
	asm volatile("movabsl 0xfee00080, %%eax" : "=a"(value) : : "memory");
	expect(value == 0x40, "by MOVABS 0x%lx", (unsigned long)value);
	asm volatile("movl $0x50, %%r13d; movl %%r13d, (%0)" : : "r"(tpr) : "memory", "r13");
	WRITTEN(0x50);
#else
	STORE("movl %%eax, 0xfee00080", "a"(0x40));
	WRITTEN(0x40);
	asm volatile("movl 0xfee00080, %%eax" : "=a"(value) : : "memory");
	expect(value == 0x40, "by MOV from an offset 0x%lx", (unsigned long)value);
	STORE("movl %k0, (%1)", "r"(0x50), "r"(tpr));
	WRITTEN(0x50);
#endif
	asm volatile("movl (%1), %k0" : "=r"(value) : "r"(tpr) : "memory");
	expect(value == 0x50, "by MOV 0x%lx", (unsigned long)value);
	STORE("orl $0x20, (%0)", "r"(tpr));
	WRITTEN(0x70);
	STORE("andl %0, (%1)", "r"(0x60), "r"(tpr));
	WRITTEN(0x60);
	STORE("movl %0, (%1); addl $0, (%1)", "r"(0), "r"(tpr));
	WRITTEN(0);
}

static void priorities(void)
{
	begin();
	expect(apic_read(APIC_PPR) == 0, "PPR 0x%x", apic_read(APIC_PPR));
	apic_write(APIC_TPR, 0x35);
	expect(apic_read(APIC_TPR) == 0x35, "TPR 0x%x", apic_read(APIC_TPR));
	expect(apic_read(APIC_PPR) == 0x35, "PPR 0x%x instead of 0x35", apic_read(APIC_PPR));
	apic_write(APIC_TPR, 0);
}

static struct {
	bool irr, isr;
	uint32_t ppr;
} inside;

static void look_inside(unsigned vector)
{
	inside.irr = apic_bit(APIC_IRR, vector);
	inside.isr = apic_bit(APIC_ISR, vector);
	inside.ppr = apic_read(APIC_PPR);
}

static void self_ipi(void)
{
	begin();
	in_handler = look_inside;
	apic_send_to_self(VECTOR_B);
	expect(apic_bit(APIC_IRR, VECTOR_B), "IF=0: not in IRR");
	expect(!apic_bit(APIC_ISR, VECTOR_B), "IF=0: in ISR");
	expect(!arrived[VECTOR_B], "it came with IF=0");
	await(VECTOR_B, 1);
	expect(!inside.irr && inside.isr, "in its handler IRR %d, ISR %d", inside.irr, inside.isr);
	expect(CLASS(inside.ppr) == CLASS(VECTOR_B), "in its handler PPR 0x%x", inside.ppr);
	expect(!apic_bit(APIC_ISR, VECTOR_B), "in ISR after EOI");
	expect(!apic_bit(APIC_TMR, VECTOR_B), "in TMR");
	expect(apic_read(APIC_PPR) == 0, "PPR 0x%x after EOI", apic_read(APIC_PPR));
	expect(arrived[VECTOR_B] == 1, "it came %u times", arrived[VECTOR_B]);
}

/* By each way in which the destination is this CPU. */
static void destinations(void)
{
	begin();
	apic_write(APIC_ICR_HIGH, 0);
	apic_write(APIC_ICR, VECTOR_A);
	await(VECTOR_A, 1);
	apic_write(APIC_ICR_HIGH, 0x01000000);
	apic_write(APIC_ICR, ICR_LOGICAL | VECTOR_B);
	await(VECTOR_B, 1);
	apic_write(APIC_ICR, ICR_ALL | VECTOR_C);
	await(VECTOR_C, 1);
	apic_write(APIC_ICR_HIGH, 0xff000000);
	apic_write(APIC_ICR, VECTOR_D);
	await(VECTOR_D, 1);
	expect(!(apic_read(APIC_ICR) & 0x1000), "delivery is pending");
	apic_write(APIC_ICR_HIGH, 0x02000000);
	apic_write(APIC_ICR, ICR_LOGICAL | VECTOR_D);
	expect(!apic_bit(APIC_IRR, VECTOR_D), "one to nobody is here");
}

static volatile unsigned sequence[8], sequence_length;

/* A spurious one comes where what was to be delivered must not be any more: any time. */
static void note(unsigned vector)
{
	if (vector % 1000 != VECTOR_SPUR && sequence_length < ARRAY_SIZE(sequence))
		sequence[sequence_length++] = vector;
}

/* In the first one's handler: one of its class, which waits, and one above, which does not. */
static void send_others(unsigned vector)
{
	note(vector);
	if (vector == VECTOR_B) {
		apic_send_to_self(VECTOR_C);
		apic_send_to_self(VECTOR_D);
		apic_send_to_self(VECTOR_A);
		sti();
		asm volatile("nop; nop; nop");
		cli();
	}
	note(vector + 1000);
}

static void preemption(void)
{
	static const unsigned wanted[] = {VECTOR_B,	   VECTOR_D,	   VECTOR_D + 1000,
					  VECTOR_B + 1000, VECTOR_C,	   VECTOR_C + 1000,
					  VECTOR_A,	   VECTOR_A + 1000};

	begin();
	sequence_length = 0;
	in_handler = send_others;
	apic_send_to_self(VECTOR_B);
	await(VECTOR_A, 1);
	for (unsigned i = 0; i < ARRAY_SIZE(wanted); i++)
		expect(sequence[i] == wanted[i], "%u. is %u instead of %u", i, sequence[i],
		       wanted[i]);
}

static void highest_first(void)
{
	static const unsigned wanted[] = {VECTOR_D, VECTOR_C, VECTOR_B, VECTOR_A};

	begin();
	sequence_length = 0;
	in_handler = note;
	apic_send_to_self(VECTOR_A);
	apic_send_to_self(VECTOR_C);
	apic_send_to_self(VECTOR_D);
	apic_send_to_self(VECTOR_B);
	await(VECTOR_A, 1);
	for (unsigned i = 0; i < ARRAY_SIZE(wanted); i++)
		expect(sequence[i] == wanted[i], "%u. is 0x%x instead of 0x%x", i, sequence[i],
		       wanted[i]);
}

static void task_priority(void)
{
	begin();
	apic_write(APIC_TPR, CLASS(VECTOR_B));
	apic_send_to_self(VECTOR_B);
	apic_send_to_self(VECTOR_A);
	expect_none(VECTOR_B, "of the task's class");
	expect(apic_bit(APIC_IRR, VECTOR_B), "it is not in IRR");
	apic_send_to_self(VECTOR_D);
	await(VECTOR_D, 1);
	sti();
	apic_write(APIC_TPR, CLASS(VECTOR_B) - 1);
	asm volatile("nop");
	cli();
	expect(arrived[VECTOR_B] == 1, "lowered, it came %u times", arrived[VECTOR_B]);
	expect(!arrived[VECTOR_A], "one below it came");
	apic_write(APIC_TPR, 0);
	await(VECTOR_A, 1);
}

#ifdef __x86_64__
static void cr8(void)
{
	begin();
	write_cr8(CLASS(VECTOR_B) >> 4);
	expect(apic_read(APIC_TPR) == CLASS(VECTOR_B), "TPR 0x%x", apic_read(APIC_TPR));
	apic_send_to_self(VECTOR_B);
	expect_none(VECTOR_B, "masked by CR8");
	sti();
	write_cr8(0);
	asm volatile("nop");
	cli();
	expect(arrived[VECTOR_B] == 1, "CR8 lowered, it came %u times", arrived[VECTOR_B]);
	apic_write(APIC_TPR, 0x5a);
	expect(read_cr8() == 5, "CR8 is %lu", (unsigned long)read_cr8());
	apic_write(APIC_TPR, 0);
}
#endif

static volatile unsigned nmis;

static bool nmi_handler(struct frame *frame)
{
	(void)frame;
	nmis++;
	return true;
}

static void nmi_to_self(void)
{
	begin();
	nmis = 0;
	trap_handle(VECTOR_NMI, nmi_handler);
	apic_write(APIC_ICR_HIGH, 0);
	apic_write(APIC_ICR, ICR_NMI);
	asm volatile("nop; nop");
	expect(nmis == 1, "%u NMIs", nmis);
	trap_handle(VECTOR_NMI, NULL);
}

/* To the CPU itself: the machine starts again. */
void send_init(void)
{
	begin();
	apic_write(APIC_ICR_HIGH, 0);
	apic_write(APIC_ICR, ICR_INIT);
	print("FAIL init: it goes on\n");
	guest_exit(1);
}

static void errors(void)
{
	begin();
	apic_write(APIC_ESR, 0);
	apic_write(APIC_ESR, 0);
	expect(apic_read(APIC_ESR) == 0, "ESR 0x%x", apic_read(APIC_ESR));
	if (has_defect(DEFECT_APIC_ILLEGAL))
		return;
	apic_write(APIC_LVT_ERROR, VECTOR_A);
	apic_send_to_self(3);
	await(VECTOR_A, 1);
	apic_write(APIC_ESR, 0);
	expect(apic_read(APIC_ESR) & 0x20, "an illegal vector sent: ESR 0x%x", apic_read(APIC_ESR));
	apic_write(APIC_ESR, 0);
	apic_write(APIC_ESR, 0);
	expect(apic_read(APIC_ESR) == 0, "ESR 0x%x afterwards", apic_read(APIC_ESR));
}

/* Software-disabled: fixed interrupts are not accepted, and the local vectors stay masked. */
static void software_disabled(void)
{
	begin();
	apic_write(APIC_SVR, VECTOR_SPUR);
	apic_write(APIC_LVT_TIMER, VECTOR_A);
	expect(apic_read(APIC_LVT_TIMER) & LVT_MASKED, "a vector is not masked");
	if (has_defect(DEFECT_APIC_DISABLED))
		return;
	apic_send_to_self(VECTOR_B);
	expect_none(VECTOR_B, "disabled");
	apic_write(APIC_SVR, 0x100 | VECTOR_SPUR);
	expect_none(VECTOR_B, "enabled again");
}

static void switched_off(void)
{
	if (has_defect(DEFECT_APIC_OFF))
		return;
	begin();
	apic_set_base(0);
	expect(!(cpuid(1, 0).edx & BIT(9)), "off: CPUID shows it");
	expect(apic_read(APIC_VERSION) == 0xffffffff, "off: the page reads 0x%x",
	       apic_read(APIC_VERSION));
	apic_set_base(APIC_BASE_ON);
	expect(cpuid(1, 0).edx & BIT(9), "on: CPUID does not show it");
	expect((apic_read(APIC_VERSION) & 0xff) != 0xff, "on: the page is not there");
	expect(apic_read(APIC_SVR) == 0xff, "on again: SVR 0x%x", apic_read(APIC_SVR));
	apic_write(APIC_SVR, 0x100 | VECTOR_SPUR);
	apic_send_to_self(VECTOR_B);
	await(VECTOR_B, 1);
}

#define ELSEWHERE 0xd8000000u

static void moved(void)
{
	uint32_t version;

	begin();
	version = apic_read(APIC_VERSION);
	wrmsr(MSR_APIC_BASE, ELSEWHERE | APIC_BASE_BSP | APIC_BASE_ON);
	expect(read32(ELSEWHERE + APIC_VERSION) == version, "there: 0x%x",
	       read32(ELSEWHERE + APIC_VERSION));
	expect(apic_read(APIC_VERSION) == 0xffffffff, "where it was: 0x%x",
	       apic_read(APIC_VERSION));
	write32(ELSEWHERE + APIC_ICR, ICR_SELF | VECTOR_B);
	apic_set_base(APIC_BASE_ON);
	await(VECTOR_B, 1);
}

const struct check pc_apic_checks[] = {
	{"apic-base", base, 0},
	{"apic-identity", identity, 0},
	{"apic-forms", forms, 0},
	{"apic-priorities", priorities, 0},
	{"apic-self-ipi", self_ipi, 0},
	{"apic-destinations", destinations, 0},
	{"apic-preemption", preemption, 0},
	{"apic-highest-first", highest_first, 0},
	{"apic-task-priority", task_priority, 0},
#ifdef __x86_64__
	{"apic-cr8", cr8, 0},
#endif
	{"apic-nmi-to-self", nmi_to_self, 0},
	{"apic-errors", errors, 0},
	{"apic-software-disabled", software_disabled, 0},
	{"apic-switched-off", switched_off, 0},
	{"apic-moved", moved, 0},
};
const size_t pc_apic_check_count = ARRAY_SIZE(pc_apic_checks);
