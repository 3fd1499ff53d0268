/*
 * Tiles of several vCPUs on several CPUs, each CPU a model of TILECFG, TILEDATA, XINUSE and
 * IA32_XFD as SDM Vol. 1 13.6, 13.14 and chapter 18 have them: whatever guests do, each finds what
 * it left, and one that has never had tiles finds none. And the trial of XSAVE, on CPUs that lie.
 */
#include "tests/unit/trial_fixture.h"

#include "fpu/tile_trial.h"
#include "fpu/tiles.h"
#include "fpu/tiles_hw.h"

#define CONFIG_SIZE 64
#define DATA_SIZE   8192
#define CPUS	    3
#define VCPUS	    5

enum lie {
	HONEST,
	XINUSE_INVERTED, /* as to TILEDATA */
	XSTATE_BV_EMPTY,
	ROWS_OMITTED,	 /* 8 to 15, in saves and loads */
	CONFIG_SWAPPED,	 /* rows for bytes of a row, in saves */
	INITIAL_IGNORED, /* a load leaves alone what XSTATE_BV does not have */
	LIES
};

struct tiles {
	uint8_t config[CONFIG_SIZE], data[DATA_SIZE];
	uint64_t xfd, xfd_err;
};

static struct cpu {
	struct tiles tiles;
	uint64_t in_use, xcr0;
	bool open;
	unsigned int stores, loads;
	struct vcpu *vcpu;
} cpus[CPUS], *here;

static struct vcpu {
	struct fpu_tiles tiles;
	struct tiles ghost; /* what its registers must hold */
	uint64_t ghost_in_use, xcr0;
	struct cpu *cpu;
} vcpus[VCPUS];

static enum lie lie;

static const struct tiles none;

void fpu_tiles_open(uint64_t xcr0)
{
	assert_false(here->open);
	assert_int_equal(here->xcr0, xcr0);
	here->xcr0 |= XCR0_TILES;
	here->open = true;
}

void fpu_tiles_close(uint64_t xcr0)
{
	assert_true(here->open);
	here->xcr0 = xcr0;
	here->open = false;
}

uint64_t fpu_tiles_in_use(void)
{
	assert_true(here->open);
	return (lie == XINUSE_INVERTED ? here->in_use ^ XCR0_TILEDATA : here->in_use) & here->xcr0;
}

static uint8_t *part(const struct fpu_image *image, uint32_t component)
{
	return (uint8_t *)image + features.component[component].offset;
}

static void copy_rows(uint8_t *to, const uint8_t *from)
{
	for (unsigned int i = 0; i < DATA_SIZE; i++)
		if (lie != ROWS_OMITTED || i % 1024 < 512)
			to[i] = from[i];
}

/* What IA32_XFD disables is saved as if it were initial. */
void fpu_tiles_store(struct fpu_image *image)
{
	uint64_t in_use = fpu_tiles_in_use() & ~here->tiles.xfd;
	uint8_t *config = part(image, FPU_COMPONENT_TILECFG);

	image->xstate_bv = lie == XSTATE_BV_EMPTY ? 0 : in_use;
	memcpy(config, here->tiles.config, CONFIG_SIZE);
	for (unsigned int i = 0; i < 8 && lie == CONFIG_SWAPPED; i++) {
		config[16 + 2 * i] = here->tiles.config[48 + i];
		config[48 + i] = here->tiles.config[16 + 2 * i];
	}
	copy_rows(part(image, FPU_COMPONENT_TILEDATA),
		  here->tiles.xfd ? none.data : here->tiles.data);
	here->stores++;
}

void fpu_tiles_load(const struct fpu_image *image)
{
	uint64_t in_use = image ? image->xstate_bv : 0;

	assert_true(here->open);
	assert_false(in_use & here->tiles.xfd); /* #NM */
	if (in_use & XCR0_TILECFG)
		memcpy(here->tiles.config, part(image, FPU_COMPONENT_TILECFG), CONFIG_SIZE);
	else if (lie != INITIAL_IGNORED)
		memset(here->tiles.config, 0, CONFIG_SIZE);
	if (in_use & XCR0_TILEDATA)
		copy_rows(here->tiles.data, part(image, FPU_COMPONENT_TILEDATA));
	else if (lie != INITIAL_IGNORED)
		memset(here->tiles.data, 0, DATA_SIZE);
	here->in_use = in_use;
	here->loads++;
}

/* #NM: the MSRs are read and written with the CPU's own meaning. */
uint64_t fpu_tiles_read(uint32_t msr)
{
	assert_true(features.xfd);
	return msr == MSR_IA32_XFD ? here->tiles.xfd : here->tiles.xfd_err;
}

void fpu_tiles_write(uint32_t msr, uint64_t value)
{
	assert_true(features.xfd);
	assert_false(value & ~XCR0_TILEDATA); /* #GP */
	*(msr == MSR_IA32_XFD ? &here->tiles.xfd : &here->tiles.xfd_err) = value;
}

