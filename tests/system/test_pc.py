"""The PC that a guest finds, by the guest pc: interrupt controllers, timers, keyboard, COM1, what is
where nothing is, the tables that tell of it.

It is booted on Bochs without the hypervisor too, which says that its checks are right: each that
passes there has to pass in a VM."""

import os

import bench_runs
import pytest
from booting import BUILD, bochs
from guests import SPOILS as SPOILS_SEVERAL_CPUS

CHECKS = {"": 89, "32": 87}
NEED_HYPERCALLS = 8
# of the machine alone, and how many checks each leaves out
SPOILS = {
    "apic-off-for-good": 3,
    "apic-disabled-accepts": 1,
    "apic-illegal-vector": 1,
    "x2apic-reserved": 1,
    "x2apic-icr": 1,
    "tsc-deadline-stays": 1,
    "tsc-deadline-adjust": 1,
    "lint0-unmasked": 2,
    "ioapic-remote-irr": 1,
}
CLOBBER = ("clobber", "name=peer mem=8M control=on -- seed=3")


def expect_passes(lines, checks, skips=0):
    assert not [line for line in lines if line.startswith("FAIL")]
    last = [line for line in lines if line.startswith("RESULT")]
    assert len(last) == 1
    assert f"pass={checks - skips} fail=0 skip={skips}" in last[0]


def defects():
    """Words that name those of this Bochs with several CPUs."""
    return " ".join(name for name in SPOILS_SEVERAL_CPUS if bochs().has(name))


def told(result, text):
    return [line for line in result.console.splitlines() if text in line]


@pytest.mark.parametrize("bits", ["", "32"])
def test_a_machine_alone(boot, bits):
    spoilt = {name: skips for name, skips in SPOILS.items() if bochs().has(name)}
    alone = os.path.join(BUILD, f"guest/pc{bits}.elf")
    result = boot(hypervisor=alone, protocol=1, opts=" ".join(spoilt))
    skips = NEED_HYPERCALLS + sum(spoilt.values())
    expect_passes(result.console.splitlines(), CHECKS[bits], skips)


@pytest.mark.parametrize("bits", ["", "32"])
@pytest.mark.parametrize("cpu, apicv", [("tigerlake", "on"), ("corei5_arrandale_m520", "off")])
def test_in_a_vm(boot, cpu, apicv, bits):
    result = boot(cpu=cpu, modules=[(f"pc{bits}", "name=a mem=8M --")])
    assert result.one("boot").has(apicv=apicv)
    expect_passes(result.lines("a"), CHECKS[bits])
    assert result.status == 0


@pytest.mark.parametrize("bits", ["", "32"])
def test_in_a_vm_whose_accesses_to_the_apic_all_exit(boot, bits):
    result = boot(opts="apicv=off", modules=[(f"pc{bits}", "name=a mem=8M --")])
    assert result.one("boot").has(apicv="off")
    expect_passes(result.lines("a"), CHECKS[bits])
    assert result.status == 0


def test_eoi_and_tpr_take_no_exit_where_the_cpu_virtualizes_apics(boot):
    words = "control=on -- only=eoi-page,tpr-page,eoi-msr,tpr-msr"
    exits = {}
    for apicv in ("auto", "off"):
        result = boot(opts=f"apicv={apicv}", modules=[("bench", f"name=bench mem=40M {words}")])
        assert result.status == 0
        rows = bench_runs.guest_records(result)
        exits[apicv] = [row["name"] for row in rows if row.number("instructions") > 20]
        assert len(rows) == 4
    assert exits == {"auto": [], "off": ["eoi-page", "tpr-page", "eoi-msr", "tpr-msr"]}


@pytest.mark.parametrize("bits", ["", "32"])
@pytest.mark.parametrize("apicv", ["auto", "off"])
def test_in_a_vm_beside_a_busy_one(boot, bits, apicv):
    modules = [(f"pc{bits}", "name=a mem=8M -- busy"), CLOBBER]
    result = boot(opts=f"slice=200 apicv={apicv}", modules=modules)
    expect_passes(result.lines("a"), CHECKS[bits])
    assert result.status == 0


