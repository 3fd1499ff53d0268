"""tools/run, which `make run` calls, as a user or a script meets it. On QEMU without KVM: quick."""

import os
import pty
import shutil
import signal
import subprocess
import time

import pytest
from booting import BUILD, ROOT

RUN = os.path.join(ROOT, "tools/run")
NOT_A_KERNEL = os.path.join(ROOT, "tools/setup")
HANG = {"MACHINE": "tcg", "OPTS": "panic=halt"}  # refused for want of VMX, and then halts for ever


def environment(**knobs):
    names = "MACHINE FIRMWARE CPUS MEM CPU_MODEL OPTS GUEST TIMEOUT PROTOCOL".split()
    clean = {name: value for name, value in os.environ.items() if name not in names}
    return {**clean, **knobs}


def run(**knobs):
    return subprocess.run(
        [RUN],
        env=environment(**knobs),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        text=True,
    )


@pytest.mark.parametrize(
    "knobs, words",
    [
        ({"GUEST": "/nowhere/kernel.elf x=1"}, ["/nowhere/kernel.elf", "No such file"]),
        ({"GUEST": NOT_A_KERNEL}, ["not a multiboot 1 kernel", "0x1BADB002"]),
        ({"GUEST": BUILD}, [BUILD, "directory"]),
        ({"MACHINE": "vax"}, ["MACHINE=vax", "bochs, kvm, tcg"]),
        ({"FIRMWARE": "coreboot"}, ["FIRMWARE=coreboot", "bios, uefi"]),
        ({"TIMEOUT": "soon"}, ["TIMEOUT=soon"]),
        ({"CPUS": "0"}, ["CPUS=0"]),
    ],
)
def test_a_wrong_knob_is_a_clear_error_and_status_2(knobs, words):
    done = run(**{"MACHINE": "tcg", **knobs})
    assert done.returncode == 2
    assert done.stdout == ""
    assert all(word in done.stderr for word in words), done.stderr
    assert "Traceback" not in done.stderr


def test_a_pipe_gets_the_console_and_nothing_else():
    done = run(MACHINE="tcg")
    assert done.returncode == 1, done.stderr
    assert "@end status=1" in done.stdout
    assert "run: " not in done.stdout
    assert "run: booting QEMU" in done.stderr


def test_a_terminal_gets_the_console_too():
    master, slave = pty.openpty()
    with subprocess.Popen(
        [RUN], env=environment(MACHINE="tcg"), stdin=slave, stdout=slave, stderr=slave
    ) as process:
        os.close(slave)
        shown = b""
        try:
            while piece := os.read(master, 4096):
                shown += piece
        except OSError:  # what Linux says once the other side is closed
            pass
        assert process.wait(120) == 1
    os.close(master)
    assert b"@end status=1" in shown


def test_a_hang_is_stopped_with_the_last_lines_and_the_registers():
    done = run(**HANG, TIMEOUT="5")
    assert done.returncode == 124
    said = done.stderr
    assert "stopped after TIMEOUT=5" in said
    assert "@boot" in said[said.index("last lines") :]
    assert "CR3=" in said[said.index("registers:") :]
    assert "EFER=" in said


def working_child(pid):
    """A child of `pid` and its working directory, once it is in one that tools/run made."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        for child in file.read().split():
            work = os.readlink(f"/proc/{child}/cwd")
            if os.path.basename(work).startswith("run-"):
                return int(child), work
    return None


def has_ended(pid):
    """Gone, or waiting for its new parent (which in a container may never ask) to take notice."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def wait_for(what):
    for _ in range(300):
        if found := what():
            return found
        time.sleep(0.1)
    raise AssertionError("waited 30 s in vain")


@pytest.mark.parametrize("machine", ["tcg", "bochs"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_leaves_no_process_behind(number, machine):
    # Loops in GRUB's place or ours: whatever it does, it does not end before it is interrupted.
    process = subprocess.Popen(
        [RUN],
        env=environment(**{**HANG, "MACHINE": machine}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not process.stderr.readline().startswith("run: booting"):
        pass
    emulator, work = wait_for(lambda: working_child(process.pid))
    process.send_signal(number)
    code = process.wait(30)
    wait_for(lambda: has_ended(emulator))
    process.stderr.close()
    if number == signal.SIGKILL:  # nobody was left to tidy up
        shutil.rmtree(work)
    else:
        assert code == 128 + number
        assert not os.path.exists(work)
