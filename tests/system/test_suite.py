"""tools/suite, which `make suite` calls: kernels on bare Bochs and as guests, compared."""

import os
import re
import shutil
import subprocess

import pytest
from booting import BUILD, ROOT

# Prints its command line, each word a line of its own; its first module's line and what is in it;
# then a line by whether it is a guest. Ends unless the first word begins with "!".
SAYER = r"""
	.balign 4
	.long 0x1BADB002, 0, -0x1BADB002
	.globl _start
_start:	mov $stack, %esp
	cld
	mov $0x3fb, %dx			/* 115200 8N1 */
	mov $0x80, %al
	out %al, %dx
	mov $0x3f8, %dx
	mov $1, %al
	out %al, %dx
	mov $0x3fb, %dx
	mov $3, %al
	out %al, %dx
	mov 16(%ebx), %esi
	mov %esi, line
1:	lodsb
	test %al, %al
	jz 3f
	cmp $' ', %al
	jne 2f
	mov $'\n', %al
2:	call put
	jmp 1b
3:	mov $'\n', %al
	call put
	cmpl $0, 20(%ebx)
	je no_module
	mov 24(%ebx), %edi
	mov 8(%edi), %esi
	call print
	mov (%edi), %esi
	call print
no_module:
	mov $1, %eax
	cpuid
	mov $bare, %esi
	test %ecx, %ecx
	jns 4f
	mov $guest, %esi
4:	call print
	mov line, %esi
	cmpb $'!', (%esi)
7:	je 7b
	mov $0xf4, %dx
	xor %al, %al
	out %al, %dx
	mov $0x8900, %dx
	mov $shutdown, %esi
	mov $8, %ecx
	rep outsb
8:	cli
	hlt
	jmp 8b
print:	lodsb
	test %al, %al
	jz 6f
	call put
	jmp print
6:	ret
put:	mov %al, %ah
	mov $0x3fd, %dx
9:	in %dx, %al
	test $0x40, %al
	jz 9b
	mov %ah, %al
	mov $0x3f8, %dx
	out %al, %dx
	ret
bare:	.asciz "PASS no-hypervisor\n"
guest:	.asciz "FAIL no-hypervisor\n"
shutdown: .ascii "Shutdown"
	.bss
line:	.skip 4
	.skip 4096
stack:
"""


@pytest.fixture(scope="module")
def sayer(tmp_path_factory):
    directory = tmp_path_factory.mktemp("sayer")
    (directory / "sayer.s").write_text(SAYER)
    for command in (
        ["as", "--32", "-o", "sayer.o", "sayer.s"],
        ["ld", "-m", "elf_i386", "-Ttext=0x100000", "-o", "sayer.elf", "sayer.o"],
    ):
        subprocess.run(command, cwd=directory, check=True)
    return directory / "sayer.elf"


def suite(command=("tools/suite",), **knobs):
    names = "KERNELS OPTIONS ONLY CPU_MODEL JOBS TAP KEEP MAKEFLAGS MFLAGS MAKELEVEL".split()
    clean = {name: value for name, value in os.environ.items() if name not in names}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**clean, "JOBS": "2", **{name: str(value) for name, value in knobs.items()}},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def rows(done):
    """The table's, by the kernel."""
    lines = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines[1:]]
    return {row[0]: row[1:] for row in cells}


@pytest.fixture(scope="module")
def several(tmp_path_factory, sayer):
    """A suite of several kernels, and what came of it."""
    folder = tmp_path_factory.mktemp("kernels")
    shutil.copy(os.path.join(BUILD, "guest", "integer.elf"), folder)
    (folder / "more").mkdir()
    for name in ("words.elf", "left.elf", "hangs.elf", "more/group.elf"):
        shutil.copy(sayer, folder / name)
    (folder / "README").write_text("no kernel\n")
    (folder / "suite.ini").write_text(
        r"""
[*]
timeout = 90
[words.elf]
memory = 33
line = PASS:one PASS:two:17us FAIL:three SKIP:four PASS:one
drop = \d+us
[left.elf]
leave = it takes a night
[hangs.elf]
line = ! PASS:one
until = no-hypervisor
[more/*]
line = ok:one:fine ok:two:fine bad:three
pass = ^ok:(\w+)
fail = ^bad:(\w+)
"""
    )
    return folder, suite(KERNELS=folder, KEEP=folder / "kept")


