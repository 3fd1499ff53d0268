/*
 * The tables of checks, one per device, each in its own pc_*.c; and what they share: interrupts
 * that are counted, clocks to wait by, and the registers of the interrupt controllers.
 */
#pragma once

#include "support/apic.h"
#include "support/guest.h"
#include "support/trap.h"

extern const struct check pc_cpuid_checks[], pc_apic_checks[], pc_x2apic_checks[],
	pc_apic_timer_checks[], pc_8259_checks[], pc_ioapic_checks[], pc_8254_checks[],
	pc_rtc_checks[], pc_acpi_checks[], pc_hpet_checks[], pc_keyboard_checks[], pc_com1_checks[],
	pc_hole_checks[], pc_table_checks[];
extern const size_t pc_cpuid_check_count, pc_apic_check_count, pc_x2apic_check_count,
	pc_apic_timer_check_count, pc_8259_check_count, pc_ioapic_check_count, pc_8254_check_count,
	pc_rtc_check_count, pc_acpi_check_count, pc_hpet_check_count, pc_keyboard_check_count,
	pc_com1_check_count, pc_hole_check_count, pc_table_check_count;

/* Other words of the command line that make it do something else, which does not come back (or
 * ends). */
void draw_on_the_screen(void);
void send_init(void) __attribute__((noreturn));
bool first_time(void); /* since its memory was cleared; a reset does not */
void switch_off(void) __attribute__((noreturn));
void access_at_random(uint64_t seed, unsigned rounds);
void read_typed_by_com1(void);
void read_typed_by_keyboard(void);

/*
 * Before each check: the 8259s and the I/O APIC masked, the local APIC in xAPIC mode with all of
 * its vectors masked and priority 0, nothing requested or in service, nothing counted.
 */
void begin(void);
void begin_with_8254(void); /* its counter 0 goes on, which else is stopped */

/* Vectors. Those of the 8259s are VECTOR_8259 and the IRQ, and are ended there; others by EOI. */
#define VECTOR_8259   0x50
#define VECTOR_A      0x41
#define VECTOR_B      0x61
#define VECTOR_C      0x6e /* of the class of B */
#define VECTOR_D      0x91
#define VECTOR_SPUR   0xff
#define CLASS(vector) ((vector)&0xf0)

extern volatile unsigned arrived[256];

/* Called in the handler of a vector before it is ended. NULL: nobody. */
extern void (*in_handler)(unsigned vector);

/* With interrupts on, until so many have come, but not endlessly; by HLT, endlessly. */
bool await(unsigned vector, unsigned count);
void await_in_hlt(unsigned vector, unsigned count);

/* Also by another one. With DEFECT_STI it does not halt. */
void halt_until_interrupt(void);

/* That none of a vector comes in some milliseconds. */
void expect_none(unsigned vector, const char *what);

/* TSC ticks of a millisecond, by counter 2 of the 8254. */
uint64_t tsc_per_ms(void);
void wait_ms(unsigned ms);

static inline uint32_t read32(uintptr_t address)
{
	uint32_t value;

	asm volatile("movl (%1), %0" : "=r"(value) : "r"(address) : "memory");
	return value;
}

static inline void write32(uintptr_t address, uint32_t value)
{
	asm volatile("movl %0, (%1)" : : "r"(value), "r"(address) : "memory");
}

/* MSRs */
#define MSR_PLATFORM_ID	  0x17
#define MSR_PLATFORM_INFO 0xce
#define MSR_TSC_DEADLINE  0x6e0

/* In its local vector table */
#define LVT_MASKED 0x10000
#define LVT_EXTINT 0x700
#define LVT_NMI	   0x400

static inline uint32_t apic_read(unsigned offset)
{
	return read32(APIC + offset);
}

static inline void apic_write(unsigned offset, uint32_t value)
{
	write32(APIC + offset, value);
}

/* Whether the vector's bit is set in ISR, TMR or IRR. */
static inline bool apic_bit(unsigned offset, unsigned vector)
{
	return apic_read(offset + vector / 32 * 16) >> vector % 32 & 1;
}

static inline void apic_send_to_self(unsigned vector)
{
	apic_write(APIC_ICR, ICR_SELF | vector);
}

void apic_set_base(uint64_t mode);

/* On the command line: the machine has this defect (tools/defects.py). */
#define DEFECT_APIC_OFF	      "apic-off-for-good"
#define DEFECT_APIC_DISABLED  "apic-disabled-accepts"
#define DEFECT_APIC_ILLEGAL   "apic-illegal-vector"
#define DEFECT_APIC_RESERVED  "x2apic-reserved"
#define DEFECT_X2APIC_ICR     "x2apic-icr"
#define DEFECT_TSC_DEADLINE   "tsc-deadline-stays"
#define DEFECT_DEADLINE_MOVES "tsc-deadline-adjust"
#define DEFECT_LINT0	      "lint0-unmasked"
#define DEFECT_REMOTE_IRR     "ioapic-remote-irr"

/* True: it has, and the check is skipped. */
bool has_defect(const char *defect);

#define HPET 0xfed00000u

/* The I/O APIC */
#define IOAPIC		 0xfec00000u
#define IOAPIC_PIN(pin)	 (0x10 + 2 * (pin))
#define REDIRECT_LOWEST	 0x100
#define REDIRECT_LOGICAL 0x800
#define REDIRECT_PENDING 0x1000
#define REDIRECT_REMOTE	 0x4000
#define REDIRECT_LEVEL	 0x8000
#define REDIRECT_MASKED	 0x10000

uint32_t ioapic_read(unsigned index);
void ioapic_write(unsigned index, uint32_t value);

/* To this CPU, with the low half of the entry as said. */
void ioapic_route(unsigned pin, uint32_t low);

/* The 8259s */
#define PIC_MASTER 0x20
#define PIC_SLAVE  0xa0

void pic_unmask(unsigned irq);
void pic_mask_all(void);

/* LINT0 as ExtINT, as virtual wire mode has it. */
void wire_lint0(void);

/* The 8254 */
#define PIT_HZ 1193182

void pit_start(unsigned counter, unsigned mode, unsigned count);
