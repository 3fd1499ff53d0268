"""What a guest does wrong ends it, or it is told off; a second guest's patterns stay right."""

import os
import re
import struct

import pytest
from booting import BUILD, bochs
from models import models

HOLD = ("fpu-hold", "name=hold mem=8M -- seed=9 rounds=12")

# file and words -> status, cause, and what the line on the console says
ENDED = {
    "triple": ("triple-fault", r"triple fault.*\[SDM Vol\. 3A"),
    "unmapped": ("ept-violation", r"read at guest-physical 0x20000000, where nothing is"),
    "beyond": ("ept-violation", r"read at guest-physical 0x80000000, where nothing is"),
    "beyond-write": ("ept-violation", r"write at guest-physical 0x80000000, where nothing is"),
    "odd-at-device": ("ept-violation", r"0xfec00000, .*not emulated there: 0f a4 "),
    "table-beyond": ("ept-violation", r"read at guest-physical 0x80000000, where nothing is"),
    "idt-beyond": ("ept-violation", r"0x80000[0-9a-f]+, where no RAM is: an event was being"),
}
ENDLESS = {"loop": "preemption-timer", "db": "exception", "ac": "exception", "nmi-storm": "vmcall"}
TOLD_OFF = {"vmxon": 6, "monitor": 6, "getsec": 6, "xcr0": 13, "msr": 13, "double": 8}


def boot_bad(boot, words, options="", bits="", cpu="tigerlake"):
    result = boot(
        cpu=cpu,
        modules=[
            (f"bad{bits}", f"name=bad mem=8M control=on {options} -- {words} peers=2 after=20"),
            HOLD,
        ],
    )
    hold = result.one("vm", name="hold", state="ended")
    assert (hold["status"], hold["cause"]) == ("0", "exit-port")
    assert any("pass=12 fail=0" in line for line in result.lines("hold"))
    return result


def ended_as(result, status, cause):
    record = result.one("vm", name="bad", state="ended")
    assert (record["status"], record["cause"]) == (str(status), cause)


def complaint(result):
    lines = [line for line in result.console.splitlines() if line.startswith("ERROR: bad: ended:")]
    assert len(lines) == 1, lines
    return lines[0]


@pytest.mark.parametrize("bits", ["", "32"])
@pytest.mark.parametrize("word", ENDED)
def test_it_is_ended_with_one_line_on_what_where_and_which_rule(boot, word, bits):
    cause, words = ENDED[word]
    result = boot_bad(boot, word, options="holes=end", bits=bits)
    ended_as(result, 1, cause)
    line = complaint(result)
    assert re.search(words, line), line
    assert re.search(r"RIP=0x[0-9a-f]+ CS base=0x[0-9a-f]+ exit qualification=0x[0-9a-f]+", line)
    assert "[SDM " in line
    assert result.status == 1


@pytest.mark.parametrize("word", ENDLESS)
def test_what_never_ends_still_leaves_and_is_ended_by_its_limit(boot, word):
    result = boot_bad(boot, word, options="limit=300")
    ended_as(result, 1, "limit")
    exits = result.one("exit", vm="bad", reason=ENDLESS[word])
    assert exits.number("count") > (10 if word in ("loop", "nmi-storm") else 1000)


def test_one_hypercall_does_not_hold_the_cpu_for_all_that_it_prints(boot):
    result = boot_bad(boot, "flood", options="limit=300")
    ended_as(result, 1, "limit")
    # less than one call's 4096: each part counts against the limit
    assert 10 < result.lines("bad").count("") < 2000


@pytest.mark.parametrize("bits", ["", "32"])
@pytest.mark.parametrize("word", TOLD_OFF)
def test_it_is_told_off_by_an_exception_of_its_own(boot, word, bits):
    result = boot_bad(boot, word, bits=bits)
    ended_as(result, 0, "exit-port")
    assert f"told off: {word}, vector {TOLD_OFF[word]}" in result.lines("bad")
    assert result.status == 0


@pytest.mark.parametrize("word", ["task", "task-gate"])
def test_a_hardware_task_switch_is_made(boot, word):
    result = boot_bad(boot, word, bits="32")
    ended_as(result, 0, "exit-port")
    assert "bad: in the new task" in result.lines("bad")


@pytest.mark.parametrize("word", ["halt", "sleep", "tpr"])
def test_a_halt_that_nothing_can_end_ends_the_guest(boot, word):
    result = boot_bad(boot, word)
    ended_as(result, 1, "halted")
    assert boot_bad(boot, word, options="halt=ok").status == 0


@pytest.mark.parametrize("status", [0, 3, 255])
def test_a_guest_ends_with_the_status_that_it_says(boot, status):
    ended_as(boot_bad(boot, f"exit status={status}"), status, "exit-port")
    ended_as(boot_bad(boot, f"exit-hypercall status={status}"), status, "hypercall")


