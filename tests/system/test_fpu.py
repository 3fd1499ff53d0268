"""The FPU manager by its counters: what each policy costs, between two snapshots of a guest."""

import pytest
from models import needs_model, vmx_timer

POLICIES = ["lazy", "scrub", "eager", "unload", "swap", "auto"]
CPUS = ["tigerlake", "corei7_haswell_4770", "corei5_arrandale_m520"]
COUNTED = ("nm", "loads", "saves", "host", "ts_writes", "xcr0", "switches", "entries", "bytes")
NEW_CPUS = ["sapphire_rapids", "arrow_lake"]  # not in every Bochs
COMPONENTS = {
    "tigerlake": "0x3e7",
    "sapphire_rapids": "0x3e7",
    "corei7_haswell_4770": "0x107",
    "arrow_lake": "0x107",
    "corei5_arrandale_m520": "0x3",
}
YIELDS = 50
MEMORY = {"a": "4M", "b": "9M", "c": "5M"}
HOST_SECTION = 256 << 10


def window(result, vm):
    """What the CPU counted between the guest's snapshots 1 and 2."""
    first, second = (result.one("fpu", snapshot=str(label), vm=vm) for label in (1, 2))
    return {key: second.number(key) - first.number(key) for key in COUNTED}


def one_fpu_guest(boot, cpu, policy):
    return boot(
        cpu=cpu,
        opts=f"fpu={policy}",
        modules=[
            ("fpu-hold", "name=a mem=8M control=on -- seed=1 rounds=14 snapshot"),
            ("integer", "name=b mem=8M control=on -- forever"),
        ],
    )


def two_fpu_guests(boot, cpu, policy, extra=()):
    """What one prints while it starts may take some turns: the other is still or already settling."""
    words = "mem=8M control=on -- snapshot settle=40 yields={} peers={}"
    return boot(
        cpu=cpu,
        opts=f"fpu={policy}",
        modules=[
            ("fpu-hold", "name=a " + words.format(YIELDS, 2 + len(extra)) + " seed=1"),
            ("fpu-hold", "name=b " + words.format(YIELDS, 2 + len(extra)) + " seed=2"),
            *extra,
        ],
    )


@pytest.mark.parametrize("cpu", CPUS)
def test_lazy_one_fpu_guest_costs_nothing_however_many_switches(boot, cpu):
    result = one_fpu_guest(boot, cpu, "lazy")
    assert result.status == 0
    counted = window(result, "a")
    assert counted["switches"] > 100
    assert {key: counted[key] for key in ("nm", "loads", "saves", "ts_writes", "bytes")} == {
        "nm": 0,
        "loads": 0,
        "saves": 0,
        "ts_writes": 0,
        "bytes": 0,
    }


@pytest.mark.parametrize("cpu", CPUS)
def test_lazy_two_fpu_guests_load_once_a_turn(boot, cpu):
    result = two_fpu_guests(boot, cpu, "lazy")
    assert result.status == 0
    for vm in "ab":
        counted = window(result, vm)
        assert abs(counted["loads"] - 2 * YIELDS) <= 1
        assert abs(counted["nm"] - 2 * YIELDS) <= 1
        assert abs(counted["saves"] - 2 * YIELDS) <= 1


def test_lazy_a_third_guest_without_fpu_code_changes_nothing(boot):
    extra = [("integer", "name=c mem=8M control=on -- forever")]
    result = two_fpu_guests(boot, "tigerlake", "lazy", extra)
    for vm in "ab":
        assert abs(window(result, vm)["loads"] - 2 * YIELDS) <= 1


