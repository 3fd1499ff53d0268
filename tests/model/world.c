#include <string.h>

#include "tests/model/world.h"
#include "vmm/vm.h"

struct world world;
const struct configuration *configuration;

void world_new_vcpu(unsigned int c)
{
	static struct vm vm[CONTEXTS_MAX];
	struct model_context *context = &world.context[c];

	context->vmcs = FPU_OPEN;
	context->vmcs_launched = false;
	context->vmcs_host = NOBODY;
	memset(&context->vcpu, 0, sizeof(context->vcpu));
	fpu_context_init(&context->vcpu.fpu.context, c, context->domain, SUPERSET);
	if (!configuration->mail)
		return;
	vm[c] = (struct vm){.vcpu = {&context->vcpu}, .vcpu_count = 1};
	context->vcpu.vm = &vm[c];
	context->vcpu.vpid = (uint16_t)(c + 1);
	context->vcpu.vmcs = (struct vmcs *)context;
	context->vcpu.unswitched.msr[UNSWITCHED_MSR] = UNSWITCHED_OF(c);
	if (!(configuration->tiles & 1u << c))
		return;
	context->vcpu.uses_more = true;
	context->vcpu.tiles = (struct fpu_tiles){.used = true, .value = TILES_OF(c)};
}

void world_reset(void)
{
	memset(&world, 0, sizeof(world));
	for (unsigned int i = 0; i < configuration->cpus; i++) {
		struct model_cpu *cpu = &world.cpu[i];

		fpu_cpu_init(&cpu->pcpu.fpu, i, (enum fpu_policy)configuration->policy[i], true,
			     SUPERSET);
		cpu->xcr0 = SUPERSET;
		cpu->held = NOBODY;
		cpu->vmcs_current = NOBODY;
		cpu->serving = NOBODY;
		cpu->pcpu.cpu.id = cpu->pcpu.cpu.apic_id = i;
		cpu->pcpu.cpu.lock_rank = LOCK_NONE;
	}
	for (unsigned int c = 0; c < configuration->contexts; c++) {
		struct model_context *context = &world.context[c];

		context->domain = configuration->domain[c];
		context->life = LIFE_LIVE;
		world_new_vcpu(c);
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

void world_free(unsigned int c)
{
	struct model_context *context = &world.context[c];

	require(!context->vcpu.fpu.context.home, "a context ends that is at home somewhere");
	for (unsigned int k = 0; k < COMPONENTS; k++) {
		context->image[k] = VALUE_INITIAL;
		context->newest[k] = VALUE_INITIAL;
		replace(k, VALUE_CURRENT(c), VALUE_OLD(context->domain));
	}
	memset(&context->vcpu, 0xee, sizeof(context->vcpu));
	context->domain = 0;
	context->ts = false;
	context->short_way = false;
	context->may_be_newer = false;
	context->life = LIFE_FREE;
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
		if (context == &world.context[c].vcpu.fpu.context)
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
