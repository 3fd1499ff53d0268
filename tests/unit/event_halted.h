/* What halts in the event tests, with their VMCS that is an array: after `fields` and `events`. */
#pragma once

/* For a guest that takes what its RFLAGS and its blocking allow. */
static bool deliverable(uint8_t tpr)
{
	uint32_t blocking = fields[VMCS_GUEST_INTERRUPTIBILITY];
	bool after = !(blocking & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS));

	return event_deliverable(&events, tpr, after && (fields[VMCS_GUEST_RFLAGS] & RFLAGS_IF),
				 after && !(blocking & BLOCKING_BY_NMI));
}