def test_ports_that_are_not_there_are_counted_and_harmless(boot):
    result = boot_bad(boot, "io-flood")
    ended_as(result, 0, "exit-port")
    assert result.one("io", vm="bad").number("unhandled") > 1000


def test_what_a_guest_prints_cannot_be_taken_for_the_hypervisor(boot):
    result = boot_bad(boot, "console-flood")
    assert len(result.all("end")) == 1
    allowed = set(b"\r\n\t") | set(range(0x20, 0x7F))
    flood = result.raw[result.raw.index(b"@boot") :]
    assert set(flood) <= allowed
    assert not [line for line in result.console.splitlines() if "forged" in line and line[0] == "@"]


def test_real_mode_with_low_bits_in_cs_does_not_trouble_others(boot):
    ended_as(boot_bad(boot, "realcs", bits="32"), 0, "exit-port")


WIDE = {
    "fs57": r"GUEST_FS_BASE 0x800000000000 is not canonical in 48 bits.*allows 57 here",
    "gs57": r"GUEST_GS_BASE 0x800000000000 is not canonical",
    "swapgs57": r"GUEST_GS_BASE 0x800000000000 is not canonical",
    "sysenter57": r"GUEST_SYSENTER_EIP 0x800000000000 is not canonical",
}


@pytest.mark.parametrize("cpu", models("sapphire_rapids"))
@pytest.mark.parametrize("word, bits", [*((word, "") for word in WIDE), ("fs57", "32")])
def test_an_address_that_only_vm_entry_refuses_ends_the_guest_by_its_rule(boot, cpu, word, bits):
    """A Bochs without defect "entry-57-bits" has WRMSR check it for 48 bits, as VM entry does."""
    result = boot_bad(boot, word, bits=bits, cpu=cpu)
    if not bochs().has("entry-57-bits"):
        ended_as(result, 0, "exit-port")
        assert f"told off: {word}, vector 13" in result.lines("bad")
        return
    ended_as(result, 1, "entry-failed")
    line = complaint(result)
    assert re.search(WIDE[word], line), line
    assert "[SDM Vol. 3C 26.3.1." in line


CORRUPTIONS = {
    "cut": lambda image: image[:600],
    "no-magic": lambda image: image.replace(b"\x02\xb0\xad\x1b", b"\x00\x00\x00\x00"),
    "checksum": lambda image: image.replace(b"\x02\xb0\xad\x1b", b"\x02\xb0\xad\x1b\x40"),
    "entry": lambda image: image[:24] + b"\xff" * 8 + image[32:],
    "segments": lambda image: image[:64] + b"\xff" * 112 + image[176:],
    "noise": lambda image: bytes((i * 197 + 13) & 0xFF for i in range(len(image))),
}


def test_nothing_of_a_vm_is_left_in_memory_when_it_has_ended(boot):
    """The other guest keeps the machine from ending and the CPU idle, in root mode, where linear
    addresses, which Bochs dumps by, are physical ones."""
    result = boot(
        modules=[("bad", "name=bad mem=8M -- secret"), ("bad", "name=b mem=8M -- doze")],
        until=r"(?s)bad: doze.*@vm name=bad state=cleared",
        commands=[f'writemem "memory" {4 << 20:#x} {252 << 20:#x}'],
    )
    assert result.why == "until"
    with open(f"{result.work}/memory", "rb") as file:
        memory = file.read()
    ended, living = (
        struct.pack("<I", pattern ^ 0x0F0F0F0F) * 4 for pattern in (0x5EC2E7A0, 0xD02ED02E)
    )
    assert memory.count(living) >= 4096
    assert ended not in memory


def test_an_empty_image_is_told_of_and_fails_the_boot(boot, tmp_path_factory):
    path = tmp_path_factory.mktemp("empty") / "image.elf"
    path.write_bytes(b"")
    result = boot(modules=[(str(path), "name=bad --"), ("integer", "name=b mem=8M -- rounds=2")])
    assert "is left out: its file is empty" in result.console
    assert result.one("vm", name="b", state="ended")["status"] == "0"
    assert result.status == 1


@pytest.mark.parametrize("how", CORRUPTIONS)
def test_a_corrupted_image_is_refused_in_words(boot, how, tmp_path_factory):
    path = tmp_path_factory.mktemp(how) / "image.elf"
    with open(os.path.join(BUILD, "guest", "bad.elf"), "rb") as file:
        path.write_bytes(CORRUPTIONS[how](file.read()))
    # the other guest must not wait for one that never starts
    result = boot(
        modules=[
            (str(path), "name=bad mem=8M -- image"),
            ("fpu-hold", "name=hold mem=8M -- seed=9 rounds=12"),
        ]
    )
    ended_as(result, 1, "refused")
    lines = [line for line in result.console.splitlines() if "not started:" in line]
    assert len(lines) == 1 and "bad: not started: " in lines[0], lines
    assert result.one("vm", name="hold", state="ended")["status"] == "0"
    assert result.status == 1
