#include "vmm/trace_records.h"

#include "boot/cpu.h"
#include "fpu/policy.h"
#include "fpu/trace.h"
#include "lib/console.h"
#include "lib/format.h"
#include "vmm/vm.h"

#define LAST 32

static const char *vm_name(uint32_t id)
{
	uint32_t vm = fpu_trace_vm(id);

	return vm < vms_count() ? vm_at(vm)->config.name : "unknown";
}

/* "vm=NAME vcpu=N", or the host's "vm=host": a VM of that name has a vCPU. */
static void format_who(char *text, size_t size, uint32_t id)
{
	if (id == TRACE_HOST)
		format(text, size, "vm=host");
	else
		format(text, size, "vm=%s vcpu=%u", vm_name(id), fpu_trace_vcpu(id));
}

static void format_owner(char *text, size_t size, uint32_t id)
{
	if (id == TRACE_NONE || id == TRACE_HOST)
		format(text, size, id == TRACE_NONE ? "none" : "host");
	else
		format(text, size, "%s/%u", vm_name(id), fpu_trace_vcpu(id));
}

static void print_entry(uint32_t cpu, const struct trace_entry *entry)
{
	char who[VM_NAME_SIZE + 32], owner[VM_NAME_SIZE + 16];

	format_who(who, sizeof(who), entry->who);
	format_owner(owner, sizeof(owner), entry->owner);
	record("trace tsc=%lu cpu=%u %s event=%s owner=%s residue=%u%s%s", entry->tsc, cpu, who,
	       fpu_trace_event_name(entry->event), owner, entry->residue,
	       entry->event == FPU_EVENT_POLICY ? " policy=" : "",
	       entry->event == FPU_EVENT_POLICY ? fpu_policy_name(entry->policy) : "");
}

void trace_print(void)
{
	for (uint32_t cpu = 0; cpu < MAX_CPUS; cpu++) {
		const struct trace_ring *ring = fpu_trace_ring(cpu);

		if (!ring)
			continue;
		for (uint32_t i = 0; i < trace_ring_count(ring); i++)
			print_entry(cpu, trace_ring_at(ring, i));
		record("trace-end cpu=%u size=%u events=%lu lost=%lu", cpu, ring->size,
		       ring->written, trace_ring_lost(ring));
	}
}

void trace_print_last(void)
{
	for (uint32_t cpu = 0; cpu < MAX_CPUS; cpu++) {
		const struct trace_ring *ring = fpu_trace_ring(cpu);
		uint32_t count = ring ? trace_ring_count(ring) : 0;

		if (!count)
			continue;
		print("the last FPU events of CPU %u:\n", cpu);
		for (uint32_t i = count > LAST ? count - LAST : 0; i < count; i++)
			print_entry(cpu, trace_ring_at(ring, i));
	}
}
