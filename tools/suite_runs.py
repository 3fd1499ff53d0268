"""One kernel of a suite, booted on bare Bochs by GRUB, or as a guest of the hypervisor."""

import os
import re
import time
from dataclasses import dataclass

from boot import ROOT
from emulator import Emulator
from iso import Module, make_iso
from machine import Machine
from records import plain, records

NAME = "k"  # the VM's
MARK = NAME + "| "
LINE_MAX = 240  # a guest's line, beyond which it goes on in the next: vmm/guest_console.h
HYPERVISOR = os.path.join(ROOT, "build/resident.elf")
HYPERVISOR_MEMORY = 96  # MiB, beside the guest's
SMALLEST = 32  # MiB that a machine has
NOT_PRINTABLE = re.compile(r"[^\x20-\x7e\t]")


@dataclass
class Side:
    """What a kernel printed in one place, and how that ended."""

    lines: list
    ending: str
    complete: bool  # it came to its end, as far as can be told
    console: str


def own_lines(place, raw):
    """The kernel's own, in either place as a guest's are printed."""
    if place == "guest":
        lines = plain(raw).split("\n")
        return [line[len(MARK) :] for line in lines if (line + " ").startswith(MARK)]
    lines = raw.decode("latin-1").replace("\r", "").split("\n")
    cut = [line[i : i + LINE_MAX] for line in lines for i in range(0, len(line) or 1, LINE_MAX)]
    return [NOT_PRINTABLE.sub("?", line) for line in cut]


class Watch:
    """Says when a boot has come to its end: what `until` looks for was printed, or nothing has been
    for `quiet` seconds since the kernel's first line."""

    def __init__(self, kernel, place):
        self.kernel, self.place = kernel, place
        self.length, self.last = 0, time.monotonic()
        self.why = ""

    def __call__(self, console):
        now = time.monotonic()
        if len(console) != self.length:
            self.length, self.last = len(console), now
            self.look(console)
        elif self.kernel.quiet and now - self.last > self.kernel.quiet and self.has_begun(console):
            self.why = "quiet"
        return self.why

    def look(self, console):
        pattern = self.kernel.patterns["until"]
        if pattern and pattern.search("\n".join(own_lines(self.place, console))):
            self.why = "until"

    def has_begun(self, console):
        return any(own_lines(self.place, console))


def medium(kernel, place, iso):
    modules = [Module(path, line) for path, line in kernel.modules]
    if place == "bare":
        make_iso(iso, kernel.path, kernel.line, modules, protocol=1)
        return
    words = f"name={NAME} mem={kernel.memory}M vcpus={kernel.vcpus} {kernel.options}"
    guests = [Module(kernel.path, f"{words} -- {kernel.line}")]
    guests += [Module(module.path, f"of={NAME} -- {module.words}") for module in modules]
    make_iso(iso, HYPERVISOR, kernel.hypervisor, guests)


def end_of_guest(raw):
    """(in words, whether it started at all)"""
    for record in records(plain(raw)):
        if record.kind == "vm" and record.has(name=NAME, state="ended"):
            return f"{record['cause']}, status {record['status']}", record["cause"] != "refused"
    return "the machine ended", False


def describe(place, ending, watch, kernel):
    """How it ended in words, and whether that is an end."""
    if watch.why == "until":
        return "until", True
    if watch.why == "quiet":
        return f"silent for {kernel.quiet} s", True
    if ending.why == "timeout":
        return f"stopped after {kernel.timeout} s", False
    if place == "guest":
        return end_of_guest(ending.console)
    return "the machine ended", True


def run(kernel, place, work, cpu=""):
    """A Side; None if the kernel is left out."""
    if kernel.leave:
        return None
    more = HYPERVISOR_MEMORY if place == "guest" else 0
    machine = Machine(
        "bochs", cpus=kernel.vcpus, memory=max(SMALLEST, kernel.memory + more), cpu=cpu
    )
    iso = os.path.join(work, "boot.iso")
    medium(kernel, place, iso)
    emulator = Emulator(machine, work, iso)
    watch = Watch(kernel, place)
    # for one that hangs nobody wants the registers of a second boot
    ending = emulator.run(kernel.timeout, until=lambda: watch(emulator.console), again=False)
    watch.look(ending.console)  # the machine may have ended before anybody looked
    words, complete = describe(place, ending, watch, kernel)
    console = ending.console.decode("latin-1").replace("\r", "")
    return Side(own_lines(place, ending.console), words, complete, console)
