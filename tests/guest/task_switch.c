/*
 * Hardware task switches, by every way there is, and what goes wrong in them. SDM Vol. 3A chapter
 * 8. The same on a CPU alone, which makes them itself, and in a VM, where they are made for it.
 * topic=LIST runs whole tables, only=LIST some checks; other words: DEFECT_ in task_switch.h.
 */
#include "task_switch.h"

const char guest_name[] = "task-switch";

#ifdef __x86_64__
/* IA-32e mode has none. */
static void far_jump(void)
{
	static const struct {
		uint32_t offset;
		uint16_t selector;
	} __attribute__((packed)) target = {0, SEL_TSS};

	TRY("ljmpl *%0", : : "m"(target) : "memory");
	expect(trap.vector == VECTOR_GP && trap.error == SEL_TSS, "vector %d, error code 0x%lx",
	       trap.vector, trap.error);
}

static void gate_in_idt(void)
{
	struct gate before = idt[0x70];

	idt[0x70] = (struct gate){.selector = SEL_TSS, .type = 0x85};
	TRY("int $0x70", : : : "memory");
	expect(trap.vector == VECTOR_GP && trap.error == 0x70 * 8 + 2,
	       "vector %d, error code 0x%lx", trap.vector, trap.error);
	idt[0x70] = before;
}

static void nested_return(void)
{
	TRY_AFTER("pushfq; orl $0x4000, (%%rsp); popfq", "iretq", : : : "memory", "cc");
	asm volatile("pushfq; andl $~0x4000, (%%rsp); popfq" : : : "memory", "cc");
	expect(trap.vector == VECTOR_GP && trap.error == 0, "vector %d, error code 0x%lx",
	       trap.vector, trap.error);
}

static const struct check checks[] = {
	{"far-jump", far_jump, 0},
	{"gate-in-idt", gate_in_idt, 0},
	{"nested-return", nested_return, 0},
};

int guest_main(void)
{
	run_checks(checks, ARRAY_SIZE(checks), "only");
	return report_end();
}
#else
uint64_t table[TABLE_ENTRIES] __attribute__((aligned(4096)));
uint64_t ldt[4] __attribute__((aligned(4096)));
struct task32 main_task __attribute__((aligned(4096)));
struct task32 other_task __attribute__((aligned(4096)));
struct task32 third_task __attribute__((aligned(4096)));
struct task16 task16 __attribute__((aligned(4096)));

volatile struct seen seen, seen_third;
volatile enum task_work work;
volatile uint32_t task_error, nested16;
volatile struct task_trap task_trap;

static uint8_t other_stack[8192] __attribute__((aligned(4096)));
static uint8_t third_stack[8192] __attribute__((aligned(4096)));
static uint8_t handler_stack[8192] __attribute__((aligned(4096)));
static struct gate first_idt[256];

__attribute__((used)) int task_body(const uint32_t *registers);

/*
 * A task's code, which it executes anew whenever it is entered. Behind a 16-bit TSS it is at the
 * beginning of a segment of its own, since IP has 16 bits; the upper half of ESP is not its own.
 */
asm(".pushsection .text\n"
    ".globl entry16, entry16_error, task_entry, task_entry_error\n"
    "entry16_error:\n"
    "	popw task_error\n"
    "	jmp 1f\n"
    "entry16:\n"
    "1:	movzwl %sp, %esp\n"
    "	cmpl $0, nested16\n"
    "	je 2f\n"
    "	movl $0, nested16\n"
    "	lcall $0x70, $0xf4f4f4f4\n" /* SEL_THIRD */
    "	movzwl %sp, %esp\n"
    "2:	ljmp $0x08, $task_entry\n" /* SEL_CODE32 */
    "task_entry_error:\n"
    "	popl task_error\n"
    "task_entry:\n"
    "	pushal\n"
    "	pushl %esp\n"
    "	cld\n"
    "	call task_body\n"
    "	addl $4, %esp\n"
    "	cmpl $1, %eax\n"
    "	je 3f\n"
    "	popal\n"
    "	iretl\n"
    "	jmp task_entry\n"
    "3:	popal\n"
    "	ljmp $0x60, $0xf4f4f4f4\n" /* SEL_MAIN */
    "	jmp task_entry\n"
    ".popsection");

