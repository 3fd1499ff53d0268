/*
 * Starts one of our guests under Linux's KVM, as Resident would start it:
 *
 *   launcher KERNEL [WORD...]
 *
 * a multiboot 1 kernel in an ELF32 or ELF64 file, with the words as its command line, on one vCPU.
 * The machine has RAM, KVM's own PICs, I/O APIC, local APIC and 8254, and a COM1 that only sends;
 * no firmware, no other device. It ends when the guest writes its status to port 0xF4, and so does
 * the launcher, with that status. What the guest sent is printed then: printed at once, the
 * interrupts of Linux's own UART would fall into what the guest measures.
 */
#include <elf.h>
#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/guest/support/multiboot.h"

#define RAM	    (64 << 20)
#define LOW_END	    0xa0000 /* of RAM below the hole of a PC */
#define HIGH_START  0x100000
#define BOOT_INFO   0x1000
#define TSS_ADDRESS 0xfffbd000 /* three pages that KVM wants for itself */
#define CPUID_MAX   256
#define OUTPUT_MAX  (1 << 20)
#define TIMEOUT	    120 /* of Linux's seconds */
#define TROUBLE	    125 /* the status when it was not the guest that ended */

/* SDM volume 2, CPUID, leaf 1: not used by CPUs, and set by hypervisors */
#define CPUID_1_ECX_HYPERVISOR (1u << 31)

#define COM1	  0x3f8
#define COM1_LCR  (COM1 + 3)
#define LCR_DLAB  0x80 /* a write to COM1 is of the baud rate */
#define COM1_LSR  (COM1 + 5)
#define LSR_EMPTY 0x60 /* can take a character, and has sent all */
#define EXIT_PORT 0xf4

/* Multiboot Specification 0.6.96, 3.3: `flags` */
#define INFO_MEMORY 0x01
#define INFO_MMAP   0x40

struct boot_info {
	struct multiboot_info info;
	struct multiboot_mmap map[2];
	char command_line[1024];
};

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

/* A file in memory. */
static const uint8_t *map_file(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		err(TROUBLE, "%s", path);
	*size = (size_t)status.st_size;

	const uint8_t *file = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);

	if (file == MAP_FAILED)
		err(TROUBLE, "%s", path);
	close(fd);
	return file;
}

static void check_range(uint64_t start, uint64_t length, uint64_t size, const char *what)
{
	if (start > size || length > size - start)
		errx(TROUBLE, "%s: 0x%lx bytes at 0x%lx do not fit into 0x%lx", what, length, start,
		     size);
}

static void load_segment(const uint8_t *file, size_t size, uint64_t offset, uint64_t address,
			 uint64_t length)
{
	check_range(offset, length, size, "a segment of the kernel file");
	check_range(address, length, RAM, "a segment in RAM");
	memcpy(ram + address, file + offset, length);
}

/* Loads the segments, the rest of which is zero as all RAM is, and returns the entry point. */
#define DEFINE_LOAD(bits)                                                                          \
	static uint64_t load##bits(const uint8_t *file, size_t size)                               \
	{                                                                                          \
		const Elf##bits##_Ehdr *elf = (const void *)file;                                  \
		const Elf##bits##_Phdr *segment;                                                   \
                                                                                                   \
		check_range(0, sizeof(*elf), size, "the ELF header");                              \
		check_range(elf->e_phoff, elf->e_phnum * sizeof(*segment), size,                   \
			    "the program headers");                                                \
		segment = (const void *)(file + elf->e_phoff);                                     \
		for (unsigned i = 0; i < elf->e_phnum; i++, segment++) {                           \
			if (segment->p_type != PT_LOAD)                                            \
				continue;                                                          \
			load_segment(file, size, segment->p_offset, segment->p_paddr,              \
				     segment->p_filesz);                                           \
			check_range(segment->p_paddr, segment->p_memsz, RAM, "a segment in RAM");  \
		}                                                                                  \
		return elf->e_entry;                                                               \
	}

