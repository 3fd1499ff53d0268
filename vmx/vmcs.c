#include "vmx/vmcs.h"

#include "lib/panic.h"

void vmcs_access_failed(enum vmcs_field field, bool write)
{
	panic("%s of VMCS field 0x%x failed", write ? "VMWRITE" : "VMREAD", field);
}
