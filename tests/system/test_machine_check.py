"""Machine checks. In root mode QEMU's monitor raises them, while the hypervisor halts after its
refusal; in guests, and where timing matters, crash= puts the values where the MSRs are read."""

import os
import re
import socket
import subprocess
import threading

import pytest
from booting import BUILD

HALTED = "panic=halt: the machine is halted."
BANK = 0xBC00000000000005  # valid, uncorrected, enabled, with an address; the context is intact
CORRECTED = 0x9C00000000000005
OVERFLOW, CONTEXT_CORRUPT, SIGNALED, ACTION_REQUIRED = 1 << 62, 1 << 57, 1 << 56, 1 << 55
DATA_LOAD = BANK & ~0xFFFF | SIGNALED | ACTION_REQUIRED | 0x134
RESTARTABLE, IN_PROGRESS = 1, 4
LIMIT = 60  # seconds, only against a hang


def read_until(console, words):
    lines = []
    for line in console:
        lines.append(line)
        if words in line:
            return "".join(lines)
    raise AssertionError(f"the console ended without {words!r}:\n" + "".join(lines))


class Monitored:
    """QEMU with its monitor: `before` is done while the CPU has not begun to run."""

    def __init__(self, before=()):
        self.monitor, theirs = socket.socketpair()
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-machine", "pc", "-cpu", "max", "-m", "128", "-no-reboot"]
            + ["-display", "none", "-serial", "stdio", "-nodefaults", "-S"]
            + ["-chardev", f"socket,id=monitor,fd={theirs.fileno()}", "-mon", "chardev=monitor"]
            + ["-kernel", os.path.join(BUILD, "resident32.elf"), "-append", "panic=halt"],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        theirs.close()
        self.killer = threading.Timer(LIMIT, self.process.kill)
        self.killer.start()
        self.command(*before, "cont")

    def command(self, *lines):
        self.monitor.sendall("".join(line + "\n" for line in lines).encode())

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.killer.cancel()
        self.monitor.close()


def mce(bank, status=RESTARTABLE | IN_PROGRESS):
    """The monitor's command for one in bank 1, at physical address 1000h."""
    return f"mce 0 1 {bank:#x} {status:#x} 0x1000 0x8c"


@pytest.fixture
def machine_check():
    """Raises one in bank 1 and returns what is printed, up to a line with the given words."""
    machine = Monitored()

    def raise_it(bank, status, until):
        read_until(machine.process.stdout, HALTED)
        machine.command(mce(bank, status))
        return read_until(machine.process.stdout, until)

    yield raise_it
    machine.close()


def test_one_that_can_be_lived_with_is_reported_bank_by_bank(machine_check):
    said = machine_check(BANK, RESTARTABLE | IN_PROGRESS, "machine goes on")
    assert "machine check in root mode, MCG_STATUS=0x5" in said
    assert (
        f"bank 1: status {BANK:#x} address 0x1000 misc 0x8c (uncorrected, no action required)"
        in said
    )
    assert "backtrace" not in said


@pytest.mark.parametrize(
    "bank, status",
    [
        (BANK, IN_PROGRESS),
        (BANK | CONTEXT_CORRUPT, RESTARTABLE | IN_PROGRESS),
        (BANK | OVERFLOW, RESTARTABLE | IN_PROGRESS),
        (BANK | ACTION_REQUIRED, RESTARTABLE | IN_PROGRESS),
        (BANK | SIGNALED | ACTION_REQUIRED, RESTARTABLE | IN_PROGRESS),
        (DATA_LOAD, RESTARTABLE | IN_PROGRESS),
        (DATA_LOAD, IN_PROGRESS),
    ],
)
def test_one_that_the_cpu_cannot_restart_from_ends_the_machine(machine_check, bank, status):
    said = machine_check(bank, status, HALTED)
    assert f"bank 1: status {bank:#x}" in said
    assert "fault in the hypervisor on CPU 0: #MC machine check" in said
    assert "resident_main+" in said.split("backtrace:")[1]


def test_errors_that_firmware_logged_are_shown_once_before_they_are_cleared():
    machine = Monitored(before=[mce(CORRECTED)])
    said = read_until(machine.process.stdout, HALTED)
    machine.command(mce(BANK))
    later = read_until(machine.process.stdout, "machine goes on")
    machine.close()
    assert "warning: machine-check errors from before this boot" in said
    logged = f"bank 1: status {CORRECTED:#x} address 0x1000 misc 0x8c (corrected)"
    assert said.count(logged) == 1
    assert f"{CORRECTED:#x}" not in later
    # not on top of the old error: that was cleared
    assert f"bank 1: status {BANK:#x} " in later


GUESTS = [
    ("fpu-hold", "name=a mem=8M runs=2 -- rounds=6 seed=1"),
    ("fpu-hold", "name=b mem=8M -- rounds=6 seed=2"),
]


def test_memory_that_a_guest_loses_ends_that_guest_alone(boot):
    result = boot(opts="crash=memory", modules=GUESTS)
    assert "machine check in a guest, MCG_STATUS=0x6" in result.console
    ended = [r for r in result.all("vm", state="ended") if r["cause"] != "exit-port"]
    assert [(r["cause"], r["status"]) for r in ended] == [("machine-check", "1")]
    loser = ended[0]["name"]
    assert re.search(
        rf"^ERROR: {loser}: ended: machine check: 64 bytes of its memory at guest-physical 0x1000 "
        rf"\(physical 0x\w+\) are lost, and their pages are used no more \[SDM .*\]; RIP=",
        result.console,
        re.M,
    )
    # its memory is given back, and a new VM is made of it; the other one never noticed
    assert len(result.all("vm", state="cleared")) == 3
    assert len(result.all("vm", cause="exit-port", status=0)) == 2
    assert (result.status, result.message) == (1, "")


def test_a_machine_check_in_the_nmi_handler_lets_no_nmi_in(boot):
    result = boot(opts="crash=nested", modules=GUESTS[1:])
    assert (result.status, result.message) == (0, "")
    assert "an NMI came while" not in result.console
    assert result.console.count("machine check in root mode") == 20
    assert result.one("cpu", cpu=0).number("nmis") > 40
