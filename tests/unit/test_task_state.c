/* vmm/exit/task_state.c: TSSs, descriptors, and what is wrong with them. */
#include "tests/unit/unit.h"

#include "lib/x86.h"
#include "vmm/exit/task_state.h"

#define CODE   0x20 /* selectors, of descriptors that the tests make */
#define STACK  0x28
#define DATA   0x30
#define TABLE  0x38
#define TASK   0x40
#define ABSENT BIT(47)
#define IN_LDT SELECTOR_TI

#define RIGHTS(r) ((uint64_t)(r) << 40)

static struct task_state state;
static struct task_descriptor found[TASK_SEGMENTS];

static struct task_descriptor entry(uint32_t rights)
{
	return (struct task_descriptor){true, RIGHTS(rights)};
}

/* A task at CPL 0 that nothing is wrong with, ES, FS, GS and LDT null. */
static int setup(void **unused)
{
	(void)unused;
	state = (struct task_state){
		.selector = {[TASK_CS] = CODE, [TASK_SS] = STACK, [TASK_DS] = DATA}};
	memset(found, 0, sizeof(found));
	found[TASK_CS] = entry(0x9a);
	found[TASK_SS] = entry(0x92);
	found[TASK_DS] = entry(0x90);
	return 0;
}

static void expect(uint8_t vector, uint16_t selector)
{
	struct task_fault fault = task_check_segments(&state, found);

	assert_int_equal(fault.vector, vector);
	assert_int_equal(fault.selector, selector);
	if (!vector)
		for (enum task_segment n = TASK_ES; n < TASK_SEGMENTS; n++)
			assert_true(task_segment_usable(&state, found, n));
}

static void expect_none(void)
{
	expect(0, 0);
}

/* One segment other than setup() made it; put back afterwards. */
static void bent(enum task_segment n, uint16_t selector, struct task_descriptor descriptor,
		 uint8_t vector)
{
	struct task_descriptor before = found[n];
	uint16_t selector_before = state.selector[n];

	state.selector[n] = selector;
	found[n] = descriptor;
	expect(vector, vector ? selector : 0);
	assert_int_equal(task_segment_usable(&state, found, n), !vector);
	state.selector[n] = selector_before;
	found[n] = before;
}

static const struct task_descriptor nothing;

static void the_fields_of_a_32bit_tss_are_where_they_belong(void **unused)
{
	uint8_t *image = malloc(0x68), *written = malloc(0x68);

	(void)unused;
	for (unsigned int i = 0; i < 0x68; i++)
		image[i] = i;
	task_state_read(&state, image, true);
	assert_int_equal(state.cr3, 0x1f1e1d1c);
	assert_int_equal(state.eip, 0x23222120);
	assert_int_equal(state.eflags, 0x27262524);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(state.registers[i], 0x2b2a2928 + i * 0x04040404);
	for (unsigned int i = 0; i < TASK_SEGMENTS; i++)
		assert_int_equal(state.selector[i], 0x4948 + i * 0x0404);
	assert_false(state.trap); /* bit 0 of 64h */
	image[0x64] = 1;
	task_state_read(&state, image, true);
	assert_true(state.trap);

	memset(written, 0xee, 0x68);
	task_state_write(&state, written, true);
	for (unsigned int i = 0; i < 0x68; i++) {
		bool value = i >= 0x20 && i < 0x48, selector = i >= 0x48 && i < 0x60 && !(i & 2);

		assert_int_equal(written[i], value || selector ? i : 0xee);
	}
	free(image);
	free(written);
}

