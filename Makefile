# Resident. `make help` lists the targets.

CC      := gcc
LD      := ld
OBJCOPY := objcopy
BUILD   := build

.DEFAULT_GOAL := all

CFLAGS := -m64 -std=gnu11 -O2 -g -ffreestanding -fno-pic -fno-pie -mcmodel=small -mno-red-zone \
	-mgeneral-regs-only -fno-stack-protector -fcf-protection=none -fno-omit-frame-pointer \
	-fno-optimize-sibling-calls -fno-asynchronous-unwind-tables -fno-strict-aliasing --param=min-pagesize=0 \
	-Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -Wundef -Wvla -I. -MMD -MP

# vmx/offsets.c only makes offsets.h
SOURCES := $(filter-out vmx/offsets.c,$(wildcard $(foreach folder,lib boot vmx vmx/* fpu vmm vmm/*,$(folder)/*.c $(folder)/*.S)))
OBJECTS := $(SOURCES:%=$(BUILD)/%.o)

.PHONY: all
all: $(BUILD)/resident.elf $(BUILD)/resident32.elf guests ## the hypervisor and the guests of tests/guest (the default)

$(BUILD)/%.c.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c -o $@ $<

# On the short way of an exit every instruction counts, and vmx_exit is what called: no frame is
# missed in a backtrace.
$(patsubst %,$(BUILD)/vmm/exit/%.c.o,dispatch cpuid cr hypercall io mmio_decode mmio_execute msr string_io) \
	$(BUILD)/vmm/device/bus.c.o $(BUILD)/vmm/device/com1.c.o $(BUILD)/vmm/chip/uart.c.o $(BUILD)/vmm/loaded.c.o \
	$(patsubst %,$(BUILD)/vmm/chip/%.c.o,lapic lapic_registers lapic_send) \
	$(BUILD)/fpu/hooks.c.o $(BUILD)/fpu/guest_cr0.c.o \
	$(BUILD)/fpu/guest.c.o $(BUILD)/fpu/owner.c.o: \
	CFLAGS += -foptimize-sibling-calls -momit-leaf-frame-pointer

# Bytes of a struct are stored as they come, not collected in a register first.
$(BUILD)/vmm/exit/mmio_decode.c.o: CFLAGS += -fno-tree-slp-vectorize

$(BUILD)/%.S.o: %.S Makefile
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -I$(BUILD) -c -o $@ $<

$(BUILD)/vmx/entry.S.o: $(BUILD)/offsets.h
$(BUILD)/vmm/load/dsdt.S.o: $(BUILD)/dsdt.aml
$(BUILD)/lib/font.S.o: $(BUILD)/font.bin

$(BUILD)/offsets.h: vmx/offsets.c $(wildcard vmx/*.h) Makefile
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -MF $(BUILD)/offsets.d -S -o $(BUILD)/offsets.s $<
	sed -n 's/^->\([A-Z0-9_]*\) \$$\(.*\)/#define \1 \2/p' $(BUILD)/offsets.s > $@

# The ACPI devices of a guest's PC. What iasl says is of interest if it complains.
$(BUILD)/dsdt.aml: vmm/load/dsdt.asl Makefile
	@mkdir -p $(@D)
	@command -v iasl >/dev/null || { \
		echo "iasl is missing: it is in Debian's acpica-tools, which tools/setup run installs" >&2; exit 1; }
	iasl -vs -we -p $(BUILD)/dsdt-new $< > $(BUILD)/dsdt.log || { cat $(BUILD)/dsdt.log >&2; exit 1; }
	@mv $(BUILD)/dsdt-new.aml $@

# Of the framebuffer console; another one of 8x16 (Lat15-Terminus16.psf.gz) takes a make clean.
FONT ?= /usr/share/consolefonts/Unifont-APL8x16.psf.gz

$(BUILD)/font.bin: tools/font.py Makefile
	@mkdir -p $(@D)
	/usr/bin/python3 tools/font.py $(FONT) $@

# Two links: the second has the table of function names that the first made known.
LINK = $(LD) -m elf_x86_64 -nostdlib -static -z noexecstack -z max-page-size=4096 -T linker.ld

$(BUILD)/first.elf: $(OBJECTS) $(BUILD)/no-symbols.o linker.ld
	$(LINK) -o $@ $(OBJECTS) $(BUILD)/no-symbols.o

# For a debugger and tools/profile.
$(BUILD)/resident.debug: $(BUILD)/first.elf $(BUILD)/symbols.o
	$(LINK) -o $@ $(OBJECTS) $(BUILD)/symbols.o

# GRUB reads every byte of it, at an emulated CD's speed.
$(BUILD)/resident.elf: $(BUILD)/resident.debug
	$(OBJCOPY) --strip-debug $< $@

$(BUILD)/no-symbols.s: tools/symbols
	@mkdir -p $(@D)
	tools/symbols > $@

$(BUILD)/symbols.s: $(BUILD)/first.elf tools/symbols
	tools/symbols $< > $@

$(BUILD)/%symbols.o: $(BUILD)/%symbols.s
	$(CC) -c -o $@ $<

# What QEMU's -kernel takes.
$(BUILD)/resident32.elf: $(BUILD)/resident.elf
	$(OBJCOPY) -O elf32-i386 $< $@

include tests/guest/guest.mk
include tests/unit/unit.mk
include tests/model/model.mk
include tests/peer/peer.mk
include tests/linux/linux.mk

# Set-up comes first, and the build runs in a make of its own that finds what was installed.
KNOBS := MACHINE BOCHS FIRMWARE CHIPSET CPUS MEM CPU_MODEL OPTS GUEST GDB TIMEOUT PROTOCOL METHOD CONSOLE
export $(KNOBS) WINDOW
# Of make linux.
export CMD LINUX WORDS GUESTS VCPUS GUEST_MEM BESIDE

# One build at a time, however many `make run` there are.
BUILD_ALL = mkdir -p $(BUILD) && flock $(BUILD)/lock $(MAKE) --no-print-directory -s all

.PHONY: run
run: ## build, make an ISO and boot the demonstration, or GUEST
	@tools/setup run
	@$(BUILD_ALL)
	@exec tools/run

.PHONY: linux
linux: ## Linux as a guest, to a shell; CMD="uname -a": that, and its status; GUESTS=3 LINUX=path
	@tools/setup peer
	@$(BUILD_ALL)
	@exec tools/linux

.PHONY: timeline
timeline: ## run with trace=on; who owned the FPU when: build/timeline.svg and .json (Perfetto)
	@tools/setup draw
	@$(BUILD_ALL)
	@exec tools/timeline

.PHONY: pictures
pictures: ## the timelines of docs/fpu.md anew, under lazy and under auto
	@for policy in lazy auto; do \
		$(MAKE) --no-print-directory timeline OPTS=fpu=$$policy && \
		cp $(BUILD)/timeline.svg docs/timeline-$$policy.svg || exit 1; \
	done

.PHONY: linux-pictures
linux-pictures: ## the timelines of docs/linux.md anew: a Linux beside a guest without FPU work
	@tools/setup peer
	@tools/setup draw
	@$(BUILD_ALL)
	@exec tools/linux-pictures

.PHONY: forms
forms: ## every form of XSAVE on the machine of MACHINE, with the guests' patterns compared
	@tools/setup run
	@$(BUILD_ALL)
	@exec tools/forms

.PHONY: entry-checks
entry-checks: ## each rule of VM entry broken: what the rules say, and what Bochs and KVM say (a table)
	@tools/setup peer
	@$(BUILD_ALL)
	@exec tools/entry-checks

.PHONY: test
test: ## everything: static checks, unit tests, model and proof and their mutants, system tests
	@tools/setup test
	@$(BUILD_ALL)
	@exec tools/test

.PHONY: nightly
nightly: ## what takes a night: all tests, on the system's Bochs too, torture, bugs in vmm/ and vmx/
	@tools/setup test
	@$(BUILD_ALL)
	@SWITCHES=$(SWITCHES) MIGRATIONS=$(MIGRATIONS) ENTRIES=$(ENTRIES) SEED=$(SEED) JOBS=$(JOBS) \
		tools/nightly

.PHONY: check
check: all ## static checks: vector instructions, floors and rooms, layout, cppcheck
	tools/check

.PHONY: system
system: all ## boots everything: pytest on Bochs and QEMU
	/usr/bin/python3 -m pytest -q -n 2 -m "not nightly" tests/system

.PHONY: test-nested
test-nested: ## Resident under Linux's KVM with nested=1, in Bochs, on 1 and 2 CPUs (nightly)
	@tools/setup peer
	@$(BUILD_ALL)
	@CPUS=$(CPUS) ONLY=$(ONLY) tools/nested

.PHONY: torture
torture: ## random FPU work on every CPU model, SWITCHES=1000000 switches (nightly)
	@tools/setup test
	@$(BUILD_ALL)
	@SWITCHES=$(SWITCHES) MIGRATIONS=$(MIGRATIONS) ENTRIES=$(ENTRIES) CPUS=$(CPUS) MIGRATE=$(MIGRATE) \
		SEED=$(SEED) JOBS=$(JOBS) tools/torture

.PHONY: fpu-table
fpu-table: ## what each FPU policy costs: docs/fpu-table.md and its picture
	@tools/setup draw
	@$(BUILD_ALL)
	@exec tools/fpu-table

.PHONY: bench
bench: ## what operations cost a guest, against tests/bench/baseline (BASELINE=write, PEER=kvm or nested)
	@tools/setup $(if $(PEER),peer,run)
	@$(BUILD_ALL)
	@TEST=$(TEST) BASELINE=$(BASELINE) PEER=$(PEER) JOBS=$(JOBS) tools/bench

.PHONY: profile
profile: ## in which functions these instructions are: TEST=cpuid-0 (the default), or all
	@tools/setup run
	@$(BUILD_ALL)
	@TEST=$(TEST) VMS=$(VMS) ORDER=$(ORDER) tools/profile

.PHONY: suite
suite: ## every multiboot kernel of KERNELS=folder, bare and as a guest: where they differ (TAP=1)
	@tools/setup run
	@$(BUILD_ALL)
	@KERNELS="$(KERNELS)" OPTIONS="$(OPTIONS)" ONLY="$(ONLY)" KEEP="$(KEEP)" JOBS=$(JOBS) TAP=$(TAP) \
		tools/suite

.PHONY: iso
iso: all ## build/resident.iso with the demonstration
	tools/run --iso

.PHONY: usb
usb: ## build/resident.img for a USB stick, BIOS and UEFI; DEVICE=/dev/sdX writes it there
	@tools/setup run
	@$(BUILD_ALL)
	@tools/run --usb
	@tools/usb $(if $(filter command%,$(origin DEVICE)),"$(DEVICE)")

.PHONY: clean
clean: ## remove build/, but not what tools/setup got from other Debian releases
	@mkdir -p $(BUILD)
	find $(BUILD) -mindepth 1 -maxdepth 1 ! -name debian -exec rm -rf {} +

.PHONY: distclean
distclean: ## remove all of build/
	rm -rf $(BUILD)

.PHONY: help
help: ## this list
	@echo "make TARGET [KNOB=value ...]"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 12
	@echo "Knobs of make run: $(KNOBS); README.md explains them."
	@echo "make timeline takes them too, and WINDOW=FROM-TO in milliseconds."
	@echo "make linux takes CMD LINUX WORDS GUESTS VCPUS GUEST_MEM BESIDE; docs/linux.md explains them."

-include $(OBJECTS:.o=.d) $(BUILD)/offsets.d
