# What a Linux guest has beside Debian's files (tools/linux): static programs, with nothing of the
# hypervisor. Included by the top Makefile.

LINUX_PROGRAMS := $(patsubst tests/linux/%.c,$(BUILD)/linux/%,$(wildcard tests/linux/*.c))

$(BUILD)/linux/%: tests/linux/%.c tests/linux/linux.mk
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -static -s -o $@ $<

.PHONY: linux-programs
linux-programs: $(LINUX_PROGRAMS)
