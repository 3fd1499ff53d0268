# The launcher of our guests, and of Resident, under Linux's KVM, for `make bench PEER=kvm` and `make
# test-nested`: a program of Linux, with
# nothing of the hypervisor. Included by the top Makefile.

PEER_SOURCES := tests/peer/launcher.c tests/peer/load.c

$(BUILD)/peer/launcher: $(PEER_SOURCES) tests/peer/launcher.h tests/guest/support/multiboot.h tests/peer/peer.mk
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -g -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -I. -static \
		-pthread -o $@ $(PEER_SOURCES)

# The shortest hypervisor: started in Resident's place, on the library of the test guests.
reflect_objects := $(BUILD)/peer/reflect.o $(BUILD)/peer/reflect_vmx.o

$(reflect_objects): $(BUILD)/peer/%.o: tests/peer/%.c tests/peer/reflect.h tests/peer/peer.mk
	@mkdir -p $(@D)
	$(CC) $(filter-out -MMD -MP,$(guest_flags)) $(guest_flags_64) -c -o $@ $<

$(BUILD)/peer/reflect.elf: tests/guest/guest.ld $(reflect_objects) \
		$(call guest_objects,$(guest_support_64),64) $(call guest_lib_objects,64)
	$(LD) $(guest_link_64) -nostdlib -static -z noexecstack --no-warn-rwx-segments --strip-debug \
		-T tests/guest/guest.ld -o $@ $(filter %.o,$^)

.PHONY: peer
peer: $(BUILD)/peer/launcher $(BUILD)/peer/reflect.elf
