/*
 * The view (guest_view.h) that a vCPU has of its memory now. Its VMCS is current.
 */
#pragma once

#include "vmm/look/guest_view.h"

struct vcpu;

/* Of a VM that lost memory it sees nothing: to read what is lost would end the machine. */
void running_view(const struct vcpu *vcpu, struct guest_view *view);
