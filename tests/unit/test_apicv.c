/*
 * vmm/apicv.c: a vCPU whose APIC is virtualized, by a model of what the CPU does (SDM Vol. 3C
 * chapter 29), beside one whose accesses all exit. The same is done to both, and the same has to be
 * delivered.
 */
#include "tests/unit/interrupts_fixture.h"

#include "vmm/pcpu.h"
#include "vmx/bitmaps.h"

#define SELF_IPI_MSR 0x83f
#define SELF	     0x40000
#define NONE	     0

/* Words of the virtual-APIC page */
#define PAGE_TPR	(0x80 / 4)
#define PAGE_ISR(v)	((0x100 + 0x10 * ((v) / 32)) / 4)
#define PAGE_IRR(v)	((0x200 + 0x10 * ((v) / 32)) / 4)
#define PAGE_ICR	(0x300 / 4)
#define CLASS(v)	((v) >> 4)
#define OWN_SECONDARY	SECONDARY_ENABLE_EPT
#define DELIVERY	SECONDARY_VIRTUAL_INTERRUPT_DELIVERY
#define ACCESSES	SECONDARY_VIRTUALIZE_APIC_ACCESSES
#define X2APIC		SECONDARY_VIRTUALIZE_X2APIC_MODE
#define VISIBLE_VECTORS 0xe0

static uint32_t page[1024];
static struct pcpu pcpu;
static struct vcpu *const plain = &vcpus[1], *const virtual = &vcpus[2];
static bool takes; /* RFLAGS.IF of both */
static unsigned int exits;

static int begin_apicv(void **state)
{
	begin(state);
	memset(page, 0, sizeof(page));
	device = 0;
	exits = 0;
	takes = true;
	bitmaps_init();
	virtual->pcpu = &pcpu;
	virtual->apicv.page = page;
	apicv_write_controls(virtual, OWN_SECONDARY);
	fields[VMCS_SECONDARY_CONTROLS] = OWN_SECONDARY;
	event_attend(&virtual->events);
	return 0;
}

static bool delivery(void)
{
	return fields[VMCS_SECONDARY_CONTROLS] & DELIVERY;
}

/* The highest of the vectors that are set from a word of the page on, or 0. */
static uint8_t highest(unsigned int word)
{
	for (unsigned int i = 8; i--;)
		if (page[word + 4 * i])
			return 32 * i + 31 - __builtin_clz(page[word + 4 * i]);
	return NONE;
}

/* The CPU evaluates what is requested, and delivers it. */
static uint8_t cpu_delivers(void)
{
	uint8_t requested = fields[VMCS_GUEST_INTERRUPT_STATUS];
	uint8_t served = fields[VMCS_GUEST_INTERRUPT_STATUS] >> 8;

	if (!delivery() || !takes || CLASS(requested) <= CLASS(served) ||
	    CLASS(requested) <= CLASS(page[PAGE_TPR]) ||
	    (virtual->events.primary_controls & INTERRUPT_WINDOW))
		return NONE;
	page[PAGE_IRR(requested)] &= ~lapic_vector_bit(requested);
	page[PAGE_ISR(requested)] |= lapic_vector_bit(requested);
	fields[VMCS_GUEST_INTERRUPT_STATUS] = requested << 8 | highest(PAGE_IRR(0));
	return requested;
}

/* Until the guest runs: what is injected, or that CPU delivers by itself, or NONE. */
static uint8_t enter(struct vcpu *vcpu)
{
	fields[VMCS_GUEST_RFLAGS] = RFLAGS_FIXED | (takes ? RFLAGS_IF : 0);
	for (;;) {
		fields[VMCS_ENTRY_INTERRUPTION_INFO] = 0;
		if (vcpu->events.attend)
			interrupts_prepare(vcpu);
		let_it_run(vcpu);
		if (fields[VMCS_ENTRY_INTERRUPTION_INFO])
			return fields[VMCS_ENTRY_INTERRUPTION_INFO];
		if (!takes || !(vcpu->events.primary_controls & INTERRUPT_WINDOW))
			return vcpu == virtual ? cpu_delivers() : NONE;
	}
}

/* An exit for something else. */
static void exit_of(struct vcpu *vcpu)
{
	if (vcpu == virtual)
		exits++;
}

