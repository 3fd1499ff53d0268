"""tools/run, which `make run` calls, as a user or a script meets it.

On QEMU without KVM, which is quick, but for what needs a guest that runs: that is on Bochs.
"""

import os
import pty
import re
import shutil
import signal
import subprocess
import time

import pytest
from booting import BUILD, ROOT
from records import plain, records

RUN = os.path.join(ROOT, "tools/run")
HANG = {"MACHINE": "tcg", "OPTS": "panic=halt"}  # refused for want of VMX, and then halts for ever

# Tells what it was started with: its command line, and each module's line and content.
TELLER = r"""
	.balign 4
	.long 0x1BADB002, 0, -0x1BADB002
	.globl _start
_start:	mov $stack, %esp
	cld
	mov $0x3f8, %dx
	mov $line, %esi
	call print
	mov 16(%ebx), %esi
	call print
	mov 20(%ebx), %ecx
	mov 24(%ebx), %edi
	jecxz 2f
1:	mov $module, %esi
	call print
	mov 8(%edi), %esi
	call print
	mov $holds, %esi
	call print
	mov (%edi), %esi
	call print
	add $16, %edi
	loop 1b
2:	mov $end, %esi
	call print
	cli
	hlt
print:	lodsb
	test %al, %al
	jz 3f
	out %al, %dx
	jmp print
3:	ret
line:	.asciz "line <"
module:	.asciz ">\nmodule <"
holds:	.asciz "> holds <"
end:	.asciz ">\n"
	.bss
	.skip 4096
stack:
"""


def environment(**knobs):
    names = "MACHINE FIRMWARE CHIPSET CPUS MEM CPU_MODEL OPTS GUEST TIMEOUT PROTOCOL METHOD".split()
    names += ["MAKEFLAGS", "MFLAGS", "MAKELEVEL"]  # of a make that runs these tests
    clean = {name: value for name, value in os.environ.items() if name not in names}
    return {**clean, **knobs}


def run(*words, command=(RUN,), cwd=ROOT, **knobs):
    return subprocess.run(
        [*command, *words],
        env=environment(**knobs),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        text=True,
    )


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A checkout with nobody else's build/resident.iso in it, and strange kernels."""
    directory = tmp_path_factory.mktemp("checkout")
    (directory / "tools").symlink_to(os.path.join(ROOT, "tools"))
    (directory / "build").mkdir()
    (directory / "build/resident.elf").symlink_to(os.path.join(BUILD, "resident.elf"))
    (directory / "teller.s").write_text(TELLER)
    for command in (
        ["as", "--32", "-o", "teller.o", "teller.s"],
        ["ld", "-m", "elf_i386", "-Ttext=0x100000", "-o", "teller.elf", "teller.o"],
    ):
        subprocess.run(command, cwd=directory, check=True)
    (directory / "data").write_bytes(b"what the file holds\0")
    return directory


def run_in(checkout, *words, **knobs):
    return run(*words, command=["tools/run"], cwd=checkout, **{"MACHINE": "bochs", **knobs})


def told(done, name):
    """What guest `name` printed."""
    mark = name + "| "
    lines = plain(done.stdout.encode()).splitlines()
    return [line[len(mark) :] for line in lines if line.startswith(mark)]


def one(done, kind, **values):
    found = records(plain(done.stdout.encode()))
    (record,) = [record for record in found if record.kind == kind and record.has(**values)]
    return record


@pytest.mark.parametrize(
    "knobs, words",
    [
        ({"GUEST": "/nowhere/kernel.elf x=1"}, ["/nowhere/kernel.elf", "No such file"]),
        ({"GUEST": "tools/setup"}, ["tools/setup", "not a multiboot 1 kernel", "0x1BADB002"]),
        ({"GUEST": "build"}, ["build", "directory"]),
        ({"GUEST": " ;; "}, ["GUEST names no kernel"]),
        ({"MACHINE": "vax"}, ["MACHINE=vax", "bochs, kvm, tcg"]),
        ({"FIRMWARE": "coreboot"}, ["FIRMWARE=coreboot", "bios, uefi"]),
        ({"CHIPSET": "nforce"}, ["CHIPSET=nforce", "pc, q35"]),
        ({"CHIPSET": "q35", "MACHINE": "bochs"}, ["CHIPSET=q35", "one of pc"]),
        ({"METHOD": "pxe"}, ["METHOD=pxe", "iso or kernel"]),
        ({"METHOD": "kernel", "MACHINE": "bochs"}, ["Bochs boots from an ISO only"]),
        ({"METHOD": "kernel", "FIRMWARE": "uefi"}, ["METHOD=kernel", "only a BIOS"]),
        ({"TIMEOUT": "soon"}, ["TIMEOUT=soon"]),
        ({"CPUS": "0"}, ["CPUS=0"]),
        ({"MEM": "16"}, ["MEM=16", "32 to"]),
        ({"MEM": "4096", "MACHINE": "bochs"}, ["MEM=4096", "to 2048"]),
        ({"PROTOCOL": "3"}, ["PROTOCOL=3", "1 or 2"]),
    ],
)
def test_a_wrong_knob_is_a_clear_error_and_status_2(knobs, words):
    done = run(**{"MACHINE": "tcg", **knobs})
    assert done.returncode == 2
    assert done.stdout == ""
    assert all(word in done.stderr for word in words), done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def three(checkout):
    """Two guests of one kernel, and a module for the second."""
    guest = """teller.elf one  two=2;
               teller.elf mem=8M limit=60 -- three mem=9 -- four;
               data of=teller2 -- its own line;"""
    return run_in(checkout, GUEST=guest)


