/* SDM Vol. 3C chapters 23 to 31. The numbers are Resident's names; the code is not. */
#include "tests/guest/support/guest.h"
#include "tests/guest/support/segments.h"
#include "tests/peer/reflect.h"
#include "vmx/exit_reasons.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

#define MSR_FEATURE_CONTROL 0x3a
#define FEATURE_CONTROL_ON  0x5 /* locked, VMX outside SMX */
#define MSR_VMX_BASIC	    0x480
#define MSR_VMX_CR0_FIXED0  0x486
#define MSR_VMX_CR4_FIXED0  0x488
#define MSR_VMX_PROCBASED2  0x48b
#define MSR_VMX_TRUE_PIN    0x48d
#define MSR_VMX_TRUE_PROC   0x48e
#define MSR_VMX_TRUE_EXIT   0x48f
#define MSR_VMX_TRUE_ENTRY  0x490

#define CPUID_1_ECX_VMX	  BIT(5)
#define CPUID_1_ECX_XSAVE BIT(26)

#define EPT_ALL	       0x7ull
#define EPT_WRITE_BACK (6ull << 3)
#define EPT_LARGE      BIT(7)
#define EPTP	       0x1eull /* write-back, 4 levels */
#define LARGE_PAGE     0x200000ull

#define CODE_RIGHTS 0xa09bu
#define DATA_RIGHTS 0xc093u
#define TSS_RIGHTS  0x008bu

#define STACK 4096

