"""Debug exceptions of instructions that exit come as on a CPU alone: the guest debug-traps."""

import pytest
from booting import bochs

CPUS = ["tigerlake", "corei5_arrandale_m520"]
CLOBBER = ("clobber", "name=peer mem=8M control=on -- seed=3")
FORGETS = "exception-exit-mov-ss"


def guest(bits, words):
    forgets = "exceptions-forget" if bochs().has(FORGETS) else ""
    return f"debug-traps{bits}", f"name=a mem=8M -- {words} {forgets}"


def expect_passes(result, passes, skips):
    assert result.status == 0, [line for line in result.lines("a") if line.startswith("FAIL")]
    last = [line for line in result.lines("a") if line.startswith("RESULT")]
    assert len(last) == 1
    assert f"pass={passes} fail=0 skip={skips}" in last[0]


def skips_of(bits, cpu):
    return (
        (0 if bits else 1)  # POP SS
        + (0 if cpu == "tigerlake" else 1)  # protection keys
        + (1 if bochs().has(FORGETS) else 0)
    )


@pytest.mark.parametrize("bits", ["", "32"])
@pytest.mark.parametrize("cpu", CPUS)
def test_each_exit_takes_the_registers(boot, cpu, bits):
    """Every FPU instruction after an exit is then one that traps and runs a second time."""
    result = boot(cpu=cpu, opts="fpu=lazy hostfpu=exits", modules=[guest(bits, "")])
    skips = skips_of(bits, cpu)
    expect_passes(result, 23 - skips, skips)
    assert result.one("fpuctx", vm="a").number("nm") >= 5  # fpu_enable(), and again-fpu's four


@pytest.mark.parametrize("bits", ["", "32"])
def test_resident(boot, bits):
    """The registers are its own all the time, and a slice ends every 100 us."""
    result = boot(opts="slice=100", modules=[guest(bits, "")])
    skips = skips_of(bits, "tigerlake")
    expect_passes(result, 23 - skips, skips)


@pytest.mark.parametrize("bits", ["", "32"])
def test_beside_a_guest_that_overwrites_the_debug_registers(boot, bits):
    lost = bochs().has("code-breakpoint-lost")
    topics = "port,string,held,real" + ("" if lost else ",again")
    result = boot(opts="fpu=lazy slice=100", modules=[guest(bits, f"topic={topics}"), CLOBBER])
    skips = skips_of(bits, "tigerlake")
    expect_passes(result, (17 if lost else 23) - skips, skips)


@pytest.mark.parametrize("which", ["", "system"])
@pytest.mark.parametrize("bits", ["", "32"])
def test_a_fetch_that_splits_a_page_meets_its_breakpoint_once(boot, bits, which):
    modules = [(f"debug-traps{bits}", "name=a mem=8M -- only=again-first-fetch")]
    result = boot(bochs=which, opts="multihit=split", modules=modules)
    expect_passes(result, 1, 0)
    assert result.one("exit", vm="a", reason="ept-violation").number("count") >= 2
