"""The guests that check the architecture: exits, own-ts and nm-table must find nothing wrong."""

import re

import pytest
from booting import bochs
from models import models, vmx_timer

CPUS = ["tigerlake", "corei7_haswell_4770", "corei5_arrandale_m520"]
CLOBBER = ("clobber", "name=peer mem=8M control=on -- seed=3")


def compaction_works():
    return not (bochs().has("xsavec-xsaves") or bochs().has("compact-mxcsr"))


def expect_passes(result, vm, passes, skips=0):
    assert result.status == 0, [line for line in result.lines(vm) if line.startswith("FAIL")]
    last = [line for line in result.lines(vm) if line.startswith("RESULT")]
    assert len(last) == 1
    found = re.search(r"pass=(\d+) fail=(\d+) skip=(\d+)", last[0])
    assert [int(number) for number in found.groups()] == [passes, 0, skips]


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "with-peer"])
@pytest.mark.parametrize("bits", ["", "32"])
@pytest.mark.parametrize("cpu", CPUS)
def test_every_exit_has_its_architectural_result(boot, cpu, bits, alone):
    words = "--" if alone else "control=on -- control peers=2"
    modules = [(f"exits{bits}", f"name=a mem=8M {words}")]
    result = boot(cpu=cpu, opts=vmx_timer(cpu), modules=modules if alone else [*modules, CLOBBER])
    skips = 4  # those of the other width
    skips += 2 if bits else 4  # paging of the other width
    skips += 0 if cpu == "tigerlake" and compaction_works() else 8  # neither XSAVEC nor XSAVES
    skips += 6 if cpu == "corei5_arrandale_m520" else 0  # no XSAVE
    skips += (1 if bits else 0) if cpu == "tigerlake" else 6  # protection keys, and their paging
    skips += 2  # MSRs about speculation, which an emulator's CPU has no need to switch
    checks = 128 if bits else 126
    expect_passes(result, "a", checks - skips, skips)
    written = [line for line in result.lines("a") if line.startswith("write ")]
    assert written == [
        f"write {write} line {line:02} 0123456789abcdefghijklmnopqrst"
        for write in range(4)
        for line in range(12)
    ]


@pytest.mark.parametrize("bits", ["", "32"])
@pytest.mark.parametrize("cpu", models("sapphire_rapids", "arrow_lake", "wildcat_lake"))
def test_newer_cpus_than_a_guest_is_shown_leave_it_what_it_is_shown(boot, cpu, bits):
    """Instructions, address widths and paging of features that CPUID hides there."""
    words = "topic=hidden,msr,paging peers=2"
    result = boot(cpu=cpu, modules=[(f"exits{bits}", f"name=a mem=8M -- {words}"), CLOBBER])
    expect_passes(result, "a", 19 if bits else 17, 2 if bits else 4)
    widths = [("exits", "name=a mem=8M -- only=cpuid-address-widths")]
    expect_passes(boot(cpu=cpu, modules=widths), "a", 1)


@pytest.mark.parametrize("cpu", models("wildcat_lake", features="msr_imm user_msr"))
def test_msr_instructions_that_no_guest_is_shown_are_undefined(boot, cpu):
    result = boot(cpu=cpu, modules=[("exits", "name=a mem=8M -- topic=hidden")])
    expect_passes(result, "a", 4)
    reasons = {record["reason"] for record in result.all("exit", vm="a")}
    assert reasons >= {"rdmsr-immediate", "wrmsrns-immediate"}


def test_protection_keys_of_a_guest_that_ended_are_not_left_to_the_next(boot):
    modules = [
        ("exits", "name=a mem=8M control=on -- topic=pkru peers=2 last"),
        ("clobber", "name=b mem=8M -- rounds=50"),
    ]
    result = boot(modules=modules)
    ends = [record["name"] for record in result.all("vm", state="ended")]
    assert ends == ["b", "a"]
    expect_passes(result, "a", 6)


@pytest.mark.parametrize("bits", ["", "32"])
@pytest.mark.parametrize("cpu", models("sapphire_rapids", "arrow_lake"))
def test_the_forms_of_xsave_and_xcr0_are_as_offered_on_new_cpus(boot, cpu, bits):
    words = "topic=compacted,cpuid,control peers=2"
    modules = [(f"exits{bits}", "name=a mem=8M control=on -- " + words), CLOBBER]
    result = boot(cpu=cpu, modules=modules)
    skips = (2 if bits else 0) + (0 if compaction_works() else 8)
    expect_passes(result, "a", 30 - skips, skips)


@pytest.mark.parametrize("policy", ["lazy", "scrub", "eager", "unload", "swap", "auto"])
@pytest.mark.parametrize("bits", ["", "32"])
@pytest.mark.parametrize("cpu", CPUS)
def test_a_guest_with_lazy_switching_of_its_own_sees_exactly_its_own_nms(boot, cpu, bits, policy):
    result = boot(
        cpu=cpu,
        opts=f"fpu={policy}",
        modules=[(f"own-ts{bits}", "name=a mem=8M control=on -- peers=2"), CLOBBER],
    )
    expect_passes(result, "a", 4)
    assert "own-ts: switches=400 nm=266 wanted=266" in result.lines("a")


@pytest.mark.parametrize("policy", ["lazy", "scrub"])  # those that arm at every mismatch
@pytest.mark.parametrize("bits", ["", "32"])
@pytest.mark.parametrize("cpu", CPUS)
def test_the_nm_table_holds_in_every_state(boot, cpu, bits, policy):
    result = boot(
        cpu=cpu,
        opts=f"fpu={policy}",
        modules=[(f"nm-table{bits}", "name=a mem=8M control=on -- state=all"), CLOBBER],
    )
    passes = {"tigerlake": 124, "corei7_haswell_4770": 116, "corei5_arrandale_m520": 88}[cpu]
    passes += 12 if cpu == "tigerlake" and compaction_works() else 0  # XSAVEC, XSAVES, XRSTORS
    expect_passes(result, "a", passes)
    for state in ("open", "armed", "guarded", "late"):
        assert any(line.startswith(f"PASS {state}-") for line in result.lines("a")), state
    assert any(line.startswith("fxsave-em: TS=") for line in result.lines("a"))


def test_exits_are_counted_by_reason(boot):
    result = boot(modules=[("exits", "name=a mem=8M --")])
    reasons = {record["reason"] for record in result.all("exit", vm="a")}
    assert reasons >= set(
        "exception interrupt-window nmi-window cpuid hlt invd rdpmc vmcall vmclear vmlaunch "
        "vmptrld vmread vmresume vmwrite vmxoff vmxon cr-access io rdmsr wrmsr mwait monitor "
        "invept preemption-timer wbinvd xsetbv".split()
    )
