"""AMX: tiles heed no CR0.TS, so they are no matter of the FPU policy. docs/amx.md has the manual's
facts and Bochs', whose XSAVE keeps part of a tile only (tools/defects.py, amx-xsave): guests get it
there by amx=force, and use tiles that are kept."""

import pytest
from booting import bochs
from guests import SPOILS
from models import needs_model
from test_leak import expect_clean
from torture_runs import migrations

CPU = "sapphire_rapids"
SECRETS = 2  # guests that have one


def options(*words):
    forced = ["amx=force"] if bochs().has("amx-xsave") else []
    return " ".join([*forced, "slice=500", *words])


def told(cpus=1):
    """What the guests are to leave alone."""
    words = ["amx-xsave", *(SPOILS if cpus > 1 else ())]
    return " ".join(word for word in words if bochs().has(word))


def tiles(name, seed, cpus=1, runs=1, words=""):
    line = f"name={name} mem=4M control=on runs={runs} -- seed={seed} peers={cpus + 1}"
    return ("amx", f"{line} {told(cpus)} {words}")


def passed(result):
    assert [line for line in result.console.splitlines() if "| FAIL" in line] == []
    assert result.status == 0
    assert result.one("boot")["amx"] == "on"


def test_guests_have_no_amx_where_xsave_does_not_keep_tiles(boot):
    needs_model(CPU)
    result = boot(cpu=CPU, modules=[("amx", "name=a mem=4M"), ("amx32", "name=b mem=4M")])
    if not bochs().has("amx-xsave"):
        passed(result)
        return
    assert result.status == 0
    assert result.one("boot")["amx"] == "off"
    assert (
        "AMX: XSAVE and XRSTOR do not keep tiles: XINUSE TILECFG TILEDATA are wrong: "
        "guests do not have it"
    ) in result.console
    for vm in ("a", "b"):
        assert "PASS hidden" in result.lines(vm)


def test_amx_can_be_left_out(boot):
    needs_model(CPU)
    result = boot(cpu=CPU, opts="amx=off", modules=[("amx", "name=a mem=4M")])
    assert result.status == 0
    assert result.one("boot")["amx"] == "off"
    assert "AMX:" not in result.console
    assert "PASS hidden" in result.lines("a")


@pytest.mark.parametrize("policy", ["lazy", "scrub", "swap", "auto"])
@pytest.mark.parametrize("host", ["off", "exits"])
def test_tiles_are_as_they_were_left(boot, policy, host):
    """Over every kind of exit, while others use theirs, and after a reset in a new run: initial."""
    needs_model(CPU)
    modules = [
        tiles("a", 1, runs=2, words="resets=1"),
        tiles("b", 2, words="rounds=12"),
        ("amx32", f"name=c mem=4M -- {told()}"),
        ("clobber", "name=d mem=4M -- rounds=300"),
    ]
    opts = options(f"fpu={policy} hostfpu={host}")
    result = boot(cpu=CPU, opts=opts, modules=modules)
    passed(result)
    assert len(result.all("vm", name="a", state="reset")) == 2


@pytest.mark.parametrize("cpus", [2, 3])
def test_so_they_are_where_guests_move_from_cpu_to_cpu(boot, cpus):
    needs_model(CPU)
    modules = [tiles(name, seed, cpus, 2, "resets=1") for seed, name in enumerate("abcd"[: cpus + 1])]
    result = boot(cpu=CPU, cpus=cpus, opts=options("migrate=1"), modules=modules)
    passed(result)
    assert result.one("boot")["cpus"] == str(cpus)
    assert migrations(result) > 1000


@pytest.mark.parametrize("cpus", [1, 2])
def test_no_tile_of_another_guest_is_ever_found(boot, cpus):
    needs_model(CPU)
    secrets = [
        ("leak", f"name=secret{n} mem=4M control=on -- secret secrets={SECRETS - n} seed={n + 3} {told()}")
        for n in range(SECRETS)
    ]
    looking = [("leak", f"name={n} mem=4M runs=2 -- resets=1 wait=20 {told()}") for n in "ab"]
    opts = options("migrate=1" if cpus > 1 else "")
    result = boot(cpu=CPU, cpus=cpus, opts=opts, modules=[*secrets, *looking])
    expect_clean(result, ["a", "b"])
    assert result.one("boot")["amx"] == "on"


def test_what_guests_are_shown_is_what_works(boot):
    needs_model(CPU)
    words = "topic=compacted,cpuid,control"
    modules = [("exits", f"name=a mem=8M -- {words}"), ("exits32", f"name=b mem=8M -- {words}")]
    passed(boot(cpu=CPU, opts=options(), modules=modules))
