/*
 * vmm/vm.h for the model: each vCPU is a VM of its own.
 */
#pragma once

#include <stdint.h>

#include "vmx/ept.h"

struct vcpu;

struct vm {
	struct vcpu *vcpu[1];
	uint32_t vcpu_count;
	struct ept ept; /* its address names it */
};
