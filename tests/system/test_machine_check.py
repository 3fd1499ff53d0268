"""Machine checks in root mode. QEMU's monitor raises them; the hypervisor halts after its refusal."""

import os
import socket
import subprocess
import threading

import pytest
from booting import BUILD

HALTED = "panic=halt: the machine is halted."
BANK = 0xBC00000000000005  # valid, uncorrected, enabled, with an address; the context is intact
CONTEXT_CORRUPT = 1 << 57
RESTARTABLE, IN_PROGRESS = 1, 4
LIMIT = 60  # seconds, only against a hang


def read_until(console, words):
    lines = []
    for line in console:
        lines.append(line)
        if words in line:
            return "".join(lines)
    raise AssertionError(f"the console ended without {words!r}:\n" + "".join(lines))


@pytest.fixture
def machine_check():
    """Raises one in bank 1 and returns what is printed, up to a line with the given words."""
    monitor = socket.socketpair()
    process = subprocess.Popen(
        ["qemu-system-x86_64", "-machine", "pc", "-cpu", "max", "-m", "128", "-no-reboot"]
        + ["-display", "none", "-serial", "stdio", "-nodefaults"]
        + ["-chardev", f"socket,id=monitor,fd={monitor[1].fileno()}", "-mon", "chardev=monitor"]
        + ["-kernel", os.path.join(BUILD, "resident32.elf"), "-append", "panic=halt"],
        pass_fds=[monitor[1].fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    killer = threading.Timer(LIMIT, process.kill)
    killer.start()

    def raise_it(bank, status, until):
        read_until(process.stdout, HALTED)
        monitor[0].sendall(f"mce 0 1 {bank:#x} {status:#x} 0x1000 0\n".encode())
        return read_until(process.stdout, until)

    yield raise_it
    process.kill()
    process.wait()
    killer.cancel()
    for end in monitor:
        end.close()


def test_one_that_can_be_lived_with_is_reported_bank_by_bank(machine_check):
    said = machine_check(BANK, RESTARTABLE | IN_PROGRESS, "machine goes on")
    assert "machine check in root mode, MCG_STATUS=0x5" in said
    assert f"bank 1: status {BANK:#x} address 0x1000 (uncorrected)" in said
    assert "backtrace" not in said


@pytest.mark.parametrize(
    "bank, status", [(BANK, IN_PROGRESS), (BANK | CONTEXT_CORRUPT, RESTARTABLE | IN_PROGRESS)]
)
def test_one_that_the_cpu_cannot_restart_from_ends_the_machine(machine_check, bank, status):
    said = machine_check(bank, status, HALTED)
    assert f"bank 1: status {bank:#x}" in said
    assert "fault in the hypervisor on CPU 0: #MC machine check" in said
    assert "resident_main+" in said.split("backtrace:")[1]
