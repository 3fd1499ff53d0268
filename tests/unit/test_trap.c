/*
 * boot/trap.c: interrupts in root mode. Which chip has one in service says whose it is; of what
 * neither has, a spurious one, nothing is ended.
 */
#include "tests/unit/unit.h"

#include <asm/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "boot/apic.h"
#include "boot/cpu.h"
#include "boot/fault.h"
#include "boot/machine_check.h"
#include "boot/pic.h"
#include "boot/stop.h"
#include "boot/stray.h"
#include "boot/trap.h"
#include "boot/trap_frame.h"
#include "boot/vectors.h"

char vector_stubs[1];
extern const struct nmi_window {
	uint64_t start, end, recover;
} nmi_windows[1], nmi_windows_end[1];
const struct nmi_window nmi_windows[1], nmi_windows_end[1];
extern const struct fixup {
	uint64_t faults, recover;
} fixups[1], fixups_end[1];
const struct fixup fixups[1], fixups_end[1];

static struct cpu cpu;
static bool apic_has, pic_is_spurious;
static unsigned int apic_ended, pic_ended, stray_of_apic, stray_of_pic;

bool apic_in_service(uint8_t vector)
{
	(void)vector;
	return apic_has;
}

void apic_end_of_interrupt(void)
{
	apic_ended++;
}

bool pic_spurious(unsigned int irq)
{
	(void)irq;
	return pic_is_spurious;
}

bool pic_asked_for(unsigned int irq)
{
	return irq == 0;
}

void pic_end_of_interrupt(unsigned int irq)
{
	(void)irq;
	pic_ended++;
}

void stray_apic(uint8_t vector)
{
	(void)vector;
	stray_of_apic++;
}

void stray_pic(unsigned int irq)
{
	(void)irq;
	stray_of_pic++;
}

void stop_if_asked(void)
{
}

void machine_check_trap(const struct trap_frame *frame)
{
	(void)frame;
	abort();
}

_Noreturn void fault_report(const struct trap_frame *frame)
{
	(void)frame;
	abort();
}

static int setup(void **state)
{
	(void)state;
	cpu = (struct cpu){.self = &cpu};
	syscall(SYS_arch_prctl, ARCH_SET_GS, &cpu);
	apic_has = pic_is_spurious = false;
	apic_ended = pic_ended = stray_of_apic = stray_of_pic = 0;
	return 0;
}

static void expect_ended(unsigned int by_apic, unsigned int by_pic)
{
	assert_int_equal(apic_ended, by_apic);
	assert_int_equal(pic_ended, by_pic);
}

static void what_no_chip_has_in_service_is_counted_and_not_ended(void **state)
{
	unsigned int count = 0;

	(void)state;
	pic_is_spurious = true;
	for (unsigned int vector = 32; vector < 256; vector++) {
		interrupt_handle(vector);
		count++;
	}
	assert_int_equal(cpu.interrupt_count, count);
	assert_int_equal(cpu.pit_interrupt_count, 0);
	expect_ended(0, 0);
	assert_int_equal(stray_of_apic + stray_of_pic, 0);
}

static void what_the_apic_has_in_service_is_ended_there_whatever_its_vector(void **state)
{
	(void)state;
	apic_has = true;
	cpu.timer_deadline = 5;
	interrupt_handle(VECTOR_PIC_FIRST); /* an I/O APIC's, with a vector like the 8259's */
	expect_ended(1, 0);
	assert_int_equal(stray_of_apic, 1);
	assert_int_equal(cpu.timer_deadline, 5);
	interrupt_handle(VECTOR_APIC_TIMER);
	expect_ended(2, 0);
	assert_int_equal(stray_of_apic, 1);
	assert_int_equal(cpu.timer_deadline, 0);
}

static void an_8259s_is_ended_there_and_strays_are_told_apart_from_its_timer(void **state)
{
	(void)state;
	interrupt_handle(VECTOR_PIC_FIRST);
	expect_ended(0, 1);
	assert_int_equal(cpu.pit_interrupt_count, 1);
	assert_int_equal(stray_of_pic, 0);
	interrupt_handle(VECTOR_PIC_FIRST + 15);
	expect_ended(0, 2);
	assert_int_equal(stray_of_pic, 1);
	interrupt_handle(VECTOR_PIC_FIRST + 16); /* no vector of its */
	expect_ended(0, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_no_chip_has_in_service_is_counted_and_not_ended, setup),
		cmocka_unit_test_setup(
			what_the_apic_has_in_service_is_ended_there_whatever_its_vector, setup),
		cmocka_unit_test_setup(
			an_8259s_is_ended_there_and_strays_are_told_apart_from_its_timer, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
