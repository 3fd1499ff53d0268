#include "vmm/look/lines.h"

#include <stddef.h>

#include "lib/format.h"
#include "lib/min.h"
#include "lib/x86.h"
#include "vmm/exit/instruction.h"
#include "vmm/loaded.h"
#include "vmm/look/backtrace.h"
#include "vmm/look/line.h"
#include "vmm/look/running_view.h"
#include "vmm/pcpu.h"
#include "vmm/vm.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

#define NAME_SIZE  80
#define CODE_BYTES 16
#define RFLAGS_VM  BIT(17)

static uint64_t linear_rip(void)
{
	return vmcs_read(VMCS_GUEST_CS_BASE) + vmcs_read(VMCS_GUEST_RIP);
}

/* Of an address, " <name+0x12>" or "". False: the search has to go on. */
static bool find_name(struct vm_look *look, uint64_t address, uint64_t back, char *name)
{
	char found[NAME_SIZE - 24];
	uint64_t offset;

	if (!look->searching)
		elf_search_begin(&look->search, address - back);
	look->searching = !elf_search_step(&look->symbols, &look->search);
	if (look->searching)
		return false;
	name[0] = '\0';
	if (elf_search_name(&look->symbols, &look->search, found, sizeof(found), &offset))
		format(name, NAME_SIZE, " <%s+0x%lx>", found, offset + back);
	return true;
}

static const char *mode(const struct vcpu *vcpu)
{
	bool wide = vmcs_read(VMCS_GUEST_CS_ACCESS_RIGHTS) & ACCESS_RIGHTS_DB;

	if (!(vmcs_read(VMCS_GUEST_CR0) & CR0_PE))
		return "real mode";
	if (vmcs_read(VMCS_GUEST_RFLAGS) & RFLAGS_VM)
		return "virtual-8086 mode";
	if (vcpu_in_64bit_mode(vcpu))
		return "64-bit mode";
	if (vcpu->long_mode)
		return wide ? "compatibility mode, 32 bits" : "compatibility mode, 16 bits";
	return wide ? "protected mode, 32 bits" : "protected mode, 16 bits";
}

static const char *blocking(void)
{
	uint64_t state = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);

	if (state & BLOCKING_BY_STI)
		return ", after STI";
	if (state & BLOCKING_BY_MOV_SS)
		return ", after MOV SS";
	return state & BLOCKING_BY_NMI ? ", NMIs blocked" : "";
}

static bool line_place(struct vcpu *vcpu, struct vm_look *look)
{
	static const char *const states[] = {"stopped", "runnable", "halted", "waits"};
	uint64_t rflags = vmcs_read(VMCS_GUEST_RFLAGS);
	char name[NAME_SIZE];

	if (!find_name(look, linear_rip(), 0, name))
		return false;
	look_add(look, "RIP=0x%lx%s, %s, CPL %u, RFLAGS=0x%lx: IF=%u%s", vmcs_read(VMCS_GUEST_RIP),
		 name, mode(vcpu), vcpu_cpl(), rflags, (rflags & RFLAGS_IF) != 0, blocking());
	if (look->report)
		look_add(look, "; %s on CPU %u", states[vcpu->state], this_pcpu()->cpu.id);
	return true;
}

/* What can be read of them: all, or those before the end of the page. */
static unsigned int read_code(const struct vcpu *vcpu, uint8_t *bytes)
{
	uint64_t rip = linear_rip();
	unsigned int count = CODE_BYTES;
	struct guest_view view;

	running_view(vcpu, &view);
	if (!guest_view_read(&view, rip, bytes, count))
		return count;
	count = min_u64(count, 0x1000 - (rip & 0xfff));
	return guest_view_read(&view, rip, bytes, count) ? 0 : count;
}

static bool line_code(struct vcpu *vcpu, struct vm_look *look)
{
	static const char digits[] = "0123456789abcdef";
	char text[3 * CODE_BYTES + 1] = "";
	uint8_t bytes[CODE_BYTES];
	unsigned int count = read_code(vcpu, bytes);

	for (unsigned int i = 0; i < count; i++) {
		text[3 * i] = ' ';
		text[3 * i + 1] = digits[bytes[i] >> 4];
		text[3 * i + 2] = digits[bytes[i] & 15];
	}
	look_add(look, "bytes at RIP:%s",
		 count ? text : " none, it is not mapped, or not its memory");
	return true;
}