@pytest.mark.parametrize("bits", ["", "32"])
def test_in_a_vm_that_changes_its_cpu_all_the_time(boot, bits):
    modules = [(f"pc{bits}", f"name=a mem=8M -- busy {defects()}"), CLOBBER]
    result = boot(cpus=2, opts="migrate=1", modules=modules)
    expect_passes(result.lines("a"), CHECKS[bits], 1 if bochs().has("smp-exception-exit") else 0)
    assert result.one("fpuctx", vm="a").number("moves") > 10
    assert result.status == 0


def test_the_first_access_to_each_page_that_is_not_there_is_named(boot):
    result = boot(modules=[("pc", "name=a mem=8M -- topic=holes")])
    named = told(result, "where nothing is")
    assert [line.split(",")[0] for line in named] == [
        "a: read at guest-physical 0xd0000001",
        "a: write at guest-physical 0xd0001008",
        "a: read at guest-physical 0xfedffffe",
    ]


def test_with_holes_end_the_first_access_ends_the_vm(boot):
    result = boot(modules=[("pc", "name=a mem=8M holes=end -- topic=holes")])
    assert len(told(result, "where nothing is")) == 1
    assert result.one("vm", name="a", state="ended").has(status=1, cause="ept-violation")
    assert not [line for line in result.lines("a") if line.startswith("PASS")]


def test_text_on_the_screen_comes_out_on_the_guests_console(boot):
    result = boot(modules=[("pc", "name=a mem=8M -- screen")])
    drawn = [line for line in result.lines("a") if line.startswith("screen: ")]
    assert [line for line in drawn if "FOUR" in line or "last" in line or "three" in line] == [
        "screen: line three",
        "screen: line FOUR",
        "screen: the last line",
    ]


def test_text_is_shown_while_the_guest_waits_for_a_key(boot):
    result = boot(
        modules=[("pc", "name=a mem=8M -- screen read=keyboard")],
        until=r"screen: the last line.*\n",
    )
    assert result.why == "until"


def test_init_to_itself_resets_the_vm(boot):
    result = boot(modules=[("pc", "name=a mem=8M -- init")])
    assert len(result.all("vm", name="a", state="reset")) == 1
    assert result.one("vm", name="a", state="ended").has(status=0, cause="exit-port")


def test_power_off_by_acpi_ends_the_vm(boot):
    result = boot(modules=[("pc", "name=a mem=8M -- power-off")])
    assert result.one("vm", name="a", state="ended").has(status=0, cause="power-off")
    assert result.status == 0


@pytest.mark.parametrize("device", ["com1", "keyboard"])
def test_what_is_typed_wakes_a_guest_by_the_interrupt_it_waits_for(boot, device):
    result = boot(
        modules=[("pc", f"name=a mem=8M -- read={device}")],
        typed=[
            ("pc: ready", "focus a\r"),
            ("command=focus", "hello 42\r"),
        ],
    )
    assert result.why == "ended"
    assert "pc: hello 42" in result.lines("a")


@pytest.mark.parametrize("seed, apicv", [(1, "auto"), (2, "auto"), (4, "off")])
def test_any_access_to_the_pc_harms_no_other(boot, seed, apicv):
    modules = [
        ("pc", f"name=a mem=8M -- random={seed} rounds=20000 {defects()}"),
        ("pc32", f"name=b mem=8M -- random={seed + 100} rounds=20000 {defects()}"),
        CLOBBER,
    ]
    result = boot(cpus=2, opts=f"migrate=1 apicv={apicv}", modules=modules)
    assert result.status == 0
    for name in "ab":
        assert result.one("vm", name=name, state="ended").has(status=0, cause="exit-port")