def test_a_foreign_kernel_gets_its_command_line_and_its_files_name(three):
    assert three.returncode == 0, three.stdout + three.stderr
    assert told(three, "teller") == ["line <one two=2>"]


def test_a_halt_of_a_foreign_kernel_is_a_good_end(three):
    for name in ("teller", "teller2"):
        ended = one(three, "vm", name=name, state="ended")
        assert (ended["cause"], ended["status"]) == ("halted", "0")


def test_module_options_end_at_the_two_dashes(three):
    assert one(three, "vm", name="teller2", state="started")["mem"] == str(8 << 20)
    assert told(three, "teller2")[0] == "line <three mem=9 -- four>"


def test_a_file_with_of_is_a_module_of_that_guest(three):
    assert told(three, "teller2")[1:] == ["module <its own line> holds <what the file holds>"]


@pytest.mark.parametrize("protocol, word", [("1", b"multiboot"), ("2", b"multiboot2")])
def test_protocol_chooses_how_grub_loads_us(checkout, protocol, word):
    done = run_in(checkout, GUEST="teller.elf words", PROTOCOL=protocol)
    assert done.returncode == 0, done.stdout + done.stderr
    assert told(done, "teller") == ["line <words>"]
    assert b"\n" + word + b" /boot/resident.elf" in (checkout / "build/resident.iso").read_bytes()


def test_mem_and_cpu_model_are_the_machines(checkout):
    done = run_in(
        checkout, MEM="64", CPU_MODEL="corei5_arrandale_m520", GUEST="teller.elf mem=100M --"
    )
    assert done.returncode == 1
    assert one(done, "boot")["xsave"] == "fxsave"  # too old a CPU for XSAVE
    free = int(re.search(r"mem=100M is more than there is \((\d+)M free\)", done.stdout)[1])
    assert 32 <= free < 64


def test_iso_makes_the_image_and_does_not_boot(checkout):
    iso = checkout / "build/resident.iso"
    iso.unlink(missing_ok=True)
    done = run_in(checkout, "--iso", GUEST="teller.elf only on the stick", OPTS="slice=777")
    assert (done.returncode, done.stdout) == (0, "")
    assert "booting" not in done.stderr
    assert b"'slice=777'" in iso.read_bytes()
    assert b"'only' 'on' 'the' 'stick'" in iso.read_bytes()
    assert not list((checkout / "build").glob("run-*"))


def test_make_run_hands_its_knobs_on(checkout):
    guest = os.path.relpath(checkout / "teller.elf", ROOT) + " name=made -- by make"
    done = run(f"GUEST={guest}", "MACHINE=bochs", command=["make", "-s", "run"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert told(done, "made") == ["line <by make>"]


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


def test_what_is_typed_on_the_terminal_reaches_the_hypervisors_console():
    master, slave = pty.openpty()
    guest = "build/guest/fpu-hold.elf name=a mem=4M runs=1000 -- rounds=1"
    with subprocess.Popen(
        [RUN],
        cwd=ROOT,
        env=environment(MACHINE="bochs", GUEST=guest, TIMEOUT="100"),
        stdin=slave,
        stdout=subprocess.PIPE,
    ) as process:
        os.close(slave)
        answered = False
        for line in process.stdout:
            if b"state=started" in line:
                os.write(master, b"fpu=unload\n")
            if line.startswith(b"@policy fpu=unload before="):
                answered = True
                break
        process.terminate()
    os.close(master)
    assert answered


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