DEFINE_LOAD(32)
DEFINE_LOAD(64)

static uint64_t load_kernel(const char *path)
{
	size_t size;
	const uint8_t *file = map_file(path, &size);

	check_range(0, EI_NIDENT, size, path);
	if (memcmp(file, ELFMAG, SELFMAG))
		errx(TROUBLE, "%s is no ELF file", path);
	return file[EI_CLASS] == ELFCLASS64 ? load64(file, size) : load32(file, size);
}

static void make_boot_info(char **words)
{
	struct boot_info *boot = (void *)(ram + BOOT_INFO);
	size_t length = 0;

	for (; *words; words++) {
		size_t left = sizeof(boot->command_line) - length;
		int more = snprintf(boot->command_line + length, left, "%s%s", length ? " " : "",
				    *words);

		if ((size_t)more >= left)
			errx(TROUBLE, "the command line is too long");
		length += (size_t)more;
	}
	boot->map[0] = (struct multiboot_mmap){20, 0, LOW_END, 1};
	boot->map[1] = (struct multiboot_mmap){20, HIGH_START, RAM - HIGH_START, 1};
	boot->info = (struct multiboot_info){
		.flags = INFO_MEMORY | MULTIBOOT_INFO_CMDLINE | INFO_MMAP,
		.mem_lower = LOW_END >> 10,
		.mem_upper = (RAM - HIGH_START) >> 10,
		.cmdline = BOOT_INFO + offsetof(struct boot_info, command_line),
		.mmap_length = sizeof(boot->map),
		.mmap_addr = BOOT_INFO + offsetof(struct boot_info, map),
	};
}

static int make_vm(int kvm)
{
	int vm = CONTROL(kvm, KVM_CREATE_VM, 0);
	struct kvm_pit_config pit = {0};

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
	return vm;
}

/* The guest sees the CPUID that KVM can give it, and that it is a guest, which KVM leaves to us. */
static void set_cpuid(int kvm, int vcpu)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[CPUID_MAX];
	} cpuid = {.head.nent = CPUID_MAX};

	CONTROL(kvm, KVM_GET_SUPPORTED_CPUID, &cpuid);
	for (unsigned i = 0; i < cpuid.head.nent; i++)
		if (cpuid.entries[i].function == 1)
			cpuid.entries[i].ecx |= CPUID_1_ECX_HYPERVISOR;
	CONTROL(vcpu, KVM_SET_CPUID2, &cpuid);
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

/* A port of none of KVM's own devices. */
static void carry_out_io(struct kvm_run *run)
{
	static uint8_t line_control;
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	size_t bytes = (size_t)run->io.size * run->io.count;

	if (run->io.direction == KVM_EXIT_IO_IN)
		memset(data, run->io.port == COM1_LSR ? LSR_EMPTY : 0xff, bytes);
	else if (run->io.port == COM1_LCR)
		line_control = *data;
	else if (run->io.port == COM1 && !(line_control & LCR_DLAB))
		fwrite(data, 1, bytes, stdout);
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

int main(int argc, char **argv)
{
	if (argc < 2)
		errx(TROUBLE, "usage: launcher KERNEL [WORD...]");

	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (kvm < 0)
		err(TROUBLE, "/dev/kvm");

	int vm = make_vm(kvm);
	uint64_t entry = load_kernel(argv[1]);

	make_boot_info(argv + 2);

	int vcpu = CONTROL(vm, KVM_CREATE_VCPU, 0);
	int size = CONTROL(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	struct kvm_run *run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);

	if (run == MAP_FAILED)
		err(TROUBLE, "struct kvm_run");
	set_cpuid(kvm, vcpu);
	set_registers(vcpu, entry);
	setvbuf(stdout, NULL, _IOFBF, OUTPUT_MAX);
	sigaction(SIGALRM, &(struct sigaction){.sa_handler = out_of_time}, NULL);
	alarm(TIMEOUT);
	for (;;) {
		CONTROL(vcpu, KVM_RUN, 0);
		carry_out(run);
	}
}
