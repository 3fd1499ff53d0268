# Unit tests on the host: `make unit` builds and runs every tests/unit/test_*.c.
# To add one: write tests/unit/test_NAME.c, and below the module sources it needs as UNIT_NAME.

UNIT_acpi        = boot/acpi.c boot/bios_area.c $(UNIT_multiboot1)
UNIT_acpi_damage = $(UNIT_acpi)
UNIT_acpi_pm     := vmm/chip/acpi_pm.c lib/rate.c
UNIT_acpi_tables = vmm/load/acpi_tables.c vmm/load/dsdt.S vmm/load/tables.c vmm/guest_ram.c \
	boot/madt.c $(UNIT_acpi)
UNIT_alike       := boot/alike.c
UNIT_backtrace   := vmm/look/backtrace.c vmm/look/guest_view.c vmm/exit/page_walk.c \
	vmm/guest_ram.c lib/string.c
UNIT_balance     = $(UNIT_turns)
UNIT_bios_names  := vmm/exit/bios_names.c lib/format.c
UNIT_bitmaps     := vmx/bitmaps.c
UNIT_bootinfo    = $(UNIT_multiboot1)
UNIT_breakpoints := vmx/breakpoints.c
UNIT_bus         := vmm/device/bus.c vmm/device/com1.c vmm/device/reset.c vmm/chip/uart.c
UNIT_bus         = vmm/device/bus.c vmm/guest_ram.c $(UNIT_pc) \
	$(patsubst %,vmm/device/%.c,acpi com1 keyboard pic pit reset rtc screen)
UNIT_bzimage     = $(UNIT_guest_load)
UNIT_calendar    := lib/calendar.c
UNIT_cmdline     := lib/cmdline.c
UNIT_console     := lib/text_screen.c lib/line_colour.c lib/kept_log.c lib/format.c lib/string.c
UNIT_controls    := vmx/controls.c
UNIT_debt        :=
UNIT_doctor      := vmm/doctor/cpu.c vmm/doctor/hazards.c vmx/mitigations.c vmm/doctor/speculation.c vmm/doctor/findings.c \
	vmx/requirements.c vmx/preemption.c lib/format.c lib/string.c
UNIT_doctor_page := vmm/doctor/page.c $(UNIT_doctor)
UNIT_cpuid       := vmm/cpuid.c boot/alike.c lib/string.c
UNIT_elf         = vmm/load/elf.c vmm/load/image.c $(UNIT_refusal) lib/string.c
UNIT_elf_symbols := vmm/load/elf_symbols.c lib/string.c
UNIT_entry_checks := vmx/checks/entry_bases.c $(wildcard vmx/checks/entry_breaks*.c vmx/checks/entry_rules_*.c) vmx/checks/entry_checks.c vmx/checks/entry_state.c
UNIT_ept         := vmx/ept.c
UNIT_ept_forget  := vmx/ept.c
UNIT_ept_loan    := vmx/ept.c
UNIT_event       := vmx/event.c
UNIT_event_debug := vmx/event.c
UNIT_event_entry := vmx/event.c
UNIT_exit_watch  := vmm/exit_watch.c vmx/names.c lib/format.c
UNIT_exit_cr     := vmm/exit/cr.c
UNIT_fetch       = vmm/exit/fetch.c vmm/exit/guest_paging.c $(UNIT_page_walk) $(UNIT_mmio_decode)
UNIT_firmware    := vmm/load/firmware.c vmm/load/firmware_rom.S vmm/guest_ram.c
UNIT_foot        := vmm/foot.c lib/string.c
UNIT_format      := lib/format.c
UNIT_fpu_policy  := vmm/fpu_policy.c fpu/policy.c
UNIT_framebuffer := lib/framebuffer.c
UNIT_frames      := lib/frames.c
UNIT_gdb_packet := vmm/gdb/packet.c vmm/gdb/text.c lib/format.c
UNIT_guest_cmdline = $(UNIT_guest_load)
UNIT_guest_console := vmm/guest_console.c
UNIT_guest_load  = $(patsubst %,vmm/load/%.c,load loader places kernel multiboot multiboot_header bzimage bzimage_header) $(UNIT_firmware) $(UNIT_elf) \
	vmm/load/acpi_tables.c vmm/load/dsdt.S vmm/load/mp_tables.c vmm/load/tables.c
