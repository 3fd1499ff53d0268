/* The 8259s, and the 8254's counter 0 through them: by LINT0, and without a local APIC. */
#include "pc.h"

#define TICKS 1200 /* a millisecond */

static void by_lint0(void)
{
	begin();
	wire_lint0();
	pit_start(0, 2, TICKS);
	pic_unmask(0);
	await_in_hlt(VECTOR_8259, 10);
	expect(!apic_bit(APIC_ISR, VECTOR_8259), "the local APIC serves it");
	apic_write(APIC_LVT_LINT0, LVT_MASKED | LVT_EXTINT);
	if (!has_defect(DEFECT_LINT0))
		expect_none(VECTOR_8259, "LINT0 masked");
	wire_lint0();
	await_in_hlt(VECTOR_8259, arrived[VECTOR_8259] + 2);
	pic_mask_all();
	expect_none(VECTOR_8259, "masked at the 8259");
}

static void without_apic(void)
{
	if (has_defect(DEFECT_APIC_OFF))
		return;
	begin();
	apic_set_base(0);
	pit_start(0, 2, TICKS);
	pic_unmask(0);
	await_in_hlt(VECTOR_8259, 5);
	pic_mask_all();
	begin();
}

/* LINT0 as firmware leaves it and a local APIC that is software-disabled: it is masked. */
static void apic_software_disabled(void)
{
	begin();
	wire_lint0();
	apic_write(APIC_SVR, VECTOR_SPUR);
	expect(apic_read(APIC_LVT_LINT0) & LVT_MASKED, "LINT0 0x%x", apic_read(APIC_LVT_LINT0));
}

static void one_shot(void)
{
	begin();
	wire_lint0();
	pic_unmask(0);
	pit_start(0, 0, TICKS);
	await_in_hlt(VECTOR_8259, 1);
	expect_none(VECTOR_8259, "a second one");
	pit_start(0, 0, TICKS);
	await_in_hlt(VECTOR_8259, 2);
}

/* One before the initialisation is forgotten, one while it is masked is not. */
static void edge_before(void)
{
	begin();
	wire_lint0();
	pit_start(0, 0, TICKS);
	wait_ms(3);
	begin_with_8254();
	wire_lint0();
	pic_unmask(0);
	expect_none(VECTOR_8259, "of before the initialisation");
	pic_mask_all();
	pit_start(0, 0, TICKS);
	wait_ms(3);
	pic_unmask(0);
	await(VECTOR_8259, 1);
}

static uint8_t isr_inside, irr_inside;

static uint8_t pic_register(uint8_t command)
{
	outb(PIC_MASTER, command);
	return inb(PIC_MASTER);
}

static void look_inside(unsigned vector)
{
	(void)vector;
	isr_inside = pic_register(0x0b);
	irr_inside = pic_register(0x0a);
}

static void registers(void)
{
	begin();
	pic_unmask(0);
	pic_unmask(4);
	expect(inb(PIC_MASTER + 1) == 0xee, "mask 0x%x", inb(PIC_MASTER + 1));
	in_handler = look_inside;
	pit_start(0, 0, TICKS);
	wait_ms(5);
	expect(pic_register(0x0a) & 1, "IRR 0x%x", pic_register(0x0a));
	wire_lint0();
	await(VECTOR_8259, 1);
	expect(isr_inside == 1 && !(irr_inside & 1), "in its handler ISR 0x%x, IRR 0x%x",
	       isr_inside, irr_inside);
	expect(pic_register(0x0b) == 0, "ISR 0x%x after EOI", pic_register(0x0b));
}

/* Above what the local APIC's task priority is: an ExtINT does not ask for it. */
static void task_priority(void)
{
	begin();
	wire_lint0();
	apic_write(APIC_TPR, 0xf0);
	pic_unmask(0);
	pit_start(0, 0, TICKS);
	await_in_hlt(VECTOR_8259, 1);
	apic_write(APIC_TPR, 0);
}

/* Not as ExtINT: the local APIC has a vector for it, and nobody acknowledges it at the 8259. */
static void lint0_fixed(void)
{
	if (has_defect(DEFECT_LINT0))
		return;
	begin();
	apic_write(APIC_LVT_LINT0, VECTOR_A);
	pic_unmask(0);
	pit_start(0, 0, TICKS);
	await_in_hlt(VECTOR_A, 1);
	expect(pic_register(0x0a) & 1, "IRR 0x%x", pic_register(0x0a));
}

const struct check pc_8259_checks[] = {
	{"8259-by-lint0", by_lint0, 0},
	{"8259-by-lint0-fixed", lint0_fixed, 0},
	{"8259-without-apic", without_apic, 0},
	{"8259-apic-software-disabled", apic_software_disabled, 0},
	{"8259-one-shot", one_shot, 0},
	{"8259-edge-before", edge_before, 0},
	{"8259-registers", registers, 0},
	{"8259-task-priority", task_priority, 0},
};
const size_t pc_8259_check_count = ARRAY_SIZE(pc_8259_checks);
