#include "vmm/entry_watch.h"

#include "lib/console.h"
#include "vmm/pcpu.h"
#include "vmm/request.h"
#include "vmm/vm.h"
#include "vmx/checks/entry_here.h"

static bool on; /* written at boot */

void entry_watch_init(bool wanted)
{
	on = wanted;
}

bool entry_watch_on(void)
{
	return on;
}

void entry_watch_before(struct pcpu *pcpu)
{
	struct entry_watch *watch = &pcpu->entry_watch;
	struct entry_source source;
	struct entry_finding found;

	entry_here_source(&source, false);
	watch->broken = NULL;
	if (entry_checks_find(&source, &found, 1)) {
		watch->broken = found.rule;
		watch->value = found.value;
	}
	watch->checked++;
}

void entry_watch_entered(struct vcpu *vcpu)
{
	struct entry_watch *watch = &vcpu->pcpu->entry_watch;
	const struct entry_rule *rule = watch->broken;

	if (!rule)
		return;
	watch->broken = NULL;
	watch->wrong++;
	vm_fail(vcpu, "entry-check",
		"the VM entry succeeded, though %s is 0x%lx and a rule says: %s (%s) [SDM Vol. 3C "
		"%s]",
		rule->field_name, watch->value, rule->should, rule->name, rule->section);
}

void entry_watch_failed(struct pcpu *pcpu)
{
	struct entry_watch *watch = &pcpu->entry_watch;

	watch->foreseen += watch->broken != NULL;
	watch->unforeseen += watch->broken == NULL;
	watch->broken = NULL;
}

void entry_watch_report(void)
{
	if (!on)
		return;
	for (uint32_t i = 0; i < cpus_count(); i++) {
		const struct entry_watch *watch = &pcpu_at(i)->entry_watch;

		record("entry-watch cpu=%u checked=%lu wrong=%lu foreseen=%lu unforeseen=%lu", i,
		       watch->checked, watch->wrong, watch->foreseen, watch->unforeseen);
	}
}
