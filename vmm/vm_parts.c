#include "vmm/vm_parts.h"

#include "boot/layout.h"
#include "boot/memory.h"
#include "fpu/policy.h"
#include "fpu/trace.h"
#include "lib/assert.h"
#include "lib/console.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "vmm/hole_step.h"
#include "vmm/loaded.h"
#include "vmm/lost_memory.h"
#include "vmm/mail.h"
#include "vmm/pcpu.h"
#include "vmm/vm.h"
#include "vmx/capabilities.h"

#define HIGH_RAM_START (4ull << 30)
#define SIZE_2M	       (2ull << 20)
#define SIZE_1G	       (1ull << 30)

/* Memory for guest-physical [gpa, gpa + size), in as few pieces as the machine's memory allows. */
static int allocate_ram(struct vm *vm, uint64_t gpa, uint64_t size)
{
	uint64_t piece = size;

	while (size) {
		struct guest_extent *extent = &vm->ram.extent[vm->ram.count];
		uint64_t align, address;

		if (vm->ram.count == GUEST_EXTENTS_MAX)
			return -ENOMEM;
		piece = piece < size ? piece : size;
		align = piece >= SIZE_1G ? SIZE_1G : piece >= SIZE_2M ? SIZE_2M : PAGE_SIZE;
		address = memory_alloc(piece, align);
		if (!address && align > PAGE_SIZE)
			address = memory_alloc(piece, piece >= SIZE_2M ? SIZE_2M : PAGE_SIZE);
		if (!address) {
			if (piece <= SIZE_2M)
				return -ENOMEM;
			piece = (piece / 2 + SIZE_2M - 1) & ~(SIZE_2M - 1);
			continue;
		}
		*extent = (struct guest_extent){gpa, piece, (uint8_t *)address};
		vm->ram.count++;
		vm->ram.size += piece;
		gpa += piece;
		size -= piece;
	}
	return 0;
}

static int create_memory(struct vm *vm)
{
	uint64_t size = vm->config.memory;
	uint64_t low = size < GUEST_LOW_RAM_END ? size : GUEST_LOW_RAM_END;
	int error = allocate_ram(vm, 0, low);

	if (!error && size > low)
		error = allocate_ram(vm, HIGH_RAM_START, size - low);
	if (!error)
		error = ept_create(&vm->ept);
	return error || !vmx_capabilities()->apicv ? error
						   : ept_reserve_device(&vm->ept, LAPIC_PAGE);
}

static void refuse_memory(struct vm *vm)
{
	vm_refuse(vm,
		  "mem=%luM is more than there is (%luM free): give it less, or the machine more",
		  vm->config.memory >> 20, vm->settling.free >> 20);
}

/* A domain never had before; VMs of one trust=NAME share that of the first of them. */
static uint32_t trust_domain(const struct vm *vm)
{
	static uint32_t last_domain = FPU_DOMAIN_FIRST - 1; /* by VMs' new runs, on any CPU */

	/* at boot all have one: nothing changes in the table for those with a name */
	for (uint32_t i = 0; vm->config.trust[0] && i < vms_count(); i++)
		if (vm_at(i)->domain && !strcmp(vm_at(i)->config.trust, vm->config.trust))
			return vm_at(i)->domain;
	return __atomic_add_fetch(&last_domain, 1, __ATOMIC_RELAXED);
}

/* False when all extents are mapped. */
static bool map_next(struct vm *vm)
{
	const struct guest_extent *extent = &vm->ram.extent[vm->settling.extent];

	if (vm->settling.extent == vm->ram.count)
		return false;
	vm->settling.map = (struct ept_range){extent->gpa, (uint64_t)extent->host, extent->size};
	vm->settling.extent++;
	return true;
}

