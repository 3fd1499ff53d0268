"""Boots on a CPU as some firmware leaves it: tests/guest/preboot.c goes before the hypervisor."""

import os

from booting import BUILD
from boot import Result, kernel_path
from emulator import Direct, Emulator
from iso import Module, make_iso
from machine import Machine
from records import verdict

STUB = os.path.join(BUILD, "guest", "preboot.elf")
HYPERVISOR = os.path.join(BUILD, "resident32.elf")


def boot_after(
    work, leaves, kind="bochs", cpu="", cpus=1, opts="", modules=(), timeout=90, until=None,
    firmware="bios",
):
    """A boot by multiboot 1; on the first CPU `leaves` (words of the stub) was left behind."""
    machine = Machine(kind=kind, firmware=firmware, cpu=cpu, cpus=cpus)
    modules = tuple(Module(kernel_path(file), words) for file, words in modules)
    modules = (Module(HYPERVISOR, opts), *modules)
    if kind == "bochs":
        medium = os.path.join(work, "firmware.iso")
        make_iso(medium, STUB, leaves, modules, protocol=1)
    else:
        medium = Direct(STUB, leaves, modules)
    ending = Emulator(machine, str(work), medium).run(timeout, until=until)
    status, message = verdict(ending)
    how = (ending.why, ending.console, ending.dump, ending.log)
    return Result(str(machine), status, message, *how, str(work), 0)
