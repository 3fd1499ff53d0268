#include "trap.h"

struct tss {
#ifdef __x86_64__
	uint32_t reserved0;
	uint64_t rsp0, rsp1, rsp2, reserved1, ist[7], reserved2;
	uint16_t reserved3, io_map;
#else
	uint32_t link, esp0, ss0, others[22];
	uint16_t trap, io_map;
#endif
} __attribute__((packed));

struct trap trap;
uint32_t trap_at, trap_resume;
struct gate idt[256] __attribute__((aligned(16)));

static trap_handler *handlers[256];
static struct tss tss __attribute__((aligned(128)));
static char user_stack[8192] __attribute__((aligned(16)));
static char entry_stack[16384] __attribute__((aligned(16)));
static bool in_user_call;

extern char trap_entries[];
void user_enter(uintptr_t code, uintptr_t stack, uintptr_t flags);
void user_unwind(void) __attribute__((noreturn));
void trap_dispatch(struct frame *frame);

void trap_begin(void)
{
	trap = (struct trap){.vector = NO_TRAP};
}

void trap_end(void)
{
	trap.at = trap_at;
}

void trap_handle(unsigned vector, trap_handler *handler)
{
	handlers[vector] = handler;
}

static void record(const struct frame *frame)
{
	trap.vector = (int)frame->vector;
	trap.error = frame->error;
	trap.ip = frame->ip;
	trap.cs = frame->cs;
	trap.flags = frame->flags;
	trap.ax = frame->ax;
}

void trap_dispatch(struct frame *frame)
{
	unsigned vector = frame->vector & 0xff;

	if (handlers[vector] && handlers[vector](frame))
		return;
	if (in_user_call && (frame->cs & 3) == 3) {
		record(frame);
		in_user_call = false;
		user_unwind();
	}
	if (trap_resume) {
		record(frame);
		frame->ip = trap_resume;
		frame->flags &= ~(uintptr_t)FLAG_TF;
		trap_resume = 0;
		return;
	}
	print("FAIL unexpected: vector %u error 0x%lx at 0x%lx:0x%lx flags 0x%lx cr2 0x%lx\n",
	      vector, (unsigned long)frame->error, (unsigned long)frame->cs,
	      (unsigned long)frame->ip, (unsigned long)frame->flags, (unsigned long)read_cr2());
	report_fail("unexpected-exception", "vector %u", vector);
	guest_exit(report_end());
}

void user_call(void (*code)(void), uintptr_t flags)
{
	trap_begin();
	in_user_call = true;
	user_enter((uintptr_t)code, (uintptr_t)user_stack + sizeof(user_stack) - 64, flags | 2);
}

void trap_set_ist(unsigned n, uintptr_t top)
{
#ifdef __x86_64__
	tss.ist[n - 1] = top;
#else
	(void)n;
	(void)top;
#endif
}

void load_gdt_and_idt(void)
{
	struct descriptor_pointer idt_pointer = {sizeof(idt) - 1, (uintptr_t)idt};

	asm volatile("lgdt %0" : : "m"(gdt_pointer));
	asm volatile("lidt %0" : : "m"(idt_pointer));
}

void trap_init(void)
{
	uintptr_t base = (uintptr_t)&tss;

	for (unsigned i = 0; i < 256; i++) {
		uintptr_t entry = (uintptr_t)trap_entries + 16 * i;

		idt[i] = (struct gate){
			.offset_low = (uint16_t)entry,
			.selector = SEL_CODE,
			.type = i == VECTOR_BP || i == USER_EXIT_VECTOR ? 0xee : 0x8e,
			.offset_middle = (uint16_t)(entry >> 16),
		};
	}
#ifdef __x86_64__
	tss.rsp0 = (uintptr_t)entry_stack + sizeof(entry_stack);
#else
	tss.esp0 = (uintptr_t)entry_stack + sizeof(entry_stack);
	tss.ss0 = SEL_DATA;
#endif
	tss.io_map = sizeof(tss);
	gdt[SEL_TSS / 8] = (sizeof(tss) - 1) | (uint64_t)(base & 0xffffff) << 16 | 0x89ull << 40 |
			   (uint64_t)(base >> 24 & 0xff) << 56;
	gdt[SEL_TSS / 8 + 1] = (uint64_t)base >> 32;
	load_gdt_and_idt();
	asm volatile("ltr %w0" : : "r"(SEL_TSS));
}
