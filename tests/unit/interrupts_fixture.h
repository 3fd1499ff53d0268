/*
 * A VM with four vCPUs, for the tests of vmm/interrupts.c. The VMCS is an array; chips and events
 * are the real ones.
 */
#pragma once

#include "tests/unit/unit.h"

#include "vmm/chip/lapic_registers.h"
#include "vmm/interrupts.h"
#include "vmm/vm.h"

#include "tests/unit/event_fixture.h" /* whose names are not for the headers above */

#define VCPUS	4
#define TSC_KHZ 1000000 /* a tick is a nanosecond */
#define START	1000000000000ull
#define MS	1000000ull

/* Offsets in the page of a local APIC */
enum {
	TPR = 0x80,
	LDR = 0xd0,
	SVR = 0xf0,
	ICR = 0x300,
	ICR_HIGH = 0x310,
	LVT_TIMER = 0x320,
	LVT_LINT0 = 0x350,
	INITIAL_COUNT = 0x380,
};

#define ENABLE	      0x10f
#define LOGICAL	      0x800
#define LOWEST	      0x100
#define NMI_DELIVERY  0x400
#define INIT_DELIVERY 0x500
#define ALL_BUT_SELF  0xc0000
#define LEVEL	      0x8000

static struct vm vm;
static struct vcpu vcpus[VCPUS];
static struct vcpu *const first = &vcpus[0];
static uint64_t now;
static unsigned int resets;

uint64_t fake_rdtsc(void)
{
	return now;
}

static unsigned int looks_asked_for;

void vcpu_request(struct vcpu *vcpu, uint32_t what)
{
	assert_ptr_equal(vcpu, first);
	assert_int_equal(what, 0);
	looks_asked_for++;
}

/* It looks at once. */
void vcpu_tell(struct vcpu *vcpu)
{
	interrupts_arrived(vcpu);
}

void vm_reset(struct vm *reset)
{
	assert_ptr_equal(reset, &vm);
	resets++;
}

static uint64_t device; /* in the EPT, where the local APIC's page is */

void ept_set_device(struct ept *ept, uint32_t cpu, uint64_t hpa)
{
	(void)ept;
	(void)cpu;
	device = hpa;
}

static inline void let_it_run(struct vcpu *vcpu)
{
	vcpu->guest.entries_left = 100;
}

static inline bool is_asked(const struct vcpu *vcpu)
{
	return vcpu->guest.entries_left < 0;
}

static inline int begin(void **state)
{
	static const struct pc_parts parts = {.low = 64 << 20, .ioapic_id = VCPUS};

	start();
	(void)state;
	memset(&vm, 0, sizeof(vm));
	memset(vcpus, 0, sizeof(vcpus));
	now = START;
	resets = 0;
	pc_init(TSC_KHZ);
	pc_reset(&vm.pc, &parts, now);
	vm.vcpu_count = VCPUS;
	for (uint32_t i = 0; i < VCPUS; i++) {
		struct vcpu *vcpu = vm.vcpu[i] = &vcpus[i];

		vcpu->vm = &vm;
		vcpu->id = i;
		vcpu->state = VCPU_RUNNABLE;
		vcpu->events.primary_controls = OTHER_CONTROLS;
		vcpu->events.entries_left = &vcpu->guest.entries_left;
		interrupts_reset(vcpu);
		lapic_write(&vcpu->lapic, &pc_rates.lapic, SVR, ENABLE, now);
		lapic_write(&vcpu->lapic, &pc_rates.lapic, LDR, 1u << (24 + i), now);
		let_it_run(vcpu);
	}
	return 0;
}

static inline void write_lapic(struct vcpu *vcpu, uint32_t offset, uint32_t value)
{
	lapic_write(&vcpu->lapic, &pc_rates.lapic, offset, value, now);
	interrupts_changed(vcpu);
}

static inline void send(struct vcpu *vcpu, uint8_t destination, uint32_t command)
{
	write_lapic(vcpu, ICR_HIGH, (uint32_t)destination << 24);
	write_lapic(vcpu, ICR, command);
}

static inline bool is_requested(const struct vcpu *vcpu, uint8_t vector)
{
	return vcpu->lapic.irr.word[vector / 32] & lapic_vector_bit(vector);
}

static inline void write_pic(uint16_t port, uint8_t value)
{
	i8259_write(&vm.pc.pic, port, value);
	pc_update(&vm.pc);
	interrupts_changed(first);
}

static inline void raise_com1(bool level)
{
	i8259_set_line(&vm.pc.pic, PC_IRQ_COM1, level);
	i82093_set_line(&vm.pc.ioapic, PC_IRQ_COM1, level);
	interrupts_changed(first);
}

static inline void write_ioapic(unsigned int pin, uint32_t high, uint32_t low)
{
	i82093_write(&vm.pc.ioapic, I82093_IOREGSEL, 0x11 + 2 * pin);
	i82093_write(&vm.pc.ioapic, I82093_IOWIN, high);
	i82093_write(&vm.pc.ioapic, I82093_IOREGSEL, 0x10 + 2 * pin);
	i82093_write(&vm.pc.ioapic, I82093_IOWIN, low);
	interrupts_changed(first);
}

/* What the next entry injects, and whether a window is opened for another. */
static inline void expect_next(struct vcpu *vcpu, uint32_t info, uint32_t windows)
{
	fields[VMCS_ENTRY_INTERRUPTION_INFO] = 0;
	if (vcpu->events.attend)
		interrupts_prepare(vcpu);
	assert_int_equal(fields[VMCS_ENTRY_INTERRUPTION_INFO], info);
	assert_int_equal(vcpu->events.primary_controls, OTHER_CONTROLS | windows);
	let_it_run(vcpu);
}

#define interrupts_test(name) cmocka_unit_test_setup(name, begin)