static void the_fields_of_a_16bit_tss_are_where_they_belong(void **unused)
{
	uint8_t *image = malloc(0x2c), *written = malloc(0x2c);

	(void)unused;
	for (unsigned int i = 0; i < 0x2c; i++)
		image[i] = i;
	task_state_read(&state, image, false);
	assert_int_equal(state.eip, 0x0f0e);
	assert_int_equal(state.eflags, 0x1110);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(state.registers[i], 0xffff1312 + i * 0x0202);
	for (unsigned int i = TASK_ES; i <= TASK_DS; i++)
		assert_int_equal(state.selector[i], 0x2322 + i * 0x0202);
	assert_int_equal(state.selector[TASK_FS], 0);
	assert_int_equal(state.selector[TASK_GS], 0);
	assert_int_equal(state.selector[TASK_LDTR], 0x2b2a);
	assert_int_equal(state.cr3, 0);
	assert_false(state.trap);

	memset(written, 0xee, 0x2c);
	task_state_write(&state, written, false);
	for (unsigned int i = 0; i < 0x2c; i++)
		assert_int_equal(written[i], i >= 0x0e && i < 0x2a ? i : 0xee);
	free(image);
	free(written);
}

/* What is saved lies within what is looked at. */
static void a_tss_has_room_for_what_is_saved(void **unused)
{
	(void)unused;
	for (unsigned int is_32bit = 0; is_32bit < 2; is_32bit++) {
		assert_true(task_saved_start(is_32bit) < task_saved_end(is_32bit));
		assert_true(task_saved_end(is_32bit) <= task_image_size(is_32bit));
		assert_true(task_image_size(is_32bit) <= TASK_IMAGE_MAX);
	}
}

static void a_descriptor_is_taken_apart(void **unused)
{
	uint64_t raw = 0x12cf9b3456789abc;

	(void)unused;
	assert_int_equal(descriptor_base(raw), 0x12345678);
	assert_int_equal(descriptor_rights(raw), 0xc09b);
	assert_int_equal(descriptor_limit(raw), 0xf9abcfff);
	raw &= ~BIT(55); /* G */
	assert_int_equal(descriptor_limit(raw), 0xf9abc);
}

static void expect_tss(uint32_t rights, uint32_t limit, uint16_t selector, enum task_source source,
		       uint8_t vector)
{
	struct task_descriptor tss = {true, RIGHTS(rights) | (limit & 0xffff)};
	struct task_fault fault = task_check_tss(selector, &tss, source);

	assert_int_equal(fault.vector, vector);
	assert_int_equal(fault.selector, vector ? selector : 0);
}

static void iret_goes_to_a_busy_tss_and_the_others_to_one_that_is_not(void **unused)
{
	static const uint32_t types[] = {0x81, 0x89};

	(void)unused;
	for (unsigned int i = 0; i < 2; i++) {
		uint32_t idle = types[i], busy = idle | 2;

		expect_tss(idle, 0x67, TASK, TASK_CALL, 0);
		expect_tss(idle, 0x67, TASK, TASK_JMP, 0);
		expect_tss(idle, 0x67, TASK, TASK_GATE, 0);
		expect_tss(idle, 0x67, TASK, TASK_IRET, VECTOR_TS);
		expect_tss(busy, 0x67, TASK, TASK_CALL, VECTOR_GP);
		expect_tss(busy, 0x67, TASK, TASK_JMP, VECTOR_GP);
		expect_tss(busy, 0x67, TASK, TASK_GATE, VECTOR_GP);
		expect_tss(busy, 0x67, TASK, TASK_IRET, 0);
	}
}

static void only_a_tss_will_do(void **unused)
{
	(void)unused;
	for (uint32_t type = 0; type < 32; type++) {
		bool idle = type == 1 || type == 9, busy = type == 3 || type == 11;

		expect_tss(0x80 | type, 0x67, TASK, TASK_CALL, idle ? 0 : VECTOR_GP);
		expect_tss(0x80 | type, 0x67, TASK, TASK_IRET, busy ? 0 : VECTOR_TS);
	}
	expect_tss(0x89, 0x67, TASK | IN_LDT, TASK_CALL, VECTOR_GP);
	expect_tss(0x8b, 0x67, TASK | IN_LDT, TASK_IRET, VECTOR_TS);
	assert_int_equal(task_check_tss(TASK, &nothing, TASK_CALL).vector, VECTOR_GP);
	assert_int_equal(task_check_tss(TASK, &nothing, TASK_IRET).vector, VECTOR_TS);
}

