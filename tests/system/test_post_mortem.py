"""Guests that explain themselves: what is told of one that dies, and of one that hangs."""

import os
import re
import shutil
import subprocess

import pytest
from booting import BUILD, ROOT

DEAD = ("dies", "name=a mem=4M --")
WIDTH = {"": 16, "32": 8}
CODE = "0f 0b de ad be ef"


def told(result, vm="a"):
    """The lines about a VM, behind the one that says why it ended."""
    lines = result.console.splitlines()
    mark = f"{vm}: "
    return [line[len(mark) :] for line in lines if line.startswith(mark)]


def one(lines, start):
    (line,) = [line for line in lines if line.startswith(start)]
    return line


@pytest.mark.parametrize("bits", ["", "32"])
def test_the_function_the_instruction_and_the_registers_are_named(boot, bits):
    result = boot(modules=[("dies" + bits, "name=a mem=4M --")])
    assert result.one("vm", name="a", state="ended")["cause"] == "triple-fault"
    lines = told(result)
    place = one(lines, "RIP=")
    assert re.match(r"RIP=0x[0-9a-f]+ <dies_here\+0x[0-9a-f]+>, ", place), place
    assert ("64-bit mode" if not bits else "protected mode, 32 bits") in place
    assert "CPL 0" in place and "IF=0" in place
    assert one(lines, "bytes at RIP: ").startswith(f"bytes at RIP: {CODE}")
    registers = " ".join(lines)
    letter = "E" if bits else "R"
    for name, digit in (("AX", 1), ("CX", 2), ("DX", 3), ("SI", 6), ("DI", 7)):
        value = (str(digit) * 8).zfill(WIDTH[bits])
        assert re.search(rf"\b{letter}{name}={value}\b", registers), (name, lines)
    assert ("R15=" in registers) == (not bits)
    assert re.search(r"CR0=[0-9a-f]{8} CR2=.* CR3=.* CR4=.* EFER=", registers)
    for segment in ("ES", "CS", "SS", "DS", "FS", "GS", "LDTR", "TR"):
        assert re.search(rf"\b{segment}=[0-9a-f]{{4}} base 0x[0-9a-f]+ limit 0x", registers)
    assert re.search(r"GDTR base 0x[0-9a-f]+ limit 0x[0-9a-f]+; IDTR base 0x0 limit 0x0", registers)
    assert len(lines) <= 17, lines


@pytest.mark.parametrize("bits", ["", "32"])
def test_who_called_it_is_told_from_the_inside_out(boot, bits):
    lines = told(boot(modules=[("dies" + bits, "name=a mem=4M --")]))
    called = [line for line in lines if line.startswith("called from ")]
    names = [re.fullmatch(r"called from 0x[0-9a-f]+ <(\w+)\+0x[0-9a-f]+>", line)[1] for line in called]
    assert names[:3] == ["calls_it", "calls_who_calls_it", "guest_main"]


def test_a_call_to_nowhere_is_told_by_its_caller(boot):
    lines = told(boot(modules=[("bad", "name=a mem=8M control=on holes=end -- unmapped")]))
    assert one(lines, "bytes at RIP: ") == "bytes at RIP: none, it is not mapped, or not its memory"
    assert one(lines, "called from ").split()[-1].startswith("<unmapped+0x")


def test_what_it_was_refused_and_the_exceptions_it_was_given_are_told(boot):
    lines = told(boot(modules=[("dies", "name=a mem=4M holes=end -- refused")]))
    refused = one(lines, "WRMSR 0x19a <- 0xfee00900, port 0x62 read, port 0x80 written: ")
    assert "refused" in refused
    raised = one(lines, "raised by the hypervisor, the last first: ")
    assert re.search(r": #GP\(0x0\) at 0x[0-9a-f]+, #GP\(0x0\) at 0x[0-9a-f]+$", raised), raised


def test_a_kernel_without_symbols_is_told_of_without_names(boot, tmp_path_factory):
    path = tmp_path_factory.mktemp("stripped") / "dies.elf"
    shutil.copy(os.path.join(BUILD, "guest", "dies.elf"), path)
    subprocess.run(["strip", path], check=True)
    lines = told(boot(modules=[(str(path), "name=a mem=4M --")]))
    assert re.match(r"RIP=0x[0-9a-f]+, 64-bit mode", one(lines, "RIP="))
    assert one(lines, "bytes at RIP: ").startswith(f"bytes at RIP: {CODE}")
    called = [line for line in lines if line.startswith("called from ")]
    assert len(called) >= 3
    assert all(re.fullmatch(r"called from 0x[0-9a-f]+", line) for line in called)