@pytest.mark.parametrize("cpu", CPUS)
def test_unload_costs_a_load_a_save_and_a_trap_every_turn(boot, cpu):
    """The guest that lazy serves for nothing: it alone uses the FPU."""
    result = boot(
        cpu=cpu,
        opts=f"fpu=unload {vmx_timer(cpu)}".strip(),
        modules=[
            ("fpu-hold", f"name=a mem=8M control=on -- seed=1 snapshot yields={YIELDS}"),
            ("integer", "name=b mem=8M control=on -- forever"),
        ],
    )
    assert result.status == 0
    counted = window(result, "a")
    assert counted["switches"] == 2 * YIELDS  # away, and back
    assert {counted[key] for key in ("nm", "loads", "saves")} == {YIELDS}


def test_eager_never_raises_nm_and_loads_at_every_switch(boot):
    result = one_fpu_guest(boot, "tigerlake", "eager")
    assert result.status == 0
    assert result.one("fpu", cpu=0, snapshot="2")["nm"] == "0"
    assert result.all("exit", reason="exception") == []
    counted = window(result, "a")
    assert abs(counted["loads"] - counted["switches"]) <= 1


@pytest.mark.parametrize(
    "bits, policy",
    [("", policy) for policy in POLICIES] + [("32", "lazy"), ("32", "auto")],
)
@pytest.mark.parametrize("cpu", [*CPUS, *NEW_CPUS])
def test_every_component_survives_every_kind_of_exit(boot, cpu, bits, policy):
    """fpu-hold compares bit for bit; clobber overwrites everything in between."""
    needs_model(cpu)
    result = boot(
        cpu=cpu,
        opts=f"fpu={policy} slice=500",
        modules=[
            (f"fpu-hold{bits}", "name=a mem=8M control=on -- seed=7 rounds=24 peers=2"),
            ("clobber", "name=b mem=8M control=on -- seed=3"),
        ],
    )
    assert result.status == 0
    passed = [line for line in result.lines("a") if line.startswith("PASS")]
    skipped = [line for line in result.lines("a") if line.startswith("SKIP")]
    assert len(passed) == (11 if skipped else 12)
    assert bool(skipped) == (cpu == "corei5_arrandale_m520")  # no XSAVE, no XSETBV
    mark = f"fpu: components={COMPONENTS[cpu]} "
    assert any((line + " ").startswith(mark) for line in result.lines("a"))


def test_x87_pointers_with_selectors_survive_where_the_cpu_has_them(boot):
    """Ivy Bridge saves FCS and FDS in the 32-bit forms of XSAVE."""
    result = boot(
        cpu="corei7_ivy_bridge_3770k",
        modules=[
            ("fpu-hold32", "name=a mem=8M control=on -- seed=7 rounds=24 peers=2"),
            ("clobber", "name=b mem=8M control=on -- seed=3"),
        ],
    )
    assert result.status == 0
    assert any(line.endswith("dropped=none") for line in result.lines("a"))


def test_counters_of_a_resident_guest_show_no_work_at_all(boot):
    """Alone on its CPU, with no other context after the first load: invariant 6 of docs/fpu.md."""
    result = boot(modules=[("fpu-hold", "name=a mem=8M -- seed=1 rounds=28")])
    cpu = result.one("fpu", cpu=0)
    assert [cpu.number(key) for key in ("nm", "loads", "saves")] == [1, 1, 0]
    # into ARMED before the first use, and out of it: never again
    assert cpu.number("ts_writes") == 6


@pytest.mark.parametrize("policy", POLICIES)
def test_memory_is_cleared_twice_in_host_sections_of_256_kib(boot, policy):
    """Before the start and after the end, and nothing else needs a host section. The end of a turn
    would end one too: here no turn ends before its VM has done what there is to do."""
    modules = [("integer", f"name={name} mem={mem} -- rounds=2") for name, mem in MEMORY.items()]
    result = boot(opts=f"fpu={policy} slice=1000000", modules=modules)
    assert result.status == 0
    assert {record["name"] for record in result.all("vm", state="cleared")} == set(MEMORY)
    memory = sum(record.number("mem") for record in result.all("vm", state="started"))
    assert memory == 18 << 20
    assert result.one("fpu", cpu=0).number("host") == 2 * memory // HOST_SECTION
