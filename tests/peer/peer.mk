# The launcher of our guests under Linux's KVM, for `make bench PEER=kvm`: a program of Linux, with
# nothing of the hypervisor. Included by the top Makefile.

$(BUILD)/peer/launcher: tests/peer/launcher.c tests/guest/support/multiboot.h tests/peer/peer.mk
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -g -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -I. -static \
		-o $@ $<

.PHONY: peer
peer: $(BUILD)/peer/launcher