static void a_tss_is_present_and_then_large_enough(void **unused)
{
	(void)unused;
	expect_tss(0x09, 0, TASK, TASK_CALL, VECTOR_NP);
	expect_tss(0x0b, 0, TASK, TASK_IRET, VECTOR_NP);
	expect_tss(0x89, 0x66, TASK, TASK_CALL, VECTOR_TS);
	expect_tss(0x89, 0x67, TASK, TASK_CALL, 0);
	expect_tss(0x81, 0x2a, TASK, TASK_CALL, VECTOR_TS);
	expect_tss(0x81, 0x2b, TASK, TASK_CALL, 0);
	expect_tss(0x8b, 0x66, TASK, TASK_IRET, VECTOR_TS);
	expect_tss(0x8089, 0, TASK, TASK_CALL, 0); /* 4 KiB */
}

static void an_ldt_is_null_or_a_present_one_in_the_gdt(void **unused)
{
	(void)unused;
	expect_none();
	bent(TASK_LDTR, TABLE, entry(0x82), 0);
	bent(TASK_LDTR, 3, nothing, 0);
	bent(TASK_LDTR, TABLE, nothing, VECTOR_TS);
	bent(TASK_LDTR, TABLE | IN_LDT, entry(0x82), VECTOR_TS);
	bent(TASK_LDTR, IN_LDT, nothing, VECTOR_TS);
	bent(TASK_LDTR, TABLE, entry(0x02), VECTOR_TS);
	for (uint32_t type = 0; type < 32; type++)
		bent(TASK_LDTR, TABLE, entry(0x80 | type), type == 2 ? 0 : VECTOR_TS);
}

static void cs_is_code_of_its_rpl_or_conforming(void **unused)
{
	(void)unused;
	bent(TASK_CS, 0, nothing, VECTOR_TS);
	bent(TASK_CS, CODE, nothing, VECTOR_TS);
	for (uint32_t type = 0; type < 32; type++)
		bent(TASK_CS, CODE, entry(0x80 | type), type >= 0x18 ? 0 : VECTOR_TS);
	bent(TASK_CS, CODE, entry(0x1a), VECTOR_NP);
	bent(TASK_CS, CODE, entry(0x1e), VECTOR_NP);
	/* DPL of code, and CPL */
	for (uint32_t dpl = 0; dpl < 4; dpl++)
		for (uint32_t rpl = 0; rpl < 4; rpl++) {
			state.selector[TASK_SS] = STACK | rpl;
			state.selector[TASK_DS] = 0;
			found[TASK_SS] = entry(0x92 | rpl << 5);
			bent(TASK_CS, CODE | rpl, entry(0x9a | dpl << 5),
			     dpl == rpl ? 0 : VECTOR_TS);
			bent(TASK_CS, CODE | rpl, entry(0x9e | dpl << 5),
			     dpl <= rpl ? 0 : VECTOR_TS);
		}
}

static void ss_is_writable_data_of_the_cpl(void **unused)
{
	(void)unused;
	bent(TASK_SS, 0, nothing, VECTOR_TS);
	bent(TASK_SS, STACK, nothing, VECTOR_TS);
	for (uint32_t type = 0; type < 32; type++)
		bent(TASK_SS, STACK, entry(0x80 | type),
		     type >= 0x10 && type < 0x18 && (type & 2) ? 0 : VECTOR_TS);
	bent(TASK_SS, STACK, entry(0x12), VECTOR_SS);
	for (uint32_t dpl = 0; dpl < 4; dpl++)
		for (uint32_t rpl = 0; rpl < 4; rpl++)
			bent(TASK_SS, STACK | rpl, entry(0x92 | dpl << 5),
			     !dpl && !rpl ? 0 : VECTOR_TS);
}