@pytest.mark.parametrize(
    "module",
    [
        ("bad", "name=a mem=8M -- exit status=3"),
        ("bad", "name=a mem=8M halt=ok -- halt"),
        ("integer", "name=a mem=4M -- rounds=2"),
    ],
    ids=["status", "halt-ok", "well"],
)
def test_who_ends_as_it_wanted_has_nothing_to_explain(boot, module):
    assert not [line for line in told(boot(modules=[module])) if line.startswith("RIP=")]


@pytest.mark.parametrize(
    "module, cause, name",
    [
        (("bad", "name=a mem=8M -- halt"), "halted", "halt"),
        (("bad", "name=a mem=8M limit=50 -- loop"), "limit", "loop"),
    ],
    ids=["halted", "limit"],
)
def test_a_guest_that_stands_still_is_told_where(boot, module, cause, name):
    result = boot(modules=[module])
    assert result.one("vm", name="a", state="ended")["cause"] == cause
    assert f"<{name}+0x" in one(told(result), "RIP=")


def test_each_run_of_a_vm_is_told_of_by_itself(boot):
    result = boot(modules=[("dies", "name=a mem=4M runs=2 holes=end -- refused")])
    lines = told(result)
    assert len([line for line in lines if "<dies_here+" in line]) == 2
    assert len([line for line in lines if line.startswith("WRMSR 0x19a")]) == 2


def test_verbose_tells_every_exit_by_name_and_where(boot):
    result = boot(opts="verbose=on", modules=[("integer", "name=a mem=4M -- rounds=1")])
    assert result.status == 0
    lines = [line for line in told(result) if line.startswith("exit ")]
    seen = {}
    for line in lines:
        match = re.fullmatch(
            r"exit ([a-z0-9-]+): vCPU 0, RIP=0x[0-9a-f]+, qualification 0x[0-9a-f]+", line
        )
        assert match, line
        seen[match[1]] = seen.get(match[1], 0) + 1
    counted = {record["reason"]: record.number("count") for record in result.all("exit", vm="a")}
    assert seen == counted
    assert counted["io"] > 50  # what it prints, at least


POLLS = ("dies", "name=a mem=4M -- poll")
SPINS = ("bad", "name=b mem=8M -- spin")
DOZES = ("bad", "name=c mem=8M -- doze")


@pytest.mark.parametrize("cpus", [1, 2])
def test_the_monitor_tells_where_each_guest_is_and_what_it_polls(boot, cpus):
    result = boot(
        cpus=cpus,
        modules=[POLLS, SPINS, DOZES, ("integer", "name=d mem=4M -- rounds=1")],
        typed=[(r"name=d state=cleared", "guests\r")],
        until="@monitor command=guests.*\n",
    )
    assert result.why == "until"
    lines = told(result)
    place = one(lines, "RIP=")
    assert "<polls_here+0x" in place and "runnable on CPU" in place
    assert one(lines, "pending: ").startswith("pending: interrupt 0x40; ")
    exits = one(lines, "while it was watched it left for ")
    found = re.search(r"left for port 0x62 read: (\d+) times, from 0x[0-9a-f]+$", exits)
    assert found and int(found[1]) > 50, exits
    called = [line for line in lines if line.startswith("called from ")]
    assert "<calls_it+" in called[0] and "<calls_who_calls_it+" in called[1]
    spins = told(result, "b")
    assert "<spin+0x" in one(spins, "RIP=") and "IF=1" in one(spins, "RIP=")
    assert one(spins, "while it was watched") == (
        "while it was watched it left for nothing: it computes, or had no turn"
    )
    assert told(result, "d")[-1] == "ended"
    # they run on
    assert not result.all("vm", name="a", state="ended")


def test_a_run_that_hangs_is_told_of_before_its_registers():
    done = subprocess.run(
        [os.path.join(ROOT, "tools/run")],
        env={
            **os.environ,
            "MACHINE": "bochs",
            "TIMEOUT": "8",
            "GUEST": "build/guest/dies.elf name=a mem=4M -- poll",
        },
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=200,
        text=True,
        check=False,
    )
    assert done.returncode == 124, done.stderr
    said = done.stderr
    guests = said[said.index("where the guests are:") : said.index("registers:")]
    assert re.search(r"^a: RIP=0x[0-9a-f]+ <polls_here\+0x", guests, re.M), said
    assert re.search(r"^a: while it was watched it left for port 0x62 read", guests, re.M)
    assert "rip: " in said[said.index("registers:") :]
    assert "while it was watched" not in said[: said.index("where the guests are:")]
