"""One boot from its parameters to its records, for tools that look at what came out and for the
system tests, whose conftest.py is the manual of the parameters and of the result."""

import os
import re
import time
from dataclasses import dataclass

from emulator import Direct, Emulator
from iso import Module, make_iso
from machine import Machine
from records import plain, records, verdict

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build")

TAIL = 40  # lines of console in a failed test's report


@dataclass
class Result:
    title: str  # the machine, in words
    status: int  # as tools/run would end: 0, 1, 3 (emulator trouble), 124 (time limit)
    message: str  # why, where it is not the hypervisor's own word
    why: str  # "ended", "until" or "timeout"
    raw: bytes
    dump: str
    log: str
    work: str
    seconds: float

    @property
    def console(self):
        return plain(self.raw)

    @property
    def records(self):
        whole, _, _cut = self.console.rpartition("\n")  # a boot is stopped anywhere
        return records(whole)

    def all(self, kind, **values):
        return [record for record in self.records if record.kind == kind and record.has(**values)]

    def one(self, kind, **values):
        found = self.all(kind, **values)
        assert (
            len(found) == 1
        ), f"{len(found)} records @{kind} with {values}, and there should be one"
        return found[0]

    def lines(self, vm):
        mark = vm + "| "
        return [
            line[len(mark) :] for line in self.console.splitlines() if (line + " ").startswith(mark)
        ]

    def report(self):
        ending = (
            f"{self.why} after {self.seconds:.1f} s, status {self.status} {self.message}".rstrip()
        )
        parts = [ending, *self.console.splitlines()[-TAIL:]]
        for heading, text in (("-- dump", self.dump[:4000]), ("-- emulator's log", self.log)):
            parts += [heading, text] if text.strip() else []
        return "\n".join(parts)


class Typist:
    """Types each text when its regular expression is found in what came out after the one
    before."""

    def __init__(self, script):
        self.script, self.seen = list(script), 0

    def __call__(self, console):
        if not self.script or not re.search(self.script[0][0].encode(), console[self.seen :]):
            return b""
        self.seen = len(console)
        return self.script.pop(0)[1].encode()


def kernel_path(name):
    return name if os.sep in name else os.path.join(BUILD, "guest", name + ".elf")


def boot_once(
    work,
    machine="bochs",
    cpu="",
    firmware="bios",
    cpus=1,
    memory=0,
    opts="",
    modules=(),
    protocol=2,
    method="iso",
    timeout=0,
    until=None,
    commands=None,
    debugger=False,
    magic=False,
    bochs="",
    hypervisor="",
    typed=(),
    screen="text",
    monitor=(),
    chipset="",
    ips=0,
):
    target = Machine(machine, firmware, cpus, memory, cpu, bochs, chipset)
    modules = tuple(Module(kernel_path(file), words) for file, words in modules)
    iso = os.path.join(work, "boot.iso")
    hypervisor = hypervisor or os.path.join(BUILD, "resident.elf")
    if method == "kernel":
        medium = Direct(os.path.join(BUILD, "resident32.elf"), opts, modules)
    else:
        assert method == "iso"
        make_iso(iso, hypervisor, opts, modules, protocol, screen)
        medium = iso
    start = time.monotonic()
    typing = Typist(typed) if typed else None
    more = {"typing": typing, "debugger": debugger, "magic": magic, "monitor": monitor, "ips": ips}
    emulator = Emulator(target, work, medium, commands, **more)
    ending = emulator.run(timeout or 180, until=until)
    seconds = time.monotonic() - start
    if os.path.exists(iso):
        os.remove(iso)
    status, message = verdict(ending)
    how = (ending.why, ending.console, ending.dump, ending.log)
    return Result(str(target), status, message, *how, work, seconds)