#define READ_SEGMENT(name)                                                                         \
	({                                                                                         \
		uint16_t selector;                                                                 \
		asm volatile("mov %%" name ", %0" : "=r"(selector));                               \
		selector;                                                                          \
	})

static uint16_t read_ldtr(void)
{
	uint16_t selector;

	asm volatile("sldt %0" : "=r"(selector));
	return selector;
}

static void look(volatile struct seen *s, const uint32_t *registers)
{
	s->count++;
	for (unsigned i = 0; i < 8; i++)
		s->registers[i] = registers[i];
	s->flags = read_flags();
	s->error = task_error;
	s->cr0 = smsw();
	s->es = READ_SEGMENT("es");
	s->cs = READ_SEGMENT("cs");
	s->ss = READ_SEGMENT("ss");
	s->ds = READ_SEGMENT("ds");
	s->fs = READ_SEGMENT("fs");
	s->gs = READ_SEGMENT("gs");
	s->tr = read_tr();
	s->ldt = read_ldtr();
	s->type = type_of(s->tr);
	s->main_type = type_of(SEL_MAIN);
	s->link = s->tr == SEL_OTHER   ? other_task.link
		  : s->tr == SEL_THIRD ? third_task.link
				       : task16.link;
	s->main_eip = main_task.eip;
	s->main_flags = main_task.eflags;
	if (s->cs & 3)
		return;
	s->cr3 = read_cr3();
	s->dr7 = read_dr7();
}

/* 1: it goes back by a jump. */
int task_body(const uint32_t *registers)
{
	bool third = read_tr() == SEL_THIRD;

	look(third ? &seen_third : &seen, registers);
	if (third)
		return 0;
	switch (work) {
	case WORK_RETURN:
		break;
	case WORK_JUMP:
		return 1;
	case WORK_CALL_THIRD:
		call_task(SEL_THIRD);
		break;
	case WORK_MEND:
		main_task.eip += 2;
		break;
	case WORK_READ_WINDOW:
		seen.value = *(volatile uint32_t *)WINDOW;
		break;
	case WORK_WAIT_NMI:
		work = WORK_RETURN;
		set_timer(VECTOR_NMI, 20);
		for (unsigned i = 0; i < 300; i++)
			cpuid(0, 0);
		seen.value = seen.count;
		break;
	}
	return 0;
}

