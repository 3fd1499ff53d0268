/*
 * Starts one of our guests under Linux's KVM, as Resident would start it, or Resident itself:
 *
 *   launcher [-c CPUS] KERNEL [WORD...] [; MODULE [WORD...]]...
 *
 * a multiboot 1 kernel in an ELF32 or ELF64 file, with the words as its command line, and modules.
 * The machine has one CPU or as many as are said, RAM, KVM's own PICs, I/O APIC, local APICs and
 * 8254, VMX where KVM can give it (kvm-intel nested=1), and a COM1 that only sends; no firmware and
 * no table of one, no other device. It ends when the guest writes its status to port 0xF4, and so
 * does the launcher, with that status. What the guest sent is printed then: printed at once, the
 * interrupts of Linux's own UART would fall into what the guest measures.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/guest/support/multiboot.h"
#include "tests/peer/launcher.h"

#define CPUS_MAX    8
#define TSS_ADDRESS 0xfffbd000 /* three pages that KVM wants for itself */
#define CPUID_MAX   256
#define OUTPUT_MAX  (1 << 20)
#define TIMEOUT	    600 /* of Linux's seconds */

/* SDM volume 2, CPUID, leaf 1: HYPERVISOR is not used by CPUs, and set by hypervisors. */
#define CPUID_1_ECX_VMX	       (1u << 5)
#define CPUID_1_ECX_HYPERVISOR (1u << 31)
#define CPUID_1_EBX_APIC_SHIFT 24
#define CPUID_TOPOLOGY	       0xb

/* SDM volume 4: what firmware leaves where VMX is on, with bit 0 as the lock. */
#define MSR_IA32_FEATURE_CONTROL 0x3a
#define FEATURE_CONTROL_VMX	 0x5

#define COM1	   0x3f8
#define COM1_IIR   (COM1 + 2)
#define IIR_16550A 0xc1 /* FIFOs that work, no interrupt */
#define COM1_LCR   (COM1 + 3)
#define LCR_DLAB   0x80 /* a write to COM1 is of the baud rate */
#define COM1_LSR   (COM1 + 5)
#define LSR_EMPTY  0x60 /* can take a character, and has sent all */
#define COM1_SCR   (COM1 + 7)
#define COM1_PORTS 8
#define EXIT_PORT  0xf4

static int kvm, vm;
static uint8_t *ram;

static int control(int fd, const char *name, unsigned long request, const void *argument)
{
	int result = ioctl(fd, request, argument);

	if (result < 0)
		err(TROUBLE, "%s", name);
	return result;
}

#define CONTROL(fd, request, argument)                                                             \
	control(fd, #request, request, (const void *)(uintptr_t)(argument))

static void make_vm(void)
{
	struct kvm_pit_config pit = {.flags = KVM_PIT_SPEAKER_DUMMY}; /* with port 61h */

	vm = CONTROL(kvm, KVM_CREATE_VM, 0);

	/* populated: what the guest measures is KVM's own work, without Linux finding a page */
	ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
		   -1, 0);
	if (ram == MAP_FAILED)
		err(TROUBLE, "%u MiB for the guest", RAM >> 20);

	struct kvm_userspace_memory_region region = {
		.memory_size = RAM,
		.userspace_addr = (uintptr_t)ram,
	};

	CONTROL(vm, KVM_SET_TSS_ADDR, TSS_ADDRESS);
	CONTROL(vm, KVM_CREATE_IRQCHIP, 0);
	CONTROL(vm, KVM_CREATE_PIT2, &pit);
	CONTROL(vm, KVM_SET_USER_MEMORY_REGION, &region);
}

/*
 * The guest sees the CPUID that KVM can give it, and what KVM leaves to us: that it is a guest, and
 * its APIC ID. Returns whether it has VMX.
 */
static bool set_cpuid(int vcpu, unsigned id)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[CPUID_MAX];
	} cpuid = {.head.nent = CPUID_MAX};
	bool vmx = false;

	CONTROL(kvm, KVM_GET_SUPPORTED_CPUID, &cpuid);
	for (unsigned i = 0; i < cpuid.head.nent; i++) {
		struct kvm_cpuid_entry2 *entry = &cpuid.entries[i];

		if (entry->function == 1) {
			vmx = entry->ecx & CPUID_1_ECX_VMX;
			entry->ecx |= CPUID_1_ECX_HYPERVISOR;
			entry->ebx &= (1u << CPUID_1_EBX_APIC_SHIFT) - 1;
			entry->ebx |= id << CPUID_1_EBX_APIC_SHIFT;
		} else if (entry->function == CPUID_TOPOLOGY) {
			entry->edx = id;
		}
	}
	CONTROL(vcpu, KVM_SET_CPUID2, &cpuid);
	return vmx;
}

static void allow_vmx(int vcpu)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msrs = {.head.nmsrs = 1, .entry = {MSR_IA32_FEATURE_CONTROL, 0, FEATURE_CONTROL_VMX}};

	if (CONTROL(vcpu, KVM_SET_MSRS, &msrs) != 1)
		errx(TROUBLE, "KVM does not take IA32_FEATURE_CONTROL=0x%x", FEATURE_CONTROL_VMX);
}

