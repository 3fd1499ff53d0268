/*
 * The hardware below the core: registers and images as values that nobody but the model looks at.
 * A save or a load moves only the components that XCR0 has, one at a time.
 */
#include "tests/model/access.h"
#include "tests/model/fiber.h"
#include "tests/model/world.h"

static struct model_cpu *here(void)
{
	return &world.cpu[fiber_current()];
}

static struct model_context *of(const struct fpu_context *context)
{
	unsigned int number = world_number(context);

	if (number == NOBODY) {
		violation("the hardware is given what is no vCPU's context");
		number = 0;
	}
	require(world.context[number].life != LIFE_FREE,
		"the hardware is given a context that has ended");
	return &world.context[number];
}

static unsigned int number_of(const struct model_context *context)
{
	return (unsigned int)(context - world.context);
}

static const char *const save_step[] = {"save component 0", "save component 1"};
static const char *const load_step[] = {"load component 0", "load component 1"};

uint64_t fpu_hw_save(struct fpu_context *context)
{
	struct model_context *to = of(context);

	if (here()->serving != NOBODY) {
		require(here()->serving == number_of(to) && !here()->served_save,
			"more is saved for another CPU than what it asked for");
		require(to->may_be_newer, "what is saved for another CPU was in the image");
		here()->served_save = true;
	}
	to->may_be_newer = false;
	here()->work.saves++;
	for (unsigned int k = 0; k < COMPONENTS; k++) {
		access_hook(save_step[k], k ? GRAIN_SHARED : GRAIN_EVERY);
		if (here()->xcr0 & 1u << k)
			to->image[k] = here()->registers[k];
	}
	return 1;
}

uint64_t fpu_hw_load(struct fpu_context *context)
{
	struct model_context *from = of(context);

	here()->work.loads++;
	for (unsigned int k = 0; k < COMPONENTS; k++) {
		access_hook(load_step[k], GRAIN_EVERY);
		if (here()->xcr0 & 1u << k)
			here()->registers[k] = from->image[k];
	}
	return 1;
}

uint64_t fpu_hw_scrub(void)
{
	access_hook("scrub", GRAIN_EVERY);
	here()->work.scrubs++;
	for (unsigned int k = 0; k < COMPONENTS; k++)
		if (here()->xcr0 & 1u << k)
			here()->registers[k] = VALUE_INITIAL;
	return 1;
}

void fpu_hw_write_xcr0(uint64_t value)
{
	access_hook("write XCR0", GRAIN_EVERY);
	require(here()->xcr0 != value, "invariant 6: XCR0 is written with what it is");
	here()->xcr0 = (uint8_t)value;
	here()->work.xcr0++;
}

void fpu_hw_host_section(bool begin)
{
	access_hook("CR0.TS for a host section", GRAIN_EVERY);
	require(here()->ts_clear != begin, "CR0.TS is set or cleared twice");
	here()->ts_clear = begin;
	here()->work.host++;
}

bool fpu_hw_guest_ts(struct fpu_context *context)
{
	access_hook("read the guest's TS", GRAIN_EVERY);
	here()->work.ts_reads++;
	return of(context)->ts;
}

unsigned int fpu_hw_set_state(struct fpu_context *context, enum fpu_state state)
{
	access_hook("write the VMCS", GRAIN_EVERY);
	require(!configuration->mail || here()->vmcs_current == number_of(of(context)),
		"a VMCS is to be written that is not current");
	require(of(context)->vmcs != state, "invariant 6: a VMCS is written with what it holds");
	of(context)->vmcs = state;
	here()->work.states++;
	return 1;
}

void fpu_hw_stale(struct fpu_context *context)
{
	access_hook("tell the run loop", GRAIN_EVERY);
	require(of(context)->short_way, "invariant 7: the run loop is told twice");
	of(context)->short_way = false;
}

void fpu_hw_trace(const struct fpu_cpu *cpu, const struct fpu_context *context,
		  enum fpu_event event)
{
	access_hook("trace", GRAIN_EVERY);
	require(cpu == &here()->pcpu.fpu, "an event is traced on another CPU");
	if (context == &cpu->host)
		return;
	(void)of(context);
	(void)event;
}
