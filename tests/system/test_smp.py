"""Guests on several physical CPUs: how many there are, who runs where, equal shares, and what stops
them all.

What Bochs cannot show: CPUs with different features. It takes one model for all of them; that one
which lacks what the first CPU has is left out is for `tests/unit` and for real machines.
"""

import os
import re
import subprocess
from statistics import mean

import pytest
from booting import BUILD, bochs
from guests import demonstration
from preboot import boot_after

RESIDENT = os.path.join(BUILD, "resident.elf")


def guests(cpus):
    """The demonstration, shorter."""
    return [
        (file, words.replace("rounds=200", "rounds=10"))
        for file, words in demonstration(cpus, bochs())
    ]


def row_of(result, name):
    return [line for line in result.console.splitlines() if line.strip().startswith(name + " ")]


def entries(result, *names):
    return sum(result.one("fpuctx", vm=name).number("entries") for name in names)


@pytest.mark.parametrize(
    "cpus, firmware",
    [
        (1, "bios"),
        (2, "bios"),
        (4, "bios"),
        (2, "uefi"),
        *[pytest.param(*both, marks=pytest.mark.nightly) for both in ((8, "bios"), (4, "uefi"))],
    ],
)
def test_every_cpu_runs_guests_and_has_its_rows(boot, cpus, firmware):
    where = {"firmware": "uefi", "memory": 512, "timeout": 300} if firmware == "uefi" else {}
    result = boot(cpus=cpus, modules=guests(cpus), **where)
    assert result.status == 0
    assert result.one("boot")["cpus"] == str(cpus)
    assert result.one("boot")["firmware"] == firmware
    assert [record["cpu"] for record in result.all("cpu")] == [str(n) for n in range(cpus)]
    for cpu in range(cpus):
        assert len(row_of(result, f"CPU {cpu}")) == 1
        assert result.one("fpu", cpu=cpu).number("entries") > 100
    assert not row_of(result, f"CPU {cpus}")
    # nothing is counted twice or not at all
    for key in ("entries", "resident", "armed", "nm", "loads", "saves", "flushes", "ts_writes"):
        ours = sum(record.number(key) for record in result.all("fpu"))
        assert ours == sum(record.number(key) for record in result.all("fpuctx")), key
    ours = sum(record.number("moves") for record in result.all("cpu"))
    assert ours == sum(record.number("moves") for record in result.all("fpuctx"))
    assert (ours > 0) == (cpus > 1)


def messages(result, level):
    return [line for line in result.console.splitlines() if level in line]


def test_a_first_cpu_that_firmware_left_in_x2apic_mode_starts_the_others(tmp_path):
    result = boot_after(tmp_path, "msr=1b:400", cpus=2, modules=guests(2))
    assert result.status == 0
    assert result.one("boot")["cpus"] == "2"


@pytest.mark.parametrize("ticks", ["0", "7fffffffffff"])
def test_a_tsc_that_is_off_is_brought_in_step(tmp_path, ticks):
    """That of the first CPU goes back to its start, or is a year ahead of the second's."""
    result = boot_after(tmp_path, f"bank=10:{ticks}", cpus=2, modules=guests(2))
    assert result.status == 0
    assert result.one("boot")["cpus"] == "2"
    assert not messages(result, "TSC of APIC ID")


def test_a_cpu_with_other_memory_types_is_left_out(tmp_path):
    """The last of the first CPU's variable MTRRs: 256 MiB below 4 GiB, uncacheable."""
    mtrr = "bank=20e:e0000000 bank=20f:ff0000800"
    result = boot_after(tmp_path, mtrr, cpus=2, modules=guests(1))
    assert result.status == 0
    assert result.one("boot")["cpus"] == "1"
    assert messages(result, "APIC ID 1 has other MTRRs than the first CPU")
    assert messages(result, "the CPU with APIC ID 1 is left out")


@pytest.mark.parametrize("most", [1, 3])
def test_maxcpus_is_how_many_run_of_those_there_are(boot, most):
    result = boot(cpus=4, opts=f"maxcpus={most}", modules=guests(most))
    assert result.status == 0
    assert result.one("boot")["cpus"] == str(most)
    assert len(result.all("cpu")) == len(result.all("fpu")) == most


