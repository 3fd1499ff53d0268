"""The guests of a boot: the demonstration's, or those of GUEST="kernel [command line]; ..."."""

import os
import struct

from iso import Module

# file in build/guest, module options -- guest command line
DEMONSTRATION = (
    ("fpu-hold", "name=hold1 mem=16M trust=demo -- rounds=200 seed=1"),
    ("fpu-hold", "name=hold2 mem=16M trust=demo -- rounds=200 seed=2"),
    ("integer", "name=count mem=16M trust=demo control=on -- forever"),
)

MORE = ("fpu-hold", "name=hold{number} mem=16M trust=demo -- rounds=200 seed={number}")

# What fpu-hold, torture and nm-table are told on a Bochs with several CPUs that has these defects
# (tools/defects.py): they leave out what would be spoilt.
SPOILS = ("smp-exception-exit", "smp-sti-window")
ON_SEVERAL_CPUS = " ".join(SPOILS)

MULTIBOOT_MAGIC = struct.pack("<I", 0x1BADB002)
MULTIBOOT_SEARCH = (
    8192  # the header is within the first 8 KiB, 4-byte aligned (multiboot 0.6.96, 3.1)
)


LINUX_AT, LINUX_MAGIC = 0x202, b"HdrS"  # the Linux/x86 boot protocol


class GuestError(Exception):
    """GUEST cannot be booted; the text says why, and what to do."""


def demonstration(cpus=1, bochs=None):
    """(file, words) for each: on several CPUs one more guest for each of them. `bochs`: the one of
    tools/bochs.py that it is booted on, if it is."""
    more = [(MORE[0], MORE[1].format(number=cpu + 2)) for cpu in range(1, cpus)]
    guests = [*DEMONSTRATION[:2], *more, *DEMONSTRATION[2:]]
    if cpus == 1 or not bochs:
        return guests
    told = " ".join(defect for defect in SPOILS if bochs.has(defect))
    return [(file, f"{words} {told}" if file == "fpu-hold" else words) for file, words in guests]


def built(guests, directory):
    """Their modules."""
    modules = [Module(os.path.join(directory, file + ".elf"), words) for file, words in guests]
    for module in modules:
        if not os.path.exists(module.path):
            raise GuestError(f"{module.path} is not there: run make")
    return modules


def check_kernel(path, multiboot, knob="GUEST"):
    try:
        with open(path, "rb") as file:
            head = file.read(MULTIBOOT_SEARCH)
    except OSError as error:
        raise GuestError(
            f"{knob}: cannot read {path}: {error.strerror}. "
            f'{knob} is "path/to/kernel.elf [command line]", several separated by ;'
        ) from None
    aligned = any(head[i : i + 4] == MULTIBOOT_MAGIC for i in range(0, len(head), 4))
    if multiboot and not aligned and head[LINUX_AT : LINUX_AT + 4] != LINUX_MAGIC:
        raise GuestError(
            f"{knob}: {path} is not a multiboot 1 kernel, nor a Linux bzImage: "
            "there is no header magic 0x1BADB002 in its first 8 KiB, and no HdrS at 202h. "
            "Link the header into the beginning of the file (grub-file --is-x86-multiboot tells), "
            'or, if it is a module for another guest, write "path of=NAME --"'
        )


def parse_guests(text, knob="GUEST"):
    """The modules that the text of GUEST, or of another knob that is like it, asks for."""
    modules, used = [], set()
    for element in filter(None, map(str.strip, text.split(";"))):
        path, _, rest = element.partition(" ")
        options, separator, line = f" {rest} ".partition(" -- ")
        if not separator:
            options, line = "", rest
        options, line = options.split(), line.split()
        keys = {option.partition("=")[0] for option in options}
        check_kernel(path, multiboot="of" not in keys, knob=knob)
        if "of" not in keys:
            if "name" not in keys:
                options.insert(0, "name=" + unique_name(path, used))
            if "halt" not in keys:
                options.append("halt=ok")
        used |= {option[len("name=") :] for option in options if option.startswith("name=")}
        modules.append(Module(path, " ".join(options + ["--"] + line)))
    if not modules:
        raise GuestError(f'{knob} names no kernel. It is "path/to/kernel.elf [command line]; ..."')
    return modules


def check_bzimage(path, knob):
    try:
        with open(path, "rb") as file:
            head = file.read(MULTIBOOT_SEARCH)
    except OSError as error:
        raise GuestError(f"{knob}: cannot read {path}: {error.strerror}") from None
    if head[LINUX_AT : LINUX_AT + 4] != LINUX_MAGIC:
        raise GuestError(
            f"{knob}: {path} is not a Linux bzImage: there is no HdrS at 202h. Debian's are "
            "/boot/vmlinuz-*; of a kernel's build it is arch/x86/boot/bzImage, not vmlinux"
        )


def unique_name(path, used):
    base = name = os.path.splitext(os.path.basename(path))[0]
    count = 1
    while name in used:
        count += 1
        name = f"{base}{count}"
    return name