def test_every_kernel_of_a_folder_runs_in_both_places_and_the_table_says_where_they_differ(several):
    folder, done = several
    found = rows(done)
    assert done.returncode == 1, done.stdout + done.stderr
    assert list(found) == ["hangs.elf", "integer.elf", "left.elf", "words.elf", "more/group.elf"]
    assert found["integer.elf"] == [
        "1 pass, 0 fail (the machine ended)", "1 pass, 0 fail (exit-port, status 0)", "no"
    ]  # fmt: skip
    assert found["words.elf"][2] == "no-hypervisor: pass, as a guest fail"
    assert done.stdout.splitlines()[-1] == "suite: 4 kernels, 2 differ, 1 left out"


def test_what_counts_is_the_options_files_to_say(several):
    found = rows(several[1])
    # one that is said twice counts twice, and the time in a name does not make it another test
    assert found["words.elf"][0].startswith("4 pass, 1 fail, 1 skip ")
    assert found["words.elf"][1].startswith("3 pass, 2 fail, 1 skip ")
    assert found["more/group.elf"][0].startswith("2 pass, 1 fail ")
    assert found["more/group.elf"][2] == "no"


def test_a_kernel_that_never_ends_is_stopped_when_it_has_said_what_it_is_waited_for(several):
    found = rows(several[1])
    assert found["hangs.elf"][0].endswith("(until)") and found["hangs.elf"][1].endswith("(until)")
    assert found["left.elf"] == ["-", "-", "left out: it takes a night"]


def test_what_was_printed_is_kept(several):
    kept = several[0] / "kept"
    assert "PASS no-hypervisor" in (kept / "words.elf.bare").read_text()
    assert "k| FAIL no-hypervisor" in (kept / "words.elf.guest").read_text()
    assert (kept / "more/group.elf.guest").exists()


def test_as_tap_each_kernel_is_a_test(several, sayer):
    done = suite(KERNELS=several[0], ONLY="integer* left* words*", TAP=1)
    lines = done.stdout.splitlines()
    assert lines[:2] == ["TAP version 13", "1..3"]
    assert done.returncode == 1
    results = [line for line in lines if re.match(r"(not )?ok ", line)]
    assert results == [
        "ok 1 - integer.elf",
        "ok 2 - left.elf # SKIP it takes a night",
        "not ok 3 - words.elf",
    ]
    assert "# differs: no-hypervisor: pass, as a guest fail" in lines
    assert all(re.match(r"TAP|1\.\.|ok|not ok|# ", line) for line in lines)


def test_a_kernel_that_comes_to_its_end_in_one_place_only_differs(tmp_path, sayer):
    shutil.copy(sayer, tmp_path / "a.elf")
    (tmp_path / "suite.ini").write_text(
        "[*]\nline = PASS:one\npass = ^PASS:\nfail =\nuntil = PASS no-hyp\noptions = mem=1G\ntimeout = 60\n"
    )
    done = suite(KERNELS=tmp_path)
    assert done.returncode == 1
    assert "bare: until; as a guest: refused, status 1" in rows(done)["a.elf"][2]


def test_one_that_is_silent_or_takes_too_long_is_stopped_and_the_row_says_so(tmp_path, sayer):
    shutil.copy(sayer, tmp_path / "silent.elf")
    shutil.copy(sayer, tmp_path / "long.elf")
    (tmp_path / "suite.ini").write_text(
        "[silent.elf]\nline = ! PASS:one\nquiet = 4\n"
        "[long.elf]\nline = ! PASS:one\nquiet = 0\ntimeout = 10\n"
        "[*]\npass = ^PASS:\nfail =\n"
    )
    done = suite(KERNELS=tmp_path)
    found = rows(done)
    assert done.returncode == 0, done.stdout
    assert all("(silent for 4 s)" in cell for cell in found["silent.elf"][:2])
    assert all("(stopped after 10 s)" in cell for cell in found["long.elf"][:2])


