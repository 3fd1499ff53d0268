#include "boot/apic.h"
#include "boot/cpu.h"
#include "boot/fault.h"
#include "boot/layout.h"
#include "boot/machine_check.h"
#include "boot/pic.h"
#include "boot/stop.h"
#include "boot/stray.h"
#include "boot/trap.h"
#include "boot/trap_frame.h"
#include "boot/vectors.h"
#include "lib/console.h"
#include "lib/x86.h"

struct idt_gate {
	uint16_t offset_low;
	uint16_t selector;
	uint8_t ist;
	uint8_t type;
	uint16_t offset_middle;
	uint32_t offset_high;
	uint32_t reserved;
};

struct descriptor_pointer {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

#define GATE_INTERRUPT 0x8e /* present, DPL 0, 64-bit interrupt gate */
#define STUB_SIZE      16

extern char vector_stubs[];

/* The same for all CPUs; written once, before the first CPU loads it. */
static struct idt_gate idt[256] __attribute__((aligned(16)));

/*
 * Stretches of code that an NMI must not slip past unseen (the last steps before a VM entry,
 * vmx/entry.S, or a halt, boot/halt.S): it resumes at `recover` instead of where it struck.
 */
extern const struct nmi_window {
	uint64_t start, end, recover;
} nmi_windows[], nmi_windows_end[];

/*
 * Instructions that may raise #GP or #UD, and where to go on: rdmsr_if_present() of lib/x86.h, and
 * those on an image of fpu/instructions.S.
 */
extern const struct fixup {
	uint64_t faults, recover;
} fixups[], fixups_end[];

static uint8_t ist_of(unsigned int vector)
{
	switch (vector) {
	case VECTOR_NMI:
		return IST_NMI;
	case VECTOR_DF:
		return IST_DOUBLE_FAULT;
	case VECTOR_MC:
		return IST_MACHINE_CHECK;
	default:
		return vector < 32 ? IST_FAULT : 0;
	}
}

void trap_init(void)
{
	for (unsigned int vector = 0; vector < 256; vector++) {
		uint64_t stub = (uint64_t)vector_stubs + vector * STUB_SIZE;

		idt[vector] = (struct idt_gate){
			.offset_low = stub & 0xffff,
			.offset_middle = stub >> 16 & 0xffff,
			.offset_high = stub >> 32,
			.selector = SELECTOR_CODE,
			.ist = ist_of(vector),
			.type = GATE_INTERRUPT,
		};
	}
}

void trap_init_cpu(void)
{
	struct descriptor_pointer idtr = {sizeof(idt) - 1, (uint64_t)idt};

	__asm__ volatile("lidt %0" : : "m"(idtr));
}

void interrupt_handle(uint8_t vector)
{
	this_cpu()->interrupt_count++;
	if (apic_in_service(vector)) {
		if (vector == VECTOR_APIC_TIMER)
			this_cpu()->timer_deadline = 0;
		else
			stray_apic(vector);
		apic_end_of_interrupt();
	} else if (vector >= VECTOR_PIC_FIRST && vector < VECTOR_PIC_FIRST + 16) {
		unsigned int irq = vector - VECTOR_PIC_FIRST;

		if (!pic_spurious(irq)) {
			if (pic_asked_for(irq))
				this_cpu()->pit_interrupt_count++;
			else
				stray_pic(irq);
			pic_end_of_interrupt(irq);
		}
	}
}

/* Written at boot. */
static void (*at_nmi)(uint64_t rip);

void trap_at_nmi(void (*hook)(uint64_t rip))
{
	at_nmi = hook;
}

static bool fix_up(struct trap_frame *frame)
{
	if (frame->vector != VECTOR_GP && frame->vector != VECTOR_UD &&
	    frame->vector != VECTOR_PF && frame->vector != VECTOR_SS)
		return false;
	for (const struct fixup *fixup = fixups; fixup < fixups_end; fixup++) {
		if (frame->rip == fixup->faults) {
			frame->rip = fixup->recover;
			return true;
		}
	}
	return false;
}

/* Not on with the entry, if it struck in one of the stretches above. */
static void leave_window(struct trap_frame *frame)
{
	for (const struct nmi_window *w = nmi_windows; w < nmi_windows_end; w++)
		if (frame->rip >= w->start && frame->rip < w->end)
			frame->rip = w->recover;
}

static void nmi(struct trap_frame *frame)
{
	struct cpu *cpu = this_cpu();

	stop_if_asked();
	cpu->in_nmi = true;
	cpu->nmi_count++;
	if (cpu->ask_at_nmi)
		__atomic_fetch_or(cpu->ask_at_nmi, INT32_MIN, __ATOMIC_RELAXED);
	if (at_nmi)
		at_nmi(frame->rip);
	leave_window(frame);
	cpu->in_nmi = false;
}

/* Called by boot/trap.S with interrupts off. */
void trap_handle(struct trap_frame *frame);
void trap_handle(struct trap_frame *frame)
{
	if (frame->vector >= 32) {
		interrupt_handle(frame->vector);
	} else if (frame->vector == VECTOR_NMI) {
		nmi(frame);
	} else if (frame->vector == VECTOR_MC) {
		this_cpu()->in_check = true;
		machine_check_trap(frame);
		this_cpu()->in_check = false;
		leave_window(frame); /* an NMI in its handler did not see where it had struck */
	} else if (!fix_up(frame)) {
		fault_report(frame);
	}
}