/* What is on a CPU while the hypervisor comes or goes. */
static void switch_from(struct cpu *cpu)
{
	struct vcpu *vcpu = cpu->vcpu;

	here = cpu;
	if (!vcpu)
		return;
	if (vcpu->tiles.used)
		fpu_tiles_leave(&vcpu->tiles, cpu->xcr0);
	assert_memory_equal(&cpu->tiles, &none, sizeof(none));
	assert_false(cpu->in_use);
	vcpu->cpu = NULL;
	cpu->vcpu = NULL;
}

static void check(const struct vcpu *vcpu)
{
	assert_memory_equal(&vcpu->cpu->tiles, &vcpu->ghost, sizeof(vcpu->ghost));
	assert_int_equal(vcpu->cpu->in_use, vcpu->ghost_in_use);
}

static void switch_to(struct cpu *cpu, struct vcpu *vcpu)
{
	if (vcpu->cpu == cpu)
		return;
	if (vcpu->cpu)
		switch_from(vcpu->cpu);
	switch_from(cpu);
	if (vcpu->tiles.used)
		fpu_tiles_enter(&vcpu->tiles, cpu->xcr0);
	cpu->vcpu = vcpu;
	vcpu->cpu = cpu;
	cpu->xcr0 = vcpu->xcr0; /* by the FPU's own manager */
}

static void fill(uint8_t *bytes, size_t size, uint64_t *seed)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = random_next(seed) >> 32;
}

static void guest_configures(struct vcpu *vcpu, uint64_t *seed)
{
	fill(vcpu->ghost.config, CONFIG_SIZE, seed);
	memset(vcpu->ghost.data, 0, DATA_SIZE);
	vcpu->ghost_in_use = XCR0_TILECFG;
}

static void guest_writes_msr(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
	uint64_t found;

	vcpu->tiles.used = true;
	assert_int_equal(fpu_tiles_write_msr(&vcpu->tiles, msr, value), 0);
	assert_int_equal(fpu_tiles_read_msr(&vcpu->tiles, msr, &found), 0);
	assert_int_equal(found, value);
	*(msr == MSR_IA32_XFD ? &vcpu->ghost.xfd : &vcpu->ghost.xfd_err) = value;
}

/* As the instructions do it; what changes its registers needs XCR0, which exits. */
static void guest_does_something(struct vcpu *vcpu, uint64_t *seed)
{
	here = vcpu->cpu;
	switch (random_next(seed) >> 32 & 7) {
	case 0:
		vcpu->xcr0 ^= XCR0_TILES;
		here->xcr0 = vcpu->xcr0;
		if (vcpu->xcr0 & XCR0_TILES)
			vcpu->tiles.used = true;
		return;
	case 1:
		if (vcpu->xcr0 & XCR0_TILES)
			guest_configures(vcpu, seed);
		break;
	case 2:
	case 3:
		if ((vcpu->xcr0 & XCR0_TILES) && vcpu->ghost.xfd) /* its #NM */
			vcpu->ghost.xfd_err = XCR0_TILEDATA;
		else if ((vcpu->xcr0 & XCR0_TILES) && vcpu->ghost_in_use) {
			fill(vcpu->ghost.data, DATA_SIZE, seed);
			vcpu->ghost_in_use = XCR0_TILES;
		}
		break;
	case 4:
		if (vcpu->xcr0 & XCR0_TILES) { /* TILERELEASE heeds no IA32_XFD */
			memset(vcpu->ghost.config, 0, CONFIG_SIZE);
			memset(vcpu->ghost.data, 0, DATA_SIZE);
			vcpu->ghost_in_use = 0;
		}
		break;
	case 5:
		guest_writes_msr(vcpu, MSR_IA32_XFD, random_next(seed) & XCR0_TILEDATA);
		return;
	case 6:
		guest_writes_msr(vcpu, MSR_IA32_XFD_ERR, random_next(seed) & XCR0_TILEDATA);
		return;
	default:
		return;
	}
	here->tiles = vcpu->ghost;
	here->in_use = vcpu->ghost_in_use;
}

static void guest_is_reset(struct vcpu *vcpu)
{
	if (vcpu->cpu)
		switch_from(vcpu->cpu);
	fpu_tiles_reset(&vcpu->tiles);
	vcpu->ghost = none;
	vcpu->ghost_in_use = 0;
	vcpu->xcr0 = XCR0_X87;
}