@pytest.mark.parametrize("migrate", [0, 1])
def test_a_guest_runs_only_on_the_cpus_of_its_module_line(boot, migrate):
    words = {"a": "cpus=1", "b": "cpus=1", "c": "cpus=2-3", "d": "cpus=3+2", "e": "cpus=2"}
    modules = [
        ("integer", f"name={name} mem=4M {cpus} -- rounds=30") for name, cpus in words.items()
    ]
    result = boot(cpus=4, opts=f"migrate={migrate} slice=500", modules=modules)
    assert result.status == 0
    own = [result.one("fpu", cpu=cpu).number("entries") for cpu in range(4)]
    assert own[:2] == [0, entries(result, "a", "b")]
    assert own[2] + own[3] == entries(result, "c", "d", "e")
    assert min(own[1:]) > 0
    moves = {name: result.one("fpuctx", vm=name).number("moves") for name in words}
    assert (moves["a"], moves["b"], moves["e"]) == (0, 0, 0)
    assert moves["c"] + moves["d"] > (1000 if migrate else 0)


def test_a_cpu_that_is_not_there_is_refused_by_name(boot):
    modules = [("integer", f"name={n} mem=4M {c} -- rounds=2") for n, c in (("a", "cpus=2"), ("b", ""))]
    result = boot(cpus=2, modules=modules)
    assert "cpus= names no physical CPU that runs: 2 do, from 0 on" in result.console
    assert result.one("vm", name="a", state="ended")["cause"] == "refused"
    assert result.one("vm", name="b", state="ended")["status"] == "0"


@pytest.mark.parametrize("cpus, count", [(2, 3), (4, 7)])
def test_more_guests_than_cpus_have_equal_shares(boot, cpus, count):
    """To a slice, though each CPU has a queue of its own; and a slice more, because each measures its
    own 400 slices of time. Every second one uses the FPU, and pays for the loads and saves of its
    registers, so like is compared with like; what they pay is less than a hundredth, beside that."""
    modules = [
        ("fair", f"name=f{n} mem=4M -- after=100 ms=2000" + (" uses" if n % 2 else ""))
        for n in range(count)
    ]
    result = boot(cpus=cpus, opts="slice=5000", modules=modules)
    assert result.status == 0
    shares = [
        int(re.search(r"fair: .* total=(\d+)", "\n".join(result.lines(f"f{n}")))[1])
        for n in range(count)
    ]
    slices = 1000 * 2 // 400 + 1  # two, of the 400, in thousandths
    for alike in shares[::2], shares[1::2]:
        assert max(alike) - min(alike) <= slices
    assert abs(mean(shares[::2]) - mean(shares[1::2])) < 0.01 * mean(shares) + slices / 2
    assert min(shares) > 950 * cpus / count


def function_at(address):
    """The function of the hypervisor that an address is in."""
    listing = subprocess.run(["nm", RESIDENT], check=True, capture_output=True, text=True).stdout
    found = re.findall(r"^([0-9a-f]+) [tT] (\S+)$", listing, re.M)
    return max((int(start, 16), name) for start, name in found if int(start, 16) <= address)[1]


BUSY = [("integer", f"name=busy{n} mem=4M cpus={n} -- rounds=100000") for n in (0, 1, 2)]
SHORT = ("integer", "name=short mem=4M cpus=3 -- rounds=5")


@pytest.mark.parametrize("crash", ["pagefault", "idle"])
def test_a_panic_on_one_cpu_stops_the_others(boot, crash):
    """At boot, on the first one, and on the last of four while guests run on the others."""
    result = boot(
        cpus=4,
        opts=f"crash={crash} panic=halt",
        modules=[*BUSY, SHORT],
        until="panic=halt: the machine is halted",
        commands=[word for cpu in range(4) for word in (f"set $cpu={cpu}", "r")],
    )
    assert result.why == "until"
    if crash == "pagefault":
        assert "ERROR: fault in the hypervisor on CPU 0" in result.console
    else:
        assert "ERROR: the hypervisor stops: crash=idle" in result.console
        assert len(result.all("vm", state="started")) == 4
    rips = [int(rip.replace("_", ""), 16) for rip in re.findall(r"\brip: ([0-9a-f_]+)", result.dump)]
    where = [function_at(rip - 1) for rip in rips]  # behind the HLT
    assert len(where) == 4
    assert len([name for name in where if name.startswith("stop")]) == 3, where


def test_a_panic_on_another_cpu_than_the_first_ends_the_machine(boot):
    result = boot(cpus=4, opts="crash=idle", modules=[*BUSY, SHORT])
    assert (result.status, result.message) == (1, "")
    assert "backtrace:" in result.console
    assert result.console.rstrip().endswith("@end status=1")


def test_an_init_signal_ends_the_guest_that_runs_and_nobody_else(boot):
    modules = [("integer", f"name={vm} mem=4M cpus={cpu} -- rounds=20") for cpu, vm in enumerate("ab")]
    result = boot(opts="crash=init", cpus=2, modules=modules)
    assert result.one("vm", name="b", state="ended")["cause"] == "init"
    assert result.one("vm", name="a", state="ended")["status"] == "0"
    assert "b: ended: an INIT or SIPI arrived while it ran" in result.console
    assert result.status == 1
