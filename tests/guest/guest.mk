# The test guests: small multiboot 1 kernels of our own. Included by the top Makefile; also usable
# alone, from the top directory: make -f tests/guest/guest.mk guests
# The C library they use is lib/format.c and lib/string.c, compiled again for them.
#
# Adding a guest is one word in guest_names. A guest NAME is tests/guest/NAME.c (with _ for -) and
# any tests/guest/NAME_*.c or NAME_*.S beside it, linked with tests/guest/support/. Each is built
# twice, as build/guest/NAME.elf (64-bit) and build/guest/NAME32.elf (32-bit).

guest_names := fpu-hold integer clobber own-ts nm-table exits bad workload torture leak firmware \
	debug-traps regions fair hostile bench echo task-switch dies pc amx smp debuggee

guest_build := build/guest
guest_flags := -ffreestanding -fno-pic -mgeneral-regs-only -mno-red-zone -O2 -g -Wall -Wextra \
	-Werror -std=gnu11 -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables \
	-fno-strict-aliasing -I. -MMD -MP
guest_flags_64 := -m64 -mcmodel=small
# _LIBC_LIMITS_H_: <limits.h> is the compiler's own, not that of a 32-bit libc that is not there
guest_flags_32 := -m32 -march=i686 -D_LIBC_LIMITS_H_
guest_link_64 := -m elf_x86_64
guest_link_32 := -m elf_i386
guest_suffix_64 :=
guest_suffix_32 := 32

guest_support := $(wildcard tests/guest/support/*.c tests/guest/support/*.S)
guest_support_64 := $(filter-out %/start32.S,$(guest_support))
guest_support_32 := $(filter-out %/start64.S,$(guest_support))

guest_sources = $(wildcard $(addprefix tests/guest/$(subst -,_,$(1)),.c _*.c _*.S))
guest_objects = $(addsuffix .o,$(patsubst tests/guest/%,$(guest_build)/obj$(2)/%,$(1)))
guest_lib_objects = $(patsubst %,$(guest_build)/obj$(1)/%.o,lib/format.c lib/string.c)

guest_images :=

define guest_compile
$(guest_build)/obj$(1)/%.c.o: tests/guest/%.c tests/guest/guest.mk
	@mkdir -p $$(@D)
	$$(CC) $$(guest_flags) $$(guest_flags_$(1)) -c -o $$@ $$<

$(guest_build)/obj$(1)/lib/%.c.o: lib/%.c tests/guest/guest.mk
	@mkdir -p $$(@D)
	$$(CC) $$(guest_flags) $$(guest_flags_$(1)) -c -o $$@ $$<

$(guest_build)/obj$(1)/%.S.o: tests/guest/%.S tests/guest/guest.mk
	@mkdir -p $$(@D)
	$$(CC) $$(guest_flags) $$(guest_flags_$(1)) -c -o $$@ $$<
endef

define guest_link
guest_images += $(guest_build)/$(1)$(guest_suffix_$(2)).elf

$(guest_build)/$(1)$(guest_suffix_$(2)).elf: tests/guest/guest.ld \
		$(call guest_objects,$(guest_support_$(2)) $(call guest_sources,$(1)),$(2)) \
		$(call guest_lib_objects,$(2))
	$$(LD) $(guest_link_$(2)) -nostdlib -static -z noexecstack --no-warn-rwx-segments \
		--strip-debug -T tests/guest/guest.ld -o $$@ $$(filter %.o,$$^)
endef

$(foreach bits,32 64,$(eval $(call guest_compile,$(bits))))
$(foreach name,$(guest_names),$(foreach bits,32 64,$(eval $(call guest_link,$(name),$(bits)))))

# Its calls are to be followed.
$(foreach bits,32 64,$(guest_build)/obj$(bits)/dies.c.o): guest_flags += -fno-omit-frame-pointer \
	-fno-optimize-sibling-calls

# What goes before the hypervisor itself: tests/guest/preboot.c says.
guest_images += $(guest_build)/preboot.elf

$(guest_build)/preboot.elf: tests/guest/preboot.ld $(guest_build)/obj32/preboot.c.o \
		$(guest_build)/obj32/lib/string.c.o
	$(LD) $(guest_link_32) -nostdlib -static -z noexecstack --no-warn-rwx-segments \
		-T tests/guest/preboot.ld -o $@ $(filter %.o,$^)

.PHONY: guests
guests: $(guest_images)

-include $(wildcard $(guest_build)/obj*/*.d $(guest_build)/obj*/*/*.d)