static bool has_frames(void)
{
	return vmcs_read(VMCS_GUEST_CS_ACCESS_RIGHTS) & (ACCESS_RIGHTS_L | ACCESS_RIGHTS_DB);
}

/*
 * Where RIP leads nowhere, a call has. Its return address is on top of the stack still, and the
 * frame that RBP points to is the caller's.
 */
static bool called_to_nowhere(struct vcpu *vcpu, const struct guest_view *view,
			      const struct backtrace *trace, uint64_t *address)
{
	uint8_t byte;

	*address = 0;
	return guest_view_read(view, linear_rip(), &byte, 1) &&
	       !guest_view_read(view, trace->base + vcpu_get_register(vcpu, REGISTER_RSP), address,
				trace->width);
}

/* The next return address, into look->address. */
static bool next_frame(struct vcpu *vcpu, struct vm_look *look)
{
	struct backtrace trace = {
		.frame = look->frames ? look->frame : vcpu->guest.registers.rbp,
		.base = vmcs_read(VMCS_GUEST_SS_BASE),
		.width = vcpu_in_64bit_mode(vcpu) ? 8 : 4,
		.frames = look->frames,
	};
	struct guest_view view;
	bool more = true;

	running_view(vcpu, &view);
	if (!look->frames && called_to_nowhere(vcpu, &view, &trace, &look->address))
		trace.frames = 1;
	else
		more = backtrace_next(&trace, &view, &look->address);
	look->frame = trace.frame;
	look->frames = trace.frames;
	return more;
}

/* A frame each time. */
static bool line_backtrace(struct vcpu *vcpu, struct vm_look *look)
{
	char name[NAME_SIZE];

	if (!has_frames() || (!look->searching && !next_frame(vcpu, look)))
		return true;
	/* the call before it may be the last instruction of a function */
	if (!find_name(look, vmcs_read(VMCS_GUEST_CS_BASE) + look->address, 1, name))
		return false;
	if (look->symbols.count && !name[0])
		return true; /* no return address: RBP is not used for frames there */
	look_add(look, "called from 0x%lx%s", look->address, name);
	return false;
}

static look_line *const failed[] = {
	line_place, look_registers, look_control,    look_segments,  look_tables,
	line_code,  look_refused,   look_exceptions, line_backtrace, NULL};
static look_line *const report[] = {line_place, line_code,	look_pending,
				    look_exits, line_backtrace, NULL};

static void begin(struct vm *vm)
{
	const struct boot_module *image = vm->image;

	elf_symbols_init(&vm->look.symbols, (const void *)image->start, image->end - image->start);
}

/* Of one that failed the others come after the one that did. */
static bool next_vcpu(const struct vm *vm, struct vm_look *look)
{
	if (look->report)
		return ++look->vcpu < vm->vcpu_count;
	look->vcpu = (look->vcpu + 1) % vm->vcpu_count;
	return look->vcpu != vm->settling.failed_vcpu;
}

void look_at_failed(struct vm *vm)
{
	vm->look = (struct vm_look){.vcpu = vm->settling.failed_vcpu};
}

bool look_go_on(struct pcpu *pcpu, struct vm *vm)
{
	struct vm_look *look = &vm->look;
	look_line *line = (look->report ? report : failed)[look->line];
	struct vcpu *vcpu = vm->vcpu[look->vcpu];

	if (!look->symbols.file) {
		begin(vm);
	} else if (look_log(vcpu, look)) {
		/* what has just been made */
	} else if (line) {
		loaded_take(pcpu, vcpu);
		if (!line(vcpu, look))
			return true;
		look->line++;
		look->part = 0;
		look->searching = false;
	} else {
		look->line = 0;
		look->frame = look->frames = 0;
		return next_vcpu(vm, look);
	}
	return true;
}