UNIT_guest_load_steps = $(UNIT_guest_load)
UNIT_guest_low_memory = $(UNIT_guest_load)
UNIT_guest_paging := vmm/exit/guest_paging.c vmm/guest_ram.c
UNIT_guest_ram   := vmm/guest_ram.c
UNIT_i82093      := vmm/chip/i82093.c
UNIT_i82093_levels := vmm/chip/i82093.c
UNIT_i82093_random := vmm/chip/i82093.c
UNIT_i8259       := vmm/chip/i8259.c
UNIT_i8259_modes := vmm/chip/i8259.c
UNIT_i8259_random := vmm/chip/i8259.c
UNIT_interrupts  = vmm/interrupts.c vmm/apicv.c vmx/bitmaps.c vmx/event.c $(UNIT_lapic) $(UNIT_pc)
UNIT_interrupts_wake = $(UNIT_interrupts)
UNIT_apicv       = $(UNIT_interrupts)
UNIT_lapic       := $(patsubst %,vmm/chip/lapic%.c,_inbox _registers _send _timer) vmm/chip/lapic.c lib/rate.c
UNIT_lapic_messages := $(UNIT_lapic)
UNIT_lapic_priority := $(UNIT_lapic)
UNIT_lapic_random := $(UNIT_lapic)
UNIT_lapic_timer := $(UNIT_lapic)
UNIT_lapic_tsc_deadline := $(UNIT_lapic)
UNIT_lapic_x2apic := $(UNIT_lapic)
UNIT_i8254       := vmm/chip/i8254.c vmm/chip/i8254_counter.c lib/rate.c
UNIT_i8254_modes := $(UNIT_i8254)
UNIT_i8254_random := $(UNIT_i8254)
UNIT_hole_step   := vmm/hole_step.c
UNIT_hpet_chip   := vmm/chip/hpet.c lib/rate.c
UNIT_hpet_model  := vmm/chip/hpet.c lib/rate.c
UNIT_i8042       := vmm/chip/i8042.c vmm/chip/us_keyboard.c
UNIT_kept_log    := lib/kept_log.c lib/string.c
UNIT_last_log    = boot/last_log.c boot/bootinfo.c boot/memmap.c lib/format.c $(UNIT_kept_log)
UNIT_lazyfp      := fpu/lazyfp.c lib/string.c
UNIT_leftovers   := boot/leftovers.c
UNIT_line_colour := lib/line_colour.c lib/string.c
UNIT_line_ring   := lib/line_ring.c
UNIT_lost_memory := vmm/lost_memory.c
UNIT_machine_check_severity := boot/machine_check_severity.c
UNIT_madt        = boot/madt.c $(UNIT_multiboot1)
UNIT_mail        := vmm/mail.c
UNIT_mc146818    := vmm/chip/mc146818.c vmm/chip/mc146818_clock.c lib/calendar.c lib/rate.c
UNIT_mc146818_random := $(UNIT_mc146818)
UNIT_measure     := boot/measure.c
UNIT_memmap      := boot/memmap.c
UNIT_method      := fpu/method.c fpu/components.c fpu/instructions.S
UNIT_mp_table    = boot/mp_table.c boot/bios_area.c $(UNIT_multiboot1)
UNIT_mmio_decode := vmm/exit/mmio_decode.c vmm/exit/mmio_forms.c
UNIT_mmio_execute = vmm/exit/mmio_execute.c $(UNIT_mmio_decode)
UNIT_mp_tables   = vmm/load/mp_tables.c vmm/load/tables.c vmm/guest_ram.c $(UNIT_mp_table)
UNIT_mitigate    := vmx/mitigate.c vmx/mitigations.c vmx/barriers.S lib/string.c
UNIT_mitigations := vmx/mitigations.c lib/string.c
UNIT_monitor     := vmm/monitor.c vmm/monitor_commands.c vmm/focus.c fpu/policy.c lib/format.c lib/string.c
UNIT_multiboot1  := boot/multiboot.c boot/multiboot1.c boot/multiboot2.c boot/bootinfo.c \
	boot/memmap.c lib/format.c