static int power_on(void **state)
{
	(void)state;
	lie = HONEST;
	features = (struct fpu_features){.superset = 7, .tiles = XCR0_TILES, .xfd = true};
	features.component[FPU_COMPONENT_TILECFG] = (struct fpu_component){64, 2752, true};
	features.component[FPU_COMPONENT_TILEDATA] = (struct fpu_component){8192, 2816, true};
	memset(cpus, 0, sizeof(cpus));
	memset(vcpus, 0, sizeof(vcpus));
	for (unsigned int i = 0; i < CPUS; i++)
		cpus[i].xcr0 = XCR0_X87;
	for (unsigned int i = 0; i < VCPUS; i++) {
		assert_int_equal(fpu_tiles_create(&vcpus[i].tiles), 0);
		vcpus[i].xcr0 = XCR0_X87;
	}
	here = &cpus[0];
	return 0;
}

static int power_off(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < VCPUS; i++)
		fpu_tiles_destroy(&vcpus[i].tiles);
	return 0;
}

static void every_guest_finds_what_it_left(void **state)
{
	uint64_t seed = 11;

	(void)state;
	for (unsigned int step = 0; step < 20000; step++) {
		struct vcpu *vcpu = &vcpus[(random_next(&seed) >> 32) % VCPUS];

		if ((random_next(&seed) >> 32) % 64 == 0) {
			guest_is_reset(vcpu);
			continue;
		}
		switch_to(&cpus[(random_next(&seed) >> 32) % CPUS], vcpu);
		check(vcpu);
		for (unsigned int i = (random_next(&seed) >> 32) % 4; i; i--)
			guest_does_something(vcpu, &seed);
		check(vcpu);
	}
	for (unsigned int i = 0; i < CPUS; i++)
		assert_true(cpus[i].stores > 100);
}

/* Only an XGETBV: nothing moves. */
static void tiles_that_are_initial_are_neither_saved_nor_loaded(void **state)
{
	(void)state;
	switch_to(&cpus[0], &vcpus[0]);
	vcpus[0].tiles.used = true;
	for (unsigned int i = 0; i < 10; i++) {
		switch_to(&cpus[0], &vcpus[1]);
		switch_to(&cpus[0], &vcpus[0]);
	}
	assert_int_equal(cpus[0].stores + cpus[0].loads, 0);
}

static void msrs_take_what_guests_are_shown_alone(void **state)
{
	uint64_t value;

	(void)state;
	switch_to(&cpus[0], &vcpus[0]);
	vcpus[0].tiles.used = true;
	for (unsigned int bit = 0; bit < 64; bit++) {
		int result = fpu_tiles_write_msr(&vcpus[0].tiles, MSR_IA32_XFD, BIT(bit));

		assert_int_equal(result, bit == FPU_COMPONENT_TILEDATA ? 0 : -EINVAL);
	}
	features.xfd = false;
	assert_int_equal(fpu_tiles_write_msr(&vcpus[0].tiles, MSR_IA32_XFD, 0), -EINVAL);
	assert_int_equal(fpu_tiles_read_msr(&vcpus[0].tiles, MSR_IA32_XFD_ERR, &value), -EINVAL);
}

static void without_amx_there_is_no_image(void **state)
{
	struct fpu_tiles tiles;

	(void)state;
	features.tiles = 0;
	assert_int_equal(fpu_tiles_create(&tiles), 0);
	assert_null(tiles.image);
	fpu_tiles_destroy(&tiles);
	features.tiles = XCR0_TILES;
}

static uint32_t trial(enum lie told)
{
	uint32_t wrong;

	power_off(NULL);
	power_on(NULL);
	lie = told;
	fpu_tiles_open(here->xcr0);
	wrong = fpu_tile_trial(vcpus[0].tiles.image, vcpus[1].tiles.image);
	fpu_tiles_close(XCR0_X87);
	return wrong;
}

static void the_trial_believes_an_honest_cpu_and_no_other(void **state)
{
	(void)state;
	assert_int_equal(trial(HONEST), 0);
	assert_memory_equal(&here->tiles, &none, sizeof(none));
	assert_int_equal(trial(XINUSE_INVERTED), FPU_TILES_XINUSE);
	assert_int_equal(trial(XSTATE_BV_EMPTY), FPU_TILES_XINUSE);
	assert_int_equal(trial(ROWS_OMITTED), FPU_TILES_TILEDATA);
	assert_int_equal(trial(CONFIG_SWAPPED), FPU_TILES_TILECFG);
	assert_int_equal(trial(INITIAL_IGNORED), FPU_TILES_INITIAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_guest_finds_what_it_left, power_on,
						power_off),
		cmocka_unit_test_setup_teardown(tiles_that_are_initial_are_neither_saved_nor_loaded,
						power_on, power_off),
		cmocka_unit_test_setup_teardown(msrs_take_what_guests_are_shown_alone, power_on,
						power_off),
		cmocka_unit_test_setup_teardown(without_amx_there_is_no_image, power_on, power_off),
		cmocka_unit_test_setup_teardown(the_trial_believes_an_honest_cpu_and_no_other,
						power_on, power_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