uint64_t descriptor(uint32_t base, uint32_t limit, uint16_t rights)
{
	return (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 |
	       (uint64_t)(rights & 0xf0ff) << 40 | (uint64_t)(limit >> 16 & 0xf) << 48 |
	       (uint64_t)(base >> 24) << 56;
}

uint8_t type_of(uint16_t selector)
{
	return ((const volatile uint8_t *)table)[(selector & ~7u) + 5];
}

void gate_to(unsigned vector, uint16_t selector)
{
	idt[vector] = (struct gate){.selector = selector, .type = 0x85};
}

void call_task(uint16_t selector)
{
	struct {
		uint32_t offset; /* means nothing: HLTs */
		uint16_t selector;
	} __attribute__((packed)) target = {0xf4f4f4f4, selector};

	asm volatile("lcall *%0" : : "m"(target) : "memory", "cc");
}

void jump_to_task(uint16_t selector)
{
	struct {
		uint32_t offset;
		uint16_t selector;
	} __attribute__((packed)) target = {0xf4f4f4f4, selector};

	asm volatile("ljmp *%0" : : "m"(target) : "memory", "cc");
}

static void set_task(struct task32 *task, uint8_t *stack)
{
	*task = (struct task32){
		.esp0 = (uintptr_t)handler_stack + sizeof(handler_stack) - 64,
		.ss0 = SEL_DATA,
		.cr3 = read_cr3(),
		.eip = (uintptr_t)task_entry,
		.eflags = 2,
		.esp = (uintptr_t)stack,
		.es = SEL_DATA,
		.cs = SEL_CODE,
		.ss = SEL_DATA,
		.ds = SEL_DATA,
		.fs = SEL_DATA,
		.gs = SEL_DATA,
		.io_map = sizeof(*task),
	};
}

static void set_task16(void)
{
	task16 = (struct task16){
		.flags = 2,
		.sp0 = STACK16 - 0x800,
		.ss0 = SEL_DATA16,
		.sp = STACK16,
		.es = SEL_DATA,
		.cs = SEL_CODE_BASED,
		.ss = SEL_DATA16,
		.ds = SEL_DATA,
	};
}

/* Back to the main task, which goes on behind the switch, or at what was interrupted. */
static bool trap_in_task(struct frame *frame)
{
	if (read_tr() == SEL_MAIN)
		return false;
	task_trap.vector = (int)frame->vector;
	task_trap.error = frame->error;
	task_trap.ip = frame->ip;
	task_trap.cs = frame->cs;
	task_trap.flags = frame->flags;
	task_trap.ax = frame->ax;
	task_trap.dr6 = read_dr6();
	task_trap.tr = read_tr();
	task_trap.main_type = type_of(SEL_MAIN);
	table[SEL_MAIN / 8] &= ~((uint64_t)BUSY << 40);
	if (work == WORK_MEND)
		main_task.eip += 2;
	jump_to_task(SEL_MAIN);
	return true;
}

void prepare(void)
{
	memcpy(idt, first_idt, sizeof(idt));
	memset((void *)&seen, 0, sizeof(seen));
	memset((void *)&seen_third, 0, sizeof(seen_third));
	memset((void *)&task_trap, 0, sizeof(task_trap));
	task_trap.vector = NO_TRAP;
	task_error = nested16 = 0;
	work = WORK_RETURN;
	memcpy(table, gdt, GDT_BYTES);
	table[SEL_MAIN / 8] = descriptor((uintptr_t)&main_task, sizeof(main_task) - 1, 0x8b);
	table[SEL_OTHER / 8] = descriptor((uintptr_t)&other_task, sizeof(other_task) - 1, 0x89);
	table[SEL_THIRD / 8] = descriptor((uintptr_t)&third_task, sizeof(third_task) - 1, 0x89);
	table[SEL_TASK16 / 8] = descriptor((uintptr_t)&task16, sizeof(task16) - 1, 0x81);
	table[SEL_TASK_GATE / 8] = (uint64_t)SEL_OTHER << 16 | 0x85ull << 40;
	table[SEL_LDT / 8] = descriptor((uintptr_t)ldt, sizeof(ldt) - 1, 0x82);
	table[SEL_ANY / 8] = descriptor(0, 0xfffff, 0xc093);
	table[SEL_CODE_BASED / 8] = descriptor((uintptr_t)entry16_error, 0xffff, 0x409b);
	table[SEL_CONFORMING / 8] = descriptor(0, 0xfffff, 0xc09f);
	set_task(&main_task, NULL);
	set_task(&other_task, other_stack + sizeof(other_stack) - 64);
	set_task(&third_task, third_stack + sizeof(third_stack) - 64);
	set_task16();
	clts();
	write_dr7(0x400);
	write_dr6(0xffff0ff0);
}

int guest_main(void)
{
	static const unsigned vectors[] = {
		VECTOR_DB, VECTOR_UD, VECTOR_DF, VECTOR_TS,
		VECTOR_NP, VECTOR_SS, VECTOR_GP, VECTOR_PF,
	};
	const struct descriptor_pointer pointer = {sizeof(table) - 1, (uintptr_t)table};
	const struct topic topics[] = {
		{"switch", switch_checks, switch_check_count},
		{"event", event_checks, event_check_count},
		{"fault", fault_checks, fault_check_count},
		{"memory", memory_checks, memory_check_count},
	};

	memcpy(first_idt, idt, sizeof(idt));
	prepare();
	asm volatile("lgdt %0" : : "m"(pointer));
	table[SEL_MAIN / 8] &= ~((uint64_t)BUSY << 40);
	asm volatile("ltr %w0" : : "r"(SEL_MAIN));
	for (unsigned i = 0; i < ARRAY_SIZE(vectors); i++)
		trap_handle(vectors[i], trap_in_task);
	run_topics(topics, ARRAY_SIZE(topics));
	return report_end();
}
#endif
