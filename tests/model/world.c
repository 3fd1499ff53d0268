#include <string.h>

#include "tests/model/world.h"

struct world world;
const struct configuration *configuration;

void world_reset(void)
{
	memset(&world, 0, sizeof(world));
	for (unsigned int i = 0; i < configuration->cpus; i++) {
		struct model_cpu *cpu = &world.cpu[i];

		fpu_cpu_init(&cpu->core, i, (enum fpu_policy)configuration->policy[i], true,
			     SUPERSET);
		cpu->xcr0 = SUPERSET;
		cpu->held = NOBODY;
	}
	for (unsigned int c = 0; c < configuration->contexts; c++) {
		struct model_context *context = &world.context[c];

		context->domain = configuration->domain[c];
		context->life = LIFE_LIVE;
		context->vmcs = FPU_OPEN;
		fpu_context_init(&context->core, c, context->domain, SUPERSET);
	}
}

static void replace(unsigned int component, uint8_t from, uint8_t to)
{
	for (unsigned int i = 0; i < CPUS_MAX; i++)
		if (world.cpu[i].registers[component] == from)
			world.cpu[i].registers[component] = to;
	for (unsigned int c = 0; c < CONTEXTS_MAX; c++)
		if (world.context[c].image[component] == from)
			world.context[c].image[component] = to;
}

void world_new_value(unsigned int context, unsigned int component, bool initial)
{
	replace(component, VALUE_CURRENT(context), VALUE_OLD(world.context[context].domain));
	world.context[context].newest[component] = initial ? VALUE_INITIAL : VALUE_CURRENT(context);
}

void world_forget(unsigned int context)
{
	for (unsigned int k = 0; k < COMPONENTS; k++) {
		world.context[context].image[k] = VALUE_INITIAL;
		world.context[context].newest[k] = VALUE_INITIAL;
		replace(k, VALUE_CURRENT(context), VALUE_OLD(world.context[context].domain));
	}
}

unsigned int world_domain(uint8_t value)
{
	if (value == VALUE_INITIAL)
		return FPU_RESIDUE_INITIAL;
	if (value == VALUE_HOST)
		return FPU_DOMAIN_HOST;
	if (value >= VALUE_OLD(0))
		return value - VALUE_OLD(0);
	return world.context[value - VALUE_FIRST].domain;
}

bool world_newest(unsigned int context, const uint8_t *value)
{
	return !memcmp(value, world.context[context].newest, COMPONENTS);
}

unsigned int world_number(const struct fpu_context *context)
{
	for (unsigned int c = 0; c < CONTEXTS_MAX; c++)
		if (context == &world.context[c].core)
			return c;
	return NOBODY;
}

bool world_is_held(unsigned int context)
{
	for (unsigned int i = 0; i < configuration->cpus; i++)
		if (world.cpu[i].held == context)
			return true;
	return false;
}