static void create(struct vm *vm)
{
	vm->state = VM_CLEARING;
	vm->domain = trust_domain(vm);
	vm->unhandled_io = 0;
	vm->holes.accesses = vm->holes.count = 0;
	vm->screen_drawn = false;
	vm->screen_sum = 0; /* of an empty one, which has been looked at */
	vm->screen_still = VM_SCREEN_STILL;
	memset(vm->unanswered, 0, sizeof(vm->unanswered));
	vm->unhandled_read = vm->unhandled_write = PORT_NONE;
	vm->refused_msr = (struct refused_msr){};
	vm->console.used = false;
	vm->settling.free = memory_free_bytes();
	if (!(vm->config.cpus & pcpus_up())) {
		vm_refuse(vm, "cpus= names no physical CPU that runs: %u do, from 0 on",
			  cpus_count());
		return;
	}
	if (create_memory(vm)) {
		refuse_memory(vm);
		return;
	}
	map_next(vm);
	vm->settling.stage = SETTLE_MAP;
}

static void map(struct vm *vm)
{
	int more = ept_map_step(&vm->ept, &vm->settling.map);

	if (more < 0)
		refuse_memory(vm);
	else if (!more && !map_next(vm))
		vm->settling.stage = SETTLE_VCPU;
}

static void create_vcpus(struct vm *vm)
{
	vm->settling.extent = 0;
	for (uint32_t i = 0; i < vm->vcpu_count; i++) {
		if (!vcpu_create(vm->vcpu[i], fpu_trace_id(vm - vm_at(0), i), vm->domain))
			continue;
		vm_refuse(vm, "no memory for its virtual CPU");
		return;
	}
	vm->settling.stage = SETTLE_CLEAR;
}

static void destroy_vcpus(struct vm *vm)
{
	mail_ask(pcpus_up(), loaded_forget, vm);
	for (uint32_t i = 0; i < vm->vcpu_count; i++)
		vcpu_destroy(vm->vcpu[i]);
}

/* True when there is no more; what a machine check took is left out. */
static bool free_piece(struct vm *vm)
{
	struct vm_settling *s = &vm->settling;
	const struct guest_extent *extent = &vm->ram.extent[s->extent];
	uint64_t start, size;
	bool lost;

	if (s->extent == vm->ram.count)
		return true;
	start = (uint64_t)extent->host + s->offset;
	size = lost_memory_run(start, extent->size - s->offset, &lost);
	if (!lost)
		memory_free(start, size);
	s->offset += size;
	if (s->offset == extent->size) {
		s->offset = 0;
		s->extent++;
	}
	return false;
}

static void end_for_good(struct vm *vm)
{
	vm->state = VM_ENDED;
	if (__atomic_sub_fetch(&vms_alive, 1, __ATOMIC_SEQ_CST))
		return;
	for (uint32_t i = 0; i < cpus_count(); i++) /* nothing is left to wait for */
		if (pcpu_at(i) != this_pcpu())
			mail_kick(pcpu_at(i));
}

static void end_run(struct vm *vm)
{
	vm->ram = (struct guest_ram){};
	vm->settling.extent = 0;
	if (vm->settling.refused) {
		end_for_good(vm);
		return;
	}
	record("vm name=%s state=cleared", vm->config.name);
	vm->settling.record = 0;
	vm->settling.stage = SETTLE_RECORDS;
	if (++vm->runs == vm->config.runs)
		end_for_good(vm);
}

void vm_parts_step(struct vm *vm)
{
	struct vm_settling *s = &vm->settling;

	switch (s->stage) {
	case SETTLE_CREATE: /* with runs= left: a new VM in all but name */
		create(vm);
		break;
	case SETTLE_MAP:
		map(vm);
		break;
	case SETTLE_VCPU:
		create_vcpus(vm);
		break;
	case SETTLE_GIVE_BACK:
		destroy_vcpus(vm);
		s->extent = 0;
		s->stage = SETTLE_UNMAP;
		break;
	case SETTLE_UNMAP:
		hole_step_destroy(vm);
		if (!ept_destroy_step(&vm->ept))
			s->stage = SETTLE_FREE;
		break;
	case SETTLE_FREE:
		if (free_piece(vm))
			end_run(vm);
		break;
	default:
		assert(false);
	}
}
