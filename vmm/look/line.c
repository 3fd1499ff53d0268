#include "vmm/look/line.h"

#include <stdarg.h>

#include "lib/console.h"
#include "lib/format.h"
#include "vmm/vm.h"
#include "vmx/names.h"
#include "vmx/vmcs_bits.h"

void look_add(struct vm_look *look, const char *fmt, ...)
{
	size_t room = sizeof(look->text) - look->length, length;
	va_list args;

	va_start(args, fmt);
	length = format_v(look->text + look->length, room, fmt, args);
	va_end(args);
	look->length += length < room ? length : room - 1;
}

bool look_log(const struct vcpu *vcpu, struct vm_look *look)
{
	if (!look->length)
		return false;
	if (vcpu->vm->vcpu_count > 1)
		log_info("%s: vCPU %u: %s", vcpu->vm->config.name, vcpu->id, look->text);
	else
		log_info("%s: %s", vcpu->vm->config.name, look->text);
	look->length = 0;
	return true;
}

void look_add_event(struct vm_look *look, uint32_t info)
{
	uint8_t vector = info & INTERRUPTION_VECTOR;

	switch (info & INTERRUPTION_TYPE) {
	case TYPE_NMI:
		look_add(look, "NMI");
		break;
	case TYPE_EXTERNAL_INTERRUPT:
		look_add(look, "interrupt 0x%x", vector);
		break;
	case TYPE_SOFTWARE_INTERRUPT:
		look_add(look, "INT 0x%x", vector);
		break;
	default:
		look_add(look, "%s", exception_name(vector));
	}
}