static void eoi(struct vcpu *vcpu)
{
	uint8_t served = fields[VMCS_GUEST_INTERRUPT_STATUS] >> 8;

	if (vcpu == virtual && delivery()) {
		page[PAGE_ISR(served)] &= ~lapic_vector_bit(served);
		fields[VMCS_GUEST_INTERRUPT_STATUS] =
			(fields[VMCS_GUEST_INTERRUPT_STATUS] & 0xff) | highest(PAGE_ISR(0)) << 8;
		return;
	}
	exit_of(vcpu);
	lapic_eoi(vcpu_lapic(vcpu));
	interrupts_priority_changed(vcpu);
}

static void set_tpr(struct vcpu *vcpu, uint8_t value)
{
	if (vcpu == plain) {
		lapic_set_tpr(vcpu_lapic(vcpu), value);
		interrupts_priority_changed(vcpu);
		return;
	}
	page[PAGE_TPR] = value;
	if (!delivery() && CLASS(value) < fields[VMCS_TPR_THRESHOLD]) {
		exit_of(vcpu);
		vcpu_lapic(vcpu);
	}
}

static void send_to_itself(struct vcpu *vcpu, uint8_t vector)
{
	uint64_t status = fields[VMCS_GUEST_INTERRUPT_STATUS];

	if (lapic_is_x2apic(&vcpu->lapic)) {
		exit_of(vcpu);
		assert_int_equal(
			lapic_write_msr(&vcpu->lapic, &pc_rates.lapic, SELF_IPI_MSR, vector, now),
			0);
		interrupts_priority_changed(vcpu);
	} else if (vcpu == virtual && delivery()) {
		page[PAGE_ICR] = SELF | vector;
		page[PAGE_IRR(vector)] |= lapic_vector_bit(vector);
		if (vector > (status & 0xff))
			fields[VMCS_GUEST_INTERRUPT_STATUS] = (status & 0xff00) | vector;
	} else {
		exit_of(vcpu);
		lapic_write(vcpu_lapic(vcpu), &pc_rates.lapic, ICR, SELF | vector, now);
		interrupts_changed(vcpu);
	}
}

static void use_x2apic(struct vcpu *vcpu)
{
	lapic_write_base(vcpu_lapic(vcpu), LAPIC_PAGE | LAPIC_BASE_ENABLED | LAPIC_BASE_X2APIC, 40,
			 true);
	interrupts_changed(vcpu);
}

static void request(struct vcpu *vcpu, uint8_t vector, bool level)
{
	const struct apic_message message = {.vector = vector, .level_triggered = level};

	lapic_accept(&vcpu->lapic, &message);
	interrupts_changed(vcpu);
}

static void expect_controls(uint32_t controls, enum msr_bitmap bitmap)
{
	assert_int_equal(fields[VMCS_SECONDARY_CONTROLS], OWN_SECONDARY | controls);
	if (virtual->apicv.bitmap != MSR_BITMAP || bitmap != MSR_BITMAP)
		assert_int_equal(fields[VMCS_MSR_BITMAP],
				 msr_bitmap_address(bitmap, virtual->guest.spec_ctrl_passed));
	assert_int_equal(!device, !(controls & ACCESSES));
}

static void the_page_is_there_while_the_apic_is_at_it(void **state)
{
	(void)state;
	assert_int_equal(enter(virtual), NONE);
	expect_controls(ACCESSES, MSR_BITMAP);
	lapic_write_base(vcpu_lapic(virtual), 0xd0000000 | LAPIC_BASE_ENABLED, 40, true);
	assert_int_equal(enter(virtual), NONE);
	expect_controls(0, MSR_BITMAP);
	lapic_write_base(vcpu_lapic(virtual), LAPIC_PAGE | LAPIC_BASE_ENABLED, 40, true);
	assert_int_equal(enter(virtual), NONE);
	expect_controls(ACCESSES, MSR_BITMAP);
	use_x2apic(virtual);
	assert_int_equal(enter(virtual), NONE);
	expect_controls(X2APIC, MSR_BITMAP_X2APIC);
	lapic_write_base(vcpu_lapic(virtual), LAPIC_PAGE, 40, true);
	assert_int_equal(enter(virtual), NONE);
	expect_controls(0, MSR_BITMAP);
}

/* A guest that has written IA32_SPEC_CTRL, which then is switched. */
static void what_is_switched_stays_so_in_x2apic_mode_and_out_of_it(void **state)
{
	(void)state;
	virtual->guest.spec_ctrl_passed = true;
	use_x2apic(virtual);
	assert_int_equal(enter(virtual), NONE);
	expect_controls(X2APIC, MSR_BITMAP_X2APIC);
	lapic_write_base(vcpu_lapic(virtual), LAPIC_PAGE, 40, true);
	assert_int_equal(enter(virtual), NONE);
	assert_int_equal(fields[VMCS_MSR_BITMAP], msr_bitmap_address(MSR_BITMAP, true));
}

