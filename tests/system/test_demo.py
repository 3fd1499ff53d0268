"""The demonstration that `make run` boots: two guests with live FPU patterns, one that only
counts."""

import os
import subprocess
import sys

import pytest
from booting import BUILD, ROOT, bochs
from models import needs_model

sys.path.insert(0, os.path.join(ROOT, "tools"))
from guests import DEMONSTRATION  # noqa: E402

CPUS = ["tigerlake", "corei7_haswell_4770", "corei5_arrandale_m520"]
NEW_CPUS = ["sapphire_rapids", "arrow_lake"]  # not in every Bochs
GUESTS = ["hold1", "hold2", "count"]


@pytest.fixture(params=[*CPUS, *NEW_CPUS, "uefi"])
def demo(request, boot):
    if request.param == "uefi":
        return boot(firmware="uefi", memory=512, modules=DEMONSTRATION, timeout=300)
    needs_model(request.param)
    return boot(cpu=request.param, modules=DEMONSTRATION)


def test_every_guest_ends_well_and_so_does_the_machine(demo):
    assert demo.status == 0
    for guest in GUESTS:
        assert demo.one("vm", name=guest, state="ended")["status"] == "0"
        assert not [line for line in demo.lines(guest) if line.startswith("FAIL")]


def test_the_table_has_a_row_for_the_cpu_and_each_guest(demo):
    for row in ["CPU 0", *GUESTS]:
        assert any(line.strip().startswith(row + " ") for line in demo.console.splitlines()), row


def test_a_guest_without_fpu_code_costs_no_nm_no_save_no_load(demo):
    counted = demo.one("fpuctx", vm="count")
    assert [counted.number(key) for key in ("nm", "loads", "saves")] == [0, 0, 0]
    assert counted.number("entries") > 100


def test_counters_agree_with_each_other(demo):
    cpu = demo.one("fpu", cpu=0)
    contexts = demo.all("fpuctx")
    for key in ("entries", "resident", "armed", "nm", "loads", "saves", "ts_writes"):
        assert cpu.number(key) == sum(context.number(key) for context in contexts), key
    for key in ("scrubs", "preloads", "samples"):
        assert cpu.number(key) == sum(context.number(key) for context in contexts), key
    assert cpu.number("entries") == sum(cpu.number(k) for k in ("resident", "armed", "preloads"))
    assert cpu.number("loads") == cpu.number("nm") + cpu.number("preloads")
    # a save is of a state that was loaded; what a VM leaves at its end is dropped
    assert cpu.number("loads") - len(GUESTS) <= cpu.number("saves") <= cpu.number("loads")


def test_the_boot_record_names_the_machine(demo):
    record = demo.one("boot")
    assert (record["machine"], record["vmx"], record["ept"], record["ug"]) == (
        "bochs",
        "1",
        "1",
        "1",
    )


def test_the_same_boot_twice_prints_the_same(boot):
    first = boot(modules=DEMONSTRATION)
    again = boot(modules=DEMONSTRATION, timeout=181)  # another parameter: booted anew
    assert first.console == again.console


def test_the_save_instruction_follows_the_cpu(boot):
    names = [boot(cpu=cpu, modules=DEMONSTRATION).one("boot")["xsave"] for cpu in CPUS]
    broken = bochs().has("xsavec-xsaves") or bochs().has("compact-mxcsr")
    assert names == ["xsaveopt" if broken else "xsaves", "xsaveopt", "fxsave"]


def test_both_multiboot_protocols_start_the_same_guests(boot):
    one, two = (boot(modules=DEMONSTRATION, protocol=protocol) for protocol in (1, 2))
    assert one.status == two.status == 0
    started = [[r["name"] for r in result.all("vm", state="started")] for result in (one, two)]
    assert started[0] == started[1] == GUESTS


def test_make_run_works_without_a_terminal():
    done = subprocess.run(
        ["make", "-s", "run", "MACHINE=bochs", "TIMEOUT=120"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "@end status=0" in done.stdout
    assert os.path.exists(os.path.join(BUILD, "resident.iso"))