/* Multiboot Specification 0.6.96, 3.2: 32-bit protected mode with flat segments. */
static void set_registers(int vcpu, uint64_t entry)
{
	struct kvm_segment code = {.limit = 0xffffffff,
				   .selector = 0x08,
				   .type = 0xb,
				   .present = 1,
				   .db = 1,
				   .s = 1,
				   .g = 1};
	struct kvm_segment data = code;
	struct kvm_sregs system;
	struct kvm_regs general = {
		.rip = entry, .rflags = 2, .rax = MULTIBOOT_BOOT_MAGIC, .rbx = BOOT_INFO};

	data.selector = 0x10;
	data.type = 0x3;
	CONTROL(vcpu, KVM_GET_SREGS, &system);
	system.cs = code;
	system.ds = system.es = system.fs = system.gs = system.ss = data;
	system.cr0 = 0x11; /* PE, ET */
	CONTROL(vcpu, KVM_SET_SREGS, &system);
	CONTROL(vcpu, KVM_SET_REGS, &general);
}

static uint8_t read_port(uint16_t port, const uint8_t *com1)
{
	switch (port) {
	case COM1_IIR:
		return IIR_16550A;
	case COM1_LSR:
		return LSR_EMPTY;
	case COM1_SCR:
		return com1[COM1_SCR - COM1];
	default:
		return 0xff;
	}
}

/* A port of none of KVM's own devices. */
static void carry_out_io(struct kvm_run *run)
{
	static uint8_t com1[COM1_PORTS]; /* as written */
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	size_t bytes = (size_t)run->io.size * run->io.count;

	if (run->io.direction == KVM_EXIT_IO_IN)
		memset(data, read_port(run->io.port, com1), bytes);
	else if (run->io.port == COM1 && !(com1[COM1_LCR - COM1] & LCR_DLAB))
		fwrite(data, 1, bytes, stdout);
	else if (run->io.port >= COM1 && run->io.port < COM1 + COM1_PORTS)
		com1[run->io.port - COM1] = *data;
	else if (run->io.port == EXIT_PORT)
		exit(*data);
}

static void carry_out(struct kvm_run *run)
{
	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		carry_out_io(run);
		break;
	case KVM_EXIT_MMIO: /* there is nothing */
		if (!run->mmio.is_write)
			memset(run->mmio.data, 0xff, sizeof(run->mmio.data));
		break;
	case KVM_EXIT_FAIL_ENTRY:
		errx(TROUBLE, "VM entry failed, reason 0x%llx",
		     run->fail_entry.hardware_entry_failure_reason);
	case KVM_EXIT_SHUTDOWN:
		errx(TROUBLE, "triple fault");
	default:
		errx(TROUBLE, "KVM ended with exit reason %u", run->exit_reason);
	}
}

/* KVM_RUN is interrupted, and that ends us. */
static void out_of_time(int signal)
{
	(void)signal;
}

struct cpu {
	int vcpu;
	struct kvm_run *run;
};

static struct cpu make_cpu(unsigned id)
{
	struct cpu cpu = {.vcpu = CONTROL(vm, KVM_CREATE_VCPU, id)};
	int size = CONTROL(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	cpu.run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu.vcpu, 0);
	if (cpu.run == MAP_FAILED)
		err(TROUBLE, "struct kvm_run");
	if (set_cpuid(cpu.vcpu, id))
		allow_vmx(cpu.vcpu);
	return cpu;
}

static _Noreturn void run_cpu(struct cpu *cpu)
{
	for (;;) {
		if (!ioctl(cpu->vcpu, KVM_RUN, 0))
			carry_out(cpu->run);
		else if (errno != EAGAIN) /* what a vCPU says that has left wait-for-SIPI */
			err(TROUBLE, "KVM_RUN");
	}
}

static void *run_thread(void *cpu)
{
	run_cpu(cpu);
}

/* All but the first wait in KVM_RUN until an INIT and a start-up IPI come. */
static void run_all(struct cpu *cpu, unsigned cpus)
{
	sigset_t alarms;
	pthread_t thread;

	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarms, NULL);
	for (unsigned id = 1; id < cpus; id++)
		if (pthread_create(&thread, NULL, run_thread, &cpu[id]))
			errx(TROUBLE, "no thread for CPU %u", id);
	pthread_sigmask(SIG_UNBLOCK, &alarms, NULL);
	sigaction(SIGALRM, &(struct sigaction){.sa_handler = out_of_time}, NULL);
	alarm(TIMEOUT);
	run_cpu(&cpu[0]);
}

int main(int argc, char **argv)
{
	struct cpu cpu[CPUS_MAX];
	unsigned cpus = 1;

	for (int option; (option = getopt(argc, argv, "+c:")) != -1;)
		cpus = option == 'c' ? (unsigned)atoi(optarg) : 0;
	if (optind == argc || cpus < 1 || cpus > CPUS_MAX)
		errx(TROUBLE, "usage: launcher [-c CPUS] KERNEL [WORD...] [; MODULE [WORD...]]...");
	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0)
		err(TROUBLE, "/dev/kvm");
	make_vm();

	uint64_t entry = load_machine(ram, argv + optind);

	for (unsigned id = 0; id < cpus; id++)
		cpu[id] = make_cpu(id);
	set_registers(cpu[0].vcpu, entry);
	setvbuf(stdout, NULL, _IOFBF, OUTPUT_MAX);
	run_all(cpu, cpus);
}
