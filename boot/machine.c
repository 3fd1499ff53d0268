#include "boot/machine.h"

#include "lib/signature.h"
#include "lib/string.h"
#include "lib/x86.h"

#define PORT_E9 0xe9

static enum machine_kind kind; /* written at boot */

/* The signature of hypervisor leaf 40000000h, or "" on bare hardware. */
static void hypervisor_signature(char signature[13])
{
	struct cpuid_regs r = cpuid(0x40000000);

	memset(signature, 0, 13);
	if (!cpuid_has_hypervisor())
		return;
	memcpy(signature, &r.ebx, 4);
	memcpy(signature + 4, &r.ecx, 4);
	memcpy(signature + 8, &r.edx, 4);
}

void machine_init(void)
{
	char signature[13];

	hypervisor_signature(signature);
	if (!strcmp(signature, "TCGTCGTCGTCG"))
		kind = MACHINE_TCG;
	else if (!strcmp(signature, "KVMKVMKVM"))
		kind = MACHINE_KVM;
	/* Bochs with port_e9_hack reads back the port number; QEMU has a device that does, too */
	else if (!cpuid_has_hypervisor() && inb(PORT_E9) == PORT_E9)
		kind = MACHINE_BOCHS;
}

enum machine_kind machine_kind(void)
{
	return kind;
}

const char *machine_name(void)
{
	static const char *const name[] = {"pc", "bochs", "tcg", "kvm"};

	return name[kind];
}