def test_with_argv0_a_guests_command_line_begins_with_its_name(tmp_path, sayer):
    shutil.copy(sayer, tmp_path / "a.elf")
    (tmp_path / "suite.ini").write_text(
        "[*]\nline = PASS:one\npass = ^PASS:\nfail =\noptions = argv0=on\n"
    )
    done = suite(KERNELS=tmp_path, KEEP=tmp_path / "kept")
    assert done.returncode == 0, done.stdout
    bare, guest = ((tmp_path / f"kept/a.elf.{place}").read_text() for place in ("bare", "guest"))
    assert bare.startswith("PASS:one\n")
    assert "\nk| k\nk| PASS:one\n" in guest


def test_a_kernel_gets_its_modules_in_both_places(tmp_path, sayer):
    shutil.copy(sayer, tmp_path / "a.elf")
    (tmp_path / "data").write_bytes(b" of the module\nPASS: its content\n\0")
    (tmp_path / "suite.ini").write_text(
        "[*]\npass = ^PASS:\nfail = ^FAIL:\nmodules =\n  data PASS:its line\n"
    )
    done = suite(KERNELS=tmp_path, KEEP=tmp_path / "kept")
    assert done.returncode == 0, done.stdout
    assert [cell[:7] for cell in rows(done)["a.elf"][:2]] == ["2 pass,"] * 2
    assert "PASS:its line of the module" in (tmp_path / "kept/a.elf.bare").read_text()


def test_a_kernel_that_says_nothing_that_counts_is_no_success(tmp_path, sayer):
    shutil.copy(sayer, tmp_path / "a.elf")
    (tmp_path / "suite.ini").write_text("[*]\npass = ^WON\nfail = ^LOST\n")
    done = suite(KERNELS=tmp_path)
    assert done.returncode == 1
    assert "neither place printed a result" in rows(done)["a.elf"][2]


@pytest.mark.parametrize(
    "knobs, words",
    [
        ({}, ["KERNELS is not set", "make suite KERNELS=folder"]),
        ({"KERNELS": "/nowhere"}, ["KERNELS=/nowhere", "no such folder"]),
        ({"KERNELS": "docs"}, ["KERNELS=docs", "no file in it is a multiboot 1 kernel"]),
        ({"KERNELS": "build/guest", "ONLY": "nobody*"}, ["ONLY=nobody*"]),
        ({"KERNELS": "build/guest", "OPTIONS": "/nowhere"}, ["OPTIONS=/nowhere"]),
        ({"KERNELS": "build/guest", "JOBS": "0"}, ["JOBS=0"]),
        ({"KERNELS": "build/guest", "TAP": "yes"}, ["TAP=yes"]),
    ],
)
def test_a_wrong_knob_is_a_clear_error_and_status_2(knobs, words):
    done = suite(**knobs)
    assert (done.returncode, done.stdout) == (2, "")
    assert all(word in done.stderr for word in words), done.stderr


@pytest.mark.parametrize(
    "text, words",
    [
        ("[*]\nspeed = 1\n", ["[*] speed", "there is no such option", "timeout"]),
        ("[*]\ntimeout = soon\n", ["timeout=soon", "a.elf"]),
        ("[*]\npass = (\n", ["pass for a.elf"]),
        ("[*]\nmodules = nothing.img\n", ["nothing.img", "not there"]),
        ("timeout = 1\n", ["suite.ini"]),
    ],
)
def test_a_wrong_option_is_a_clear_error_and_status_2(tmp_path, sayer, text, words):
    shutil.copy(sayer, tmp_path / "a.elf")
    (tmp_path / "suite.ini").write_text(text)
    done = suite(KERNELS=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert all(word in done.stderr for word in words), done.stderr


def test_an_empty_folder_is_a_clear_error(tmp_path):
    done = suite(KERNELS=tmp_path)
    assert done.returncode == 2 and "no file in it is a multiboot 1 kernel" in done.stderr


def test_make_suite_hands_its_knobs_on(tmp_path):
    shutil.copy(os.path.join(BUILD, "guest", "integer.elf"), tmp_path)
    done = suite(["make", "-s", "suite", f"KERNELS={tmp_path}", "TAP=1"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok 1 - integer.elf" in done.stdout.splitlines()
    without = suite(["make", "-s", "suite"])
    assert without.returncode == 2 and "KERNELS is not set" in without.stderr