static void data_segments_are_null_or_readable(void **unused)
{
	static const enum task_segment data[] = {TASK_ES, TASK_DS, TASK_FS, TASK_GS};

	(void)unused;
	for (unsigned int i = 0; i < ARRAY_SIZE(data); i++) {
		bent(data[i], 0, nothing, 0);
		bent(data[i], 3, nothing, 0);
		bent(data[i], DATA, nothing, VECTOR_TS);
		bent(data[i], DATA | IN_LDT, entry(0x90), 0);
		for (uint32_t type = 0; type < 32; type++)
			bent(data[i], DATA, entry(0x80 | type),
			     type >= 0x10 && (!(type & 8) || (type & 2)) ? 0 : VECTOR_TS);
		bent(data[i], DATA, entry(0x10), VECTOR_NP);
	}
}

static void data_segments_are_of_no_more_privilege(void **unused)
{
	(void)unused;
	for (uint32_t cpl = 0; cpl < 4; cpl++)
		for (uint32_t dpl = 0; dpl < 4; dpl++)
			for (uint32_t rpl = 0; rpl < 4; rpl++) {
				bool allowed = dpl >= cpl && dpl >= rpl;

				setup(NULL);
				state.selector[TASK_CS] |= cpl;
				state.selector[TASK_SS] |= cpl;
				state.selector[TASK_DS] = 0;
				found[TASK_CS].raw |= RIGHTS(cpl << 5);
				found[TASK_SS].raw |= RIGHTS(cpl << 5);
				bent(TASK_GS, DATA | rpl, entry(0x90 | dpl << 5),
				     allowed ? 0 : VECTOR_TS);
				bent(TASK_GS, DATA | rpl, entry(0x9a | dpl << 5),
				     allowed ? 0 : VECTOR_TS);
				bent(TASK_GS, DATA | rpl, entry(0x9e | dpl << 5), 0);
			}
}

/* Table 8-1's order, from its end: each new fault hides those before. */
static void the_first_of_several_faults_is_said(void **unused)
{
	(void)unused;
	state.selector[TASK_GS] = 0x60;
	expect(VECTOR_TS, 0x60);
	state.selector[TASK_FS] = 0x58;
	expect(VECTOR_TS, 0x58);
	state.selector[TASK_ES] = 0x50;
	expect(VECTOR_TS, 0x50);
	found[TASK_DS].raw |= RIGHTS(0x0c); /* execute-only, conforming */
	expect(VECTOR_TS, 0x30);
	state.selector[TASK_SS] |= 3;
	expect(VECTOR_TS, STACK | 3);
	found[TASK_CS].raw &= ~ABSENT;
	expect(VECTOR_NP, CODE);
	found[TASK_CS].raw &= ~RIGHTS(0x18);
	expect(VECTOR_TS, CODE);
	state.selector[TASK_LDTR] = TABLE;
	found[TASK_LDTR] = entry(0x02);
	expect(VECTOR_TS, TABLE);
	found[TASK_SS].raw |= RIGHTS(0x20);
	expect(VECTOR_TS, STACK | 3);
	found[TASK_SS].raw &= ~ABSENT;
	expect(VECTOR_SS, STACK | 3);
	found[TASK_SS].found = false;
	found[TASK_SS].raw = 0;
	expect(VECTOR_TS, STACK | 3);
	found[TASK_CS] = entry(0xfa);
	expect(VECTOR_TS, CODE);
	found[TASK_LDTR] = entry(0x01);
	expect(VECTOR_TS, TABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(name, setup)
		TEST(the_fields_of_a_32bit_tss_are_where_they_belong),
		TEST(the_fields_of_a_16bit_tss_are_where_they_belong),
		TEST(a_tss_has_room_for_what_is_saved),
		TEST(a_descriptor_is_taken_apart),
		TEST(iret_goes_to_a_busy_tss_and_the_others_to_one_that_is_not),
		TEST(only_a_tss_will_do),
		TEST(a_tss_is_present_and_then_large_enough),
		TEST(an_ldt_is_null_or_a_present_one_in_the_gdt),
		TEST(cs_is_code_of_its_rpl_or_conforming),
		TEST(ss_is_writable_data_of_the_cpl),
		TEST(data_segments_are_null_or_readable),
		TEST(data_segments_are_of_no_more_privilege),
		TEST(the_first_of_several_faults_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
