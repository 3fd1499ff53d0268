/*
 * vmm/vcpu.h for the model: of a vCPU what vmm/loaded.c knows of.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fpu/context.h"
#include "fpu/tiles.h"
#include "vmm/switch.h"

struct vcpu {
	struct {
		uint64_t host_rsp;
		int32_t entries_left;
	} guest;
	struct {
		struct fpu_context context;
	} fpu;
	struct vm *vm;
	struct pcpu *pcpu;
	uint16_t vpid;
	bool launched;
	bool uses_more, uses_pkru;
	struct vmcs *vmcs;
	struct unswitched unswitched;
	struct fpu_tiles tiles;
	uint64_t switches, moves;
};
