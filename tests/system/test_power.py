"""Where no emulator's port ends the machine, ACPI does."""

import os
import subprocess

import pytest
from booting import BUILD

LIMIT = 60  # seconds, only against a hang


@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_a_machine_without_an_exit_port_is_switched_off(machine):
    done = subprocess.run(
        ["qemu-system-x86_64", "-accel", "tcg", "-machine", machine, "-cpu", "max", "-m", "64"]
        + ["-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio"]
        + ["-kernel", os.path.join(BUILD, "resident32.elf"), "-append", "panic=exit"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        timeout=LIMIT,
        check=False,
        text=True,
    )
    assert "@end status=1" in done.stdout.splitlines()
    assert "cannot be switched off" not in done.stdout
    assert done.returncode == 0