static void aside_it_is_not_there_for_one_entry(void **state)
{
	(void)state;
	assert_int_equal(enter(virtual), NONE);
	apicv_step_aside(virtual);
	assert_int_equal(enter(virtual), NONE);
	expect_controls(0, MSR_BITMAP);
	assert_true(virtual->events.attend);
	assert_int_equal(enter(virtual), NONE);
	expect_controls(ACCESSES, MSR_BITMAP);
}

static void eoi_of_what_is_in_service_takes_no_exit(void **state)
{
	(void)state;
	for (unsigned int mode = 0; mode < 2; mode++) {
		request(virtual, 0x51, false);
		assert_int_equal(enter(virtual), 0x51);
		expect_controls(DELIVERY | (mode ? X2APIC : ACCESSES),
				mode ? MSR_BITMAP_X2APIC_EOI : MSR_BITMAP);
		exits = 0;
		eoi(virtual);
		assert_int_equal(enter(virtual), NONE);
		assert_int_equal(exits, 0);
		assert_int_equal(lapic_served(&vcpu_lapic(virtual)->isr), 0);
		use_x2apic(virtual);
		assert_int_equal(enter(virtual), NONE);
	}
}

static void eoi_of_a_level_is_for_the_io_apic(void **state)
{
	(void)state;
	request(virtual, 0x51, true);
	assert_int_equal(enter(virtual), 0x51);
	expect_controls(ACCESSES, MSR_BITMAP);
}

static void eoi_exits_while_something_waits_for_it(void **state)
{
	(void)state;
	request(virtual, 0x51, false);
	assert_int_equal(enter(virtual), 0x51);
	request(virtual, 0x52, false);
	assert_int_equal(enter(virtual), NONE);
	expect_controls(ACCESSES, MSR_BITMAP);
	eoi(virtual);
	assert_int_equal(exits, 1);
	assert_int_equal(enter(virtual), 0x52);
}

static void tpr_exits_only_below_what_it_keeps_back(void **state)
{
	(void)state;
	assert_int_equal(enter(virtual), NONE);
	set_tpr(virtual, 0x63);
	assert_int_equal(vcpu_cr8(virtual), 6);
	send_to_itself(virtual, 0x51);
	assert_int_equal(enter(virtual), NONE);
	exits = 0;
	set_tpr(virtual, 0x70);
	set_tpr(virtual, 0x50);
	assert_int_equal(enter(virtual), NONE);
	assert_int_equal(exits, 0);
	set_tpr(virtual, 0x4f);
	assert_int_equal(exits, 1);
	assert_int_equal(enter(virtual), 0x51);
}

static void tpr_exits_below_what_a_call_asked_for(void **state)
{
	(void)state;
	assert_int_equal(enter(virtual), NONE);
	set_tpr(virtual, 0x60);
	event_pend_interrupt(&virtual->events, 0x51);
	assert_int_equal(enter(virtual), NONE);
	set_tpr(virtual, 0);
	assert_int_equal(enter(virtual), 0x51);
}

/* As in x2APIC mode, where it does not go through the run loop for it. */
static void what_tpr_keeps_back_asks_for_nothing(void **state)
{
	(void)state;
	use_x2apic(virtual);
	assert_int_equal(enter(virtual), NONE);
	set_tpr(virtual, 0x60);
	send_to_itself(virtual, 0x51);
	assert_false(is_asked(virtual));
	assert_int_equal(fields[VMCS_TPR_THRESHOLD], 5);
	send_to_itself(virtual, 0x41);
	assert_false(is_asked(virtual));
	assert_int_equal(fields[VMCS_TPR_THRESHOLD], 5);
	set_tpr(virtual, 0x45);
	assert_int_equal(enter(virtual), 0x51);
}

static void a_halt_ends_by_what_is_deliverable_only(void **state)
{
	(void)state;
	assert_int_equal(enter(virtual), NONE);
	set_tpr(virtual, 0x60);
	virtual->state = VCPU_HALTED;
	virtual->wakes_on_interrupt = true;
	request(virtual, 0x51, false);
	assert_false(vcpu_poll(virtual, now));
	request(virtual, 0x71, false);
	assert_true(vcpu_poll(virtual, now));
	assert_int_equal(enter(virtual), 0x71);
}