struct pointer {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

static uint8_t vmxon_region[4096] __attribute__((aligned(4096)));
static uint8_t vmcs_region[4096] __attribute__((aligned(4096)));
static uint8_t nothing_exits[3][4096] __attribute__((aligned(4096)));
static uint64_t ept[3][512] __attribute__((aligned(4096)));
static uint8_t stack[STACK] __attribute__((aligned(16)));

static void write_field(enum vmcs_field field, uint64_t value)
{
	asm volatile("vmwrite %1, %0" : : "r"((uint64_t)field), "r"(value) : "cc");
}

static uint64_t read_field(enum vmcs_field field)
{
	uint64_t value;

	asm volatile("vmread %1, %0" : "=r"(value) : "r"((uint64_t)field) : "cc");
	return value;
}

/* What is wanted, as far as the CPU offers it, and what it demands. */
static void write_control(enum vmcs_field field, uint32_t msr, uint32_t wanted)
{
	uint64_t offers = rdmsr(msr);

	write_field(field, (wanted & (uint32_t)(offers >> 32)) | (uint32_t)offers);
}

static bool switch_vmx_on(void)
{
	uint64_t address = (uintptr_t)vmxon_region;
	bool no_vmxon, no_vmclear, no_vmptrld;

	if (!(cpuid(1, 0).ecx & CPUID_1_ECX_VMX) ||
	    (rdmsr(MSR_FEATURE_CONTROL) & FEATURE_CONTROL_ON) != FEATURE_CONTROL_ON)
		return false;
	*(uint32_t *)vmxon_region = *(uint32_t *)vmcs_region = (uint32_t)rdmsr(MSR_VMX_BASIC);
	write_cr0(read_cr0() | rdmsr(MSR_VMX_CR0_FIXED0));
	write_cr4(read_cr4() | rdmsr(MSR_VMX_CR4_FIXED0));
	asm volatile("vmxon %1" : "=@ccbe"(no_vmxon) : "m"(address) : "memory");
	if (no_vmxon)
		return false;
	address = (uintptr_t)vmcs_region;
	asm volatile("vmclear %1" : "=@ccbe"(no_vmclear) : "m"(address) : "memory");
	asm volatile("vmptrld %1" : "=@ccbe"(no_vmptrld) : "m"(address) : "memory");
	return !no_vmclear && !no_vmptrld;
}

/* Of the first GiB, as it is. */
static uint64_t make_ept(void)
{
	ept[0][0] = (uintptr_t)ept[1] | EPT_ALL;
	ept[1][0] = (uintptr_t)ept[2] | EPT_ALL;
	for (uint64_t i = 0; i < 512; i++)
		ept[2][i] = i * LARGE_PAGE | EPT_ALL | EPT_WRITE_BACK | EPT_LARGE;
	return (uintptr_t)ept[0] | EPTP;
}

static void write_controls(bool timer)
{
	write_control(VMCS_PIN_BASED_CONTROLS, MSR_VMX_TRUE_PIN,
		      PIN_EXTERNAL_INTERRUPT_EXITING | PIN_NMI_EXITING | PIN_VIRTUAL_NMIS |
			      (timer ? PIN_PREEMPTION_TIMER : 0));
	write_control(VMCS_PRIMARY_CONTROLS, MSR_VMX_TRUE_PROC,
		      PRIMARY_USE_TSC_OFFSETTING | PRIMARY_HLT_EXITING | PRIMARY_USE_IO_BITMAPS |
			      PRIMARY_USE_MSR_BITMAPS | PRIMARY_SECONDARY_CONTROLS);
	write_control(VMCS_SECONDARY_CONTROLS, MSR_VMX_PROCBASED2,
		      SECONDARY_ENABLE_EPT | SECONDARY_ENABLE_VPID | SECONDARY_UNRESTRICTED_GUEST);
	write_control(VMCS_EXIT_CONTROLS, MSR_VMX_TRUE_EXIT,
		      EXIT_SAVE_DEBUG_CONTROLS | EXIT_HOST_ADDRESS_SPACE_SIZE |
			      EXIT_ACKNOWLEDGE_INTERRUPT | EXIT_SAVE_IA32_PAT | EXIT_LOAD_IA32_PAT |
			      EXIT_SAVE_IA32_EFER | EXIT_LOAD_IA32_EFER |
			      (timer ? EXIT_SAVE_PREEMPTION_TIMER : 0));
	write_control(VMCS_ENTRY_CONTROLS, MSR_VMX_TRUE_ENTRY,
		      ENTRY_LOAD_DEBUG_CONTROLS | ENTRY_IA32E_MODE_GUEST | ENTRY_LOAD_IA32_PAT |
			      ENTRY_LOAD_IA32_EFER);
	if (timer)
		write_field(VMCS_PREEMPTION_TIMER, UINT32_MAX);
	write_field(VMCS_IO_BITMAP_A, (uintptr_t)nothing_exits[0]);
	write_field(VMCS_IO_BITMAP_B, (uintptr_t)nothing_exits[1]);
	write_field(VMCS_MSR_BITMAP, (uintptr_t)nothing_exits[2]);
	write_field(VMCS_EPT_POINTER, make_ept());
	write_field(VMCS_VPID, 1);
}

static uint64_t tss_base(void)
{
	struct pointer gdt;

	asm volatile("sgdt %0" : "=m"(gdt));

	const uint64_t *descriptor = (const void *)(gdt.base + SEL_TSS);

	return (descriptor[0] >> 16 & 0xffffff) | descriptor[0] >> 56 << 24 | descriptor[1] << 32;
}

static void write_segment(enum vmcs_field selector, uint16_t value, uint64_t base, uint32_t rights)
{
	unsigned number = (selector - VMCS_GUEST_ES_SELECTOR) / 2;

	write_field(selector, value);
	write_field(VMCS_GUEST_ES_BASE + 2 * number, base);
	write_field(VMCS_GUEST_ES_LIMIT + 2 * number, rights == TSS_RIGHTS ? 0x67 : 0xffffffff);
	write_field(VMCS_GUEST_ES_ACCESS_RIGHTS + 2 * number, rights);
}

/* The guest is in this address space, with these tables. */
static void write_both_states(void (*code)(void), uint64_t host_cr4, uint64_t host_efer)
{
	struct pointer gdt, idt;

	asm volatile("sgdt %0" : "=m"(gdt));
	asm volatile("sidt %0" : "=m"(idt));
	write_field(VMCS_HOST_CS_SELECTOR, SEL_CODE64);
	write_field(VMCS_HOST_SS_SELECTOR, SEL_DATA);
	write_field(VMCS_HOST_DS_SELECTOR, SEL_DATA);
	write_field(VMCS_HOST_ES_SELECTOR, SEL_DATA);
	write_field(VMCS_HOST_TR_SELECTOR, SEL_TSS);
	write_field(VMCS_HOST_TR_BASE, tss_base());
	write_field(VMCS_HOST_GDTR_BASE, gdt.base);
	write_field(VMCS_HOST_IDTR_BASE, idt.base);
	write_field(VMCS_HOST_CR0, read_cr0());
	write_field(VMCS_HOST_CR3, read_cr3());
	write_field(VMCS_HOST_CR4, host_cr4);
	write_field(VMCS_HOST_IA32_PAT, rdmsr(MSR_PAT));
	write_field(VMCS_HOST_IA32_EFER, host_efer);

	write_segment(VMCS_GUEST_CS_SELECTOR, SEL_CODE64, 0, CODE_RIGHTS);
	write_segment(VMCS_GUEST_SS_SELECTOR, SEL_DATA, 0, DATA_RIGHTS);
	write_segment(VMCS_GUEST_DS_SELECTOR, SEL_DATA, 0, DATA_RIGHTS);
	write_segment(VMCS_GUEST_ES_SELECTOR, SEL_DATA, 0, DATA_RIGHTS);
	write_segment(VMCS_GUEST_FS_SELECTOR, SEL_DATA, 0, DATA_RIGHTS);
	write_segment(VMCS_GUEST_GS_SELECTOR, SEL_DATA, 0, DATA_RIGHTS);
	write_segment(VMCS_GUEST_LDTR_SELECTOR, 0, 0, ACCESS_RIGHTS_UNUSABLE);
	write_segment(VMCS_GUEST_TR_SELECTOR, SEL_TSS, tss_base(), TSS_RIGHTS);
	write_field(VMCS_GUEST_GDTR_BASE, gdt.base);
	write_field(VMCS_GUEST_GDTR_LIMIT, gdt.limit);
	write_field(VMCS_GUEST_IDTR_BASE, idt.base);
	write_field(VMCS_GUEST_IDTR_LIMIT, idt.limit);
	write_field(VMCS_GUEST_CR0, read_cr0());
	write_field(VMCS_GUEST_CR3, read_cr3());
	write_field(VMCS_GUEST_CR4, read_cr4());
	write_field(VMCS_GUEST_IA32_PAT, rdmsr(MSR_PAT));
	write_field(VMCS_GUEST_IA32_EFER, rdmsr(MSR_EFER));
	write_field(VMCS_GUEST_DR7, 0x400);
	write_field(VMCS_GUEST_RFLAGS, 0x2);
	write_field(VMCS_GUEST_RIP, (uintptr_t)code);
	write_field(VMCS_GUEST_RSP, (uintptr_t)stack + STACK - 8); /* as after a call */
	write_field(VMCS_VMCS_LINK_POINTER, ~0ull);
}

bool reflect_start(void (*code)(void), const struct reflect_options *options)
{
	uint64_t host_cr4, host_efer = rdmsr(MSR_EFER);

	if (!switch_vmx_on())
		return false;
	host_cr4 = read_cr4();
	if (options->nx)
		host_efer |= EFER_NXE;
	if (options->osxsave && (cpuid(1, 0).ecx & CPUID_1_ECX_XSAVE))
		host_cr4 |= CR4_OSXSAVE;
	write_controls(options->timer);
	write_both_states(code, host_cr4, host_efer);
	write_cr4(host_cr4);
	wrmsr(MSR_EFER, host_efer);
	return true;
}

uint64_t reflect_run(void)
{
	uint64_t reason;
	bool failed;

	/* An exit comes to 1 with this stack; the guest has the other registers then. */
	asm volatile("push	%%rbp\n\t"
		     "push	%%rbx\n\t"
		     "lea	1f(%%rip), %%rax\n\t"
		     "mov	%[host_rip], %%ecx\n\t"
		     "vmwrite	%%rax, %%rcx\n\t"
		     "mov	%[host_rsp], %%ecx\n\t"
		     "vmwrite	%%rsp, %%rcx\n\t"
		     "vmlaunch\n\t"
		     "jmp	3f\n"
		     "1:	push	%%rax\n\t"
		     "push	%%rcx\n\t"
		     "mov	%[exit_reason], %%ecx\n\t"
		     "vmread	%%rcx, %%rax\n\t"
		     "cmp	%[cpuid], %%eax\n\t"
		     "jne	2f\n\t"
		     "mov	%[rip], %%ecx\n\t"
		     "vmread	%%rcx, %%rax\n\t"
		     "add	$2, %%rax\n\t" /* CPUID has two bytes */
		     "vmwrite	%%rax, %%rcx\n\t"
		     "pop	%%rcx\n\t"
		     "pop	%%rax\n\t"
		     "vmresume\n\t"
		     "jmp	3f\n"
		     "2:	add	$16, %%rsp\n"
		     "3:	setbe	%%cl\n\t"
		     "pop	%%rbx\n\t"
		     "pop	%%rbp\n\t"
		     : "=a"(reason), "=c"(failed)
		     : [host_rip] "i"(VMCS_HOST_RIP), [host_rsp] "i"(VMCS_HOST_RSP),
		       [exit_reason] "i"(VMCS_EXIT_REASON), [rip] "i"(VMCS_GUEST_RIP),
		       [cpuid] "i"(EXIT_REASON_CPUID)
		     : "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
		       "cc", "memory");
	return failed ? read_field(VMCS_INSTRUCTION_ERROR) | BIT(32) : reason;
}
