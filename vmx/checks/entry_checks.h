/*
 * Why a VM entry fails. The checks of VM entry on the controls, the host state, the guest state and
 * the VM-entry MSR-load area, one rule a check: SDM Vol. 3C chapter "VM Entries", 26.2 to 26.4
 * (newer editions call the chapter 27). What VMLAUNCH and VMRESUME check before these (26.1) has
 * error numbers of its own, which name the cause.
 *
 * It is for any hypervisor. It needs no library, keeps no state, allocates nothing, executes no VMX
 * instruction and may run in any context; it takes some ten thousand instructions. Take these, and
 * compile them with the folder that has both in the include path:
 *
 *	vmx/checks/entry_checks.[ch] vmx/checks/entry_rule.h vmx/checks/entry_rules*.[ch]
 *	vmx/checks/entry_state.[ch]
 *	vmx/vmcs.h vmx/vmcs_bits.h vmx/vmcs_fields.h lib/array.h lib/x86.h
 *
 * After VMLAUNCH or VMRESUME has failed, with the VMCS as it was then (vmx/checks/entry_here.c is
 * an example of what fill_in() has to do); `number` is the VM-instruction error, or the basic exit
 * reason of an exit with bit 31:
 *
 *	struct entry_source source = {.read = my_vmread, .current_vmcs = ~0ull, .failed = true};
 *	struct entry_finding found;
 *
 *	fill_in(&source.cpu);
 *	if (entry_checks_cause(&source, number, &found))
 *		printf("%s is %lx: %s [SDM Vol. 3C %s]", found.rule->field_name, found.value,
 *		       found.rule->should, found.rule->section);
 */
#pragma once

#include <stddef.h>

#include "vmx/checks/entry_rule.h"

/*
 * The rules that the state breaks, as many as there is room for, in the order in which a CPU looks:
 * controls, host state, guest state, MSRs. Returns how many there are: 0, and VM entry succeeds as
 * far as the manual and what the source knows tell. A CPU that finds several may report any of the
 * first two stages.
 */
size_t entry_checks_find(const struct entry_source *source, struct entry_finding *found,
			 size_t room);

/*
 * Of the rules that are broken the one by which an entry failed with this VM-instruction error (of
 * VMfailValid), or with a VM exit of this basic reason and bit 31. False: it was not by a rule, but
 * for another reason, which the number names; or by one that the manual and the source do not tell.
 */
bool entry_checks_cause(const struct entry_source *source, uint32_t number,
			struct entry_finding *cause);

/* All rules in that order: from 0 on; NULL: there are no more. */
const struct entry_rule *entry_rule_at(size_t number);