UNIT_multiboot2  := $(UNIT_multiboot1)
UNIT_multihit    := vmx/multihit.c lib/string.c
UNIT_options     = vmm/options.c vmm/option_table.c fpu/policy.c $(UNIT_method) vmx/mitigations.c vmx/preemption.c lib/cmdline.c lib/format.c \
	lib/string.c
UNIT_output      := vmm/output.c vmm/foot.c lib/line_ring.c lib/string.c
UNIT_owner       := fpu/owner.c fpu/policy.c tests/unit/fpu_ghost.c
UNIT_owner_entry := $(UNIT_owner)
UNIT_owner_failures := $(UNIT_owner)
UNIT_owner_random := $(UNIT_owner)
UNIT_owner_ready := $(UNIT_owner)
UNIT_pc          = vmm/chip/pc.c vmm/chip/acpi_pm.c $(UNIT_hpet_chip) $(UNIT_i8042) $(UNIT_i82093) \
	$(UNIT_i8254) $(UNIT_i8259) $(UNIT_mc146818) $(UNIT_uart) $(UNIT_vga_text)
UNIT_pc_hpet     = $(UNIT_pc)
UNIT_page_tables := boot/page_tables.c boot/mtrr.c
UNIT_page_rights := vmm/exit/page_walk.c vmm/guest_ram.c lib/string.c
UNIT_page_walk   := vmm/exit/page_walk.c vmm/guest_ram.c lib/string.c
UNIT_policy      := $(UNIT_owner)
UNIT_protect     := boot/protect.c
UNIT_queue       := vmm/queue.c
UNIT_preemption  := vmx/preemption.c lib/string.c
UNIT_rate        := lib/rate.c
UNIT_refusal     := lib/refusal.c lib/format.c
UNIT_requirements := vmx/requirements.c
UNIT_screen      = vmm/device/screen.c vmm/guest_ram.c $(UNIT_vga_text)
UNIT_guest_speculation := vmm/guest_speculation.c
UNIT_string      := lib/string.c
UNIT_task_state  := vmm/exit/task_state.c lib/string.c
UNIT_trap        := boot/trap.c
UNIT_text_screen := lib/text_screen.c
UNIT_tiles       := fpu/tiles.c fpu/tile_trial.c fpu/components.c
UNIT_trial       := $(UNIT_method)
UNIT_trial_lies  := fpu/trial.c fpu/method.c fpu/components.c tests/unit/fake_xsave.c
UNIT_turns       := vmm/sched/turns.c vmm/sched/balance.c vmm/queue.c
UNIT_uart        := vmm/chip/uart.c
UNIT_us_keyboard := vmm/chip/i8042.c vmm/chip/us_keyboard.c
UNIT_vga_registers := vmm/chip/vga_registers.c
UNIT_vga_text    := vmm/chip/vga_text.c vmm/chip/vga_registers.c lib/string.c
UNIT_vga_text_much = $(UNIT_vga_text)
UNIT_wall_clock  := lib/calendar.c
UNIT_vm_config   = vmm/vm_config.c lib/cmdline.c $(UNIT_refusal) lib/string.c

UNIT_CC      := gcc
UNIT_WARN    := -std=gnu11 -Wall -Wextra -Werror -I.
UNIT_CFLAGS  := -fsanitize=address,undefined -fno-sanitize-recover=all -g -O1 $(UNIT_WARN)
UNIT_DIR     := build/unit
UNIT_TESTS   := $(sort $(patsubst tests/unit/%.c,$(UNIT_DIR)/%,$(wildcard tests/unit/test_*.c)))
UNIT_HEADERS := $(wildcard tests/unit/*.h lib/*.h boot/*.h fpu/*.h vmx/*.h vmx/*/*.h vmm/*.h vmm/*/*.h)

# lib/string.c leaves the libc's names alone on a host: its own functions are tested as kernel_*.
UNIT_KERNEL_NAMES := memcpy memmove memset memcmp strlen strcmp strncmp strchr copy_string
UNIT_KERNEL_CC := $(UNIT_CC) -ffreestanding -mgeneral-regs-only -O2 -g $(UNIT_WARN) \
	$(foreach name,$(UNIT_KERNEL_NAMES),-D$(name)=kernel_$(name))