static void a_reset_leaves_nothing_in_service(void **state)
{
	(void)state;
	request(virtual, 0x51, false);
	assert_int_equal(enter(virtual), 0x51);
	interrupts_reset(virtual);
	apicv_write_controls(virtual, OWN_SECONDARY);
	fields[VMCS_SECONDARY_CONTROLS] = OWN_SECONDARY;
	lapic_write(&virtual->lapic, &pc_rates.lapic, SVR, ENABLE, now);
	request(virtual, 0x61, false);
	assert_int_equal(enter(virtual), 0x61);
	eoi(virtual);
	assert_int_equal(fields[VMCS_GUEST_INTERRUPT_STATUS], 0);
	assert_int_equal(enter(virtual), NONE);
	request(virtual, 0x41, false);
	assert_int_equal(enter(virtual), 0x41);
}

static void compare_both(void)
{
	const struct lapic *a = &plain->lapic, *b = vcpu_lapic(virtual);

	assert_int_equal(a->tpr, b->tpr);
	assert_int_equal(a->ppr, b->ppr);
	assert_memory_equal(&a->irr, &b->irr, sizeof(a->irr));
	assert_memory_equal(a->tmr, b->tmr, sizeof(a->tmr));
	assert_int_equal(a->isr.top, b->isr.top);
	assert_memory_equal(a->isr.vector, b->isr.vector, a->isr.top + 1u);
	assert_int_equal(a->eoi_vector, b->eoi_vector);
	assert_int_equal(enter(virtual), NONE); /* the guest has it again */
}

static void do_to_both(uint64_t random)
{
	uint8_t vector = 16 + (random >> 8) % VISIBLE_VECTORS;

	switch (random % 8) {
	case 0: /* levels have even vectors, all else odd ones */
		request(plain, vector & ~1, true);
		request(virtual, vector & ~1, true);
		break;
	case 1:
		request(plain, vector | 1, false);
		request(virtual, vector | 1, false);
		break;
	case 2:
		send_to_itself(plain, vector | 1);
		send_to_itself(virtual, vector | 1);
		break;
	case 3:
	case 4:
		set_tpr(plain, random % 16 < 8 ? 0 : vector);
		set_tpr(virtual, random % 16 < 8 ? 0 : vector);
		break;
	case 5:
		takes = !takes;
		break;
	case 6:
		if (random % 64 < 8) { /* a call's timer */
			event_pend_interrupt(&plain->events, vector);
			event_pend_interrupt(&virtual->events, vector);
			break;
		}
		/* fall through */
	default:
		eoi(plain);
		eoi(virtual);
	}
}

static void the_same_is_delivered_whatever_is_done(void **state)
{
	uint64_t seed = 42;
	unsigned int delivered = 0;

	for (unsigned int i = 0; i < 200000; i++) {
		uint8_t vector;

		if (i % 1000 == 0)
			begin_apicv(state);
		if (i % 1000 == 500)
			use_x2apic(plain), use_x2apic(virtual);
		if (i % 500 == 0)
			assert_int_equal(enter(virtual), enter(plain));
		do_to_both(random_next(&seed));
		do {
			vector = enter(plain);
			assert_int_equal(enter(virtual), vector);
			delivered += vector != NONE;
		} while (vector);
		if (i % 7 == 0)
			compare_both();
	}
	assert_in_range(delivered, 10000, 200000);
}

#define apicv_test(name) cmocka_unit_test_setup(name, begin_apicv)

int main(void)
{
	const struct CMUnitTest tests[] = {
		apicv_test(the_page_is_there_while_the_apic_is_at_it),
		apicv_test(what_is_switched_stays_so_in_x2apic_mode_and_out_of_it),
		apicv_test(aside_it_is_not_there_for_one_entry),
		apicv_test(eoi_of_what_is_in_service_takes_no_exit),
		apicv_test(eoi_of_a_level_is_for_the_io_apic),
		apicv_test(eoi_exits_while_something_waits_for_it),
		apicv_test(tpr_exits_only_below_what_it_keeps_back),
		apicv_test(tpr_exits_below_what_a_call_asked_for),
		apicv_test(what_tpr_keeps_back_asks_for_nothing),
		apicv_test(a_halt_ends_by_what_is_deliverable_only),
		apicv_test(a_reset_leaves_nothing_in_service),
		apicv_test(the_same_is_delivered_whatever_is_done),
	};

	return cmocka_run_group_tests_name("apicv", tests, NULL, NULL);
}