.PHONY: unit
unit: $(UNIT_TESTS) ## unit tests on the host: cmocka, with ASan and UBSan
	@CMOCKA_MESSAGE_OUTPUT=TAP prove --norc --failures --comments --exec 'timeout 300' $(UNIT_TESTS)

$(UNIT_DIR)/string_kernel.o: lib/string.c $(UNIT_HEADERS)
	@mkdir -p $(@D)
	$(UNIT_KERNEL_CC) -c $< -o $@

$(UNIT_DIR)/test_string: $(UNIT_DIR)/string_kernel.o

# Modules that talk to ports: the test answers (tests/unit/ports.h).
$(UNIT_DIR)/%_ports.o: lib/%.c $(UNIT_HEADERS)
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) -include tests/unit/ports.h -c $< -o $@

$(UNIT_DIR)/%_ports.o: boot/%.c $(UNIT_HEADERS)
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) -include tests/unit/fake_tsc.h -include tests/unit/ports.h -c $< -o $@

$(UNIT_DIR)/test_console: $(UNIT_DIR)/console_ports.o
$(UNIT_DIR)/test_serial: $(UNIT_DIR)/serial_ports.o
$(UNIT_DIR)/test_wall_clock: $(UNIT_DIR)/wall_clock_ports.o

# Between a load and a save no vector register may be touched, by a sanitizer or the libc neither.
$(UNIT_DIR)/%_kernel.o: fpu/%.c $(UNIT_HEADERS)
	@mkdir -p $(@D)
	$(UNIT_KERNEL_CC) -c $< -o $@

UNIT_FPU_KERNEL := $(addprefix $(UNIT_DIR)/,image_kernel.o string_kernel.o)
$(UNIT_DIR)/test_trial: $(UNIT_DIR)/trial_kernel.o $(UNIT_FPU_KERNEL)
$(UNIT_DIR)/test_trial_lies: $(UNIT_FPU_KERNEL)
$(UNIT_DIR)/test_trial: UNIT_CFLAGS += -no-pie

# lib/x86.h keeps absolute addresses of what may fault
$(addprefix $(UNIT_DIR)/,test_leftovers test_mitigate test_multihit test_guest_speculation test_cpuid): UNIT_CFLAGS += -no-pie

# fpu/instructions.S has absolute addresses, as the hypervisor has
$(addprefix $(UNIT_DIR)/,test_method test_options): UNIT_CFLAGS += -no-pie

# The test is the clock
$(addprefix $(UNIT_DIR)/,test_apicv test_balance test_bus test_interrupts test_interrupts_wake \
	test_turns): UNIT_CFLAGS += -include tests/unit/fake_tsc.h

# The test is the CPU
$(UNIT_DIR)/test_cpuid: UNIT_CFLAGS += -include tests/unit/fake_cpuid.h

$(addprefix $(UNIT_DIR)/,test_fetch test_guest_paging): UNIT_CFLAGS += -include tests/unit/fake_cr2.h

# vmm/load/dsdt.S takes in what iasl made
UNIT_WITH_DSDT := $(addprefix $(UNIT_DIR)/,test_acpi_tables test_bzimage test_guest_cmdline test_guest_load \
	test_guest_load_steps test_guest_low_memory)
$(UNIT_WITH_DSDT): build/dsdt.aml
$(UNIT_WITH_DSDT): UNIT_CFLAGS += -Ibuild

# Threads are the CPUs
$(UNIT_DIR)/test_mail: UNIT_CFLAGS := -fsanitize=thread -g -O1 $(UNIT_WARN) -pthread \
	-include tests/unit/threads.h

$(foreach test,$(UNIT_TESTS),$(eval $(test): $(UNIT_$(test:$(UNIT_DIR)/test_%=%))))
$(UNIT_TESTS): $(UNIT_DIR)/test_%: tests/unit/test_%.c $(UNIT_HEADERS)
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) $(filter %.c %.S %.o,$^) -lcmocka -o $@
