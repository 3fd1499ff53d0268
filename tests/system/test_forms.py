"""Every way to save the FPU on every CPU model: which one is in effect, and that it is right.

Not every Bochs has XSAVEC and XSAVES right: there the boot trial must find it, and take the next
form. What it must find besides, tests/unit/test_trial_lies.c has.
"""

import os
import subprocess

import pytest
from booting import ROOT, bochs
from models import needs_model

BROKEN = "does not bring the FPU's state back"
ABSENT = "is not there"
SELECTORS = "would lose FCS and FDS, which this CPU saves"

# The models that have XSAVEC and XSAVES: what is saved of the guests' XCR0, in each format.
STANDARD_BYTES = {
    "corei7_skylake_x": 2688,
    "corei7_icelake_u": 2688,
    "tigerlake": 2688,
    "sapphire_rapids": 2688,
    "arrow_lake": 832,
}
COMPACTED_BYTES = {model: min(size, 2432) for model, size in STANDARD_BYTES.items()}
COMPACTING = ("xsaves", "xsavec")
INSTEAD = {"xsaves": "xsaveopt", "xsavec": "xsave"}

# model, xsave=, the form in effect, the form that was refused, and why
FORMS = [
    ("tigerlake", "xsave", "xsave", None, None),
    ("tigerlake", "fxsave", "fxsave", None, None),
    ("corei7_haswell_4770", "", "xsaveopt", None, None),
    ("corei7_haswell_4770", "xsaves", "xsaveopt", "xsaves", ABSENT),
    ("corei7_haswell_4770", "xsavec", "xsave", "xsavec", ABSENT),
    ("corei7_ivy_bridge_3770k", "", "xsave", None, None),
    ("corei7_ivy_bridge_3770k", "xsaveopt", "xsave", "xsaveopt", SELECTORS),
    ("corei7_ivy_bridge_3770k", "fxsave", "fxsave", None, None),
    ("corei5_arrandale_m520", "xsave", "fxsave", "xsave", ABSENT),
]


def compaction_works():
    return not (bochs().has("xsavec-xsaves") or bochs().has("compact-mxcsr"))


def expect_form(boot, cpu, wanted, used, refused, why):
    result = boot(
        cpu=cpu,
        opts=f"xsave={wanted}" if wanted else "",
        modules=[
            ("fpu-hold", "name=a mem=2M trust=t control=on -- seed=7 rounds=14 peers=2"),
            ("clobber", "name=b mem=2M trust=t control=on -- seed=3"),
        ],
    )
    assert result.status == 0
    assert result.one("boot")["xsave"] == used
    said = [line for line in result.console.splitlines() if line.endswith("is used instead")]
    line = f"{refused} {why}: {used} is used instead"
    if refused:
        # no warning where nothing was asked for and the machine is known for it
        assert said == [line if not wanted else "warning: " + line]
    else:
        assert said == []
    xsave = used != "fxsave"
    passed = [line for line in result.lines("a") if line.startswith("PASS")]
    assert len(passed) == (12 if xsave else 11)
    assert ("a| SKIP xsetbv: no XSAVE here" in result.console) == (not xsave)


@pytest.mark.parametrize("cpu, wanted, used, refused, why", FORMS)
def test_a_form_is_used_or_the_next_simpler_one_and_every_pattern_survives(
    boot, cpu, wanted, used, refused, why
):
    expect_form(boot, cpu, wanted, used, refused, why)


@pytest.mark.parametrize("wanted", ["", "xsaves", "xsavec"])
@pytest.mark.parametrize("cpu", STANDARD_BYTES)
def test_compacted_forms_are_used_where_they_work_and_found_out_where_they_do_not(
    boot, cpu, wanted
):
    needs_model(cpu)
    form = wanted or "xsaves"
    if compaction_works():
        expect_form(boot, cpu, wanted, form, None, None)
    else:
        expect_form(boot, cpu, wanted, INSTEAD[form], form, BROKEN)


@pytest.mark.parametrize("wanted", ["auto", "xsavec", "xsave"])
@pytest.mark.parametrize("cpu", ["tigerlake", "arrow_lake"])
def test_the_save_mask_is_all_but_pkru(boot, cpu, wanted):
    """What is moved at each save and load: up to Hi16_ZMM; compacted, without the room of MPX."""
    needs_model(cpu)
    result = boot(
        cpu=cpu,
        opts=f"fpu=lazy xsave={wanted}",
        modules=[("fpu-hold", "name=a mem=2M -- rounds=2")],
    )
    boot_record = result.one("boot")
    assert boot_record["xcr0"] == {"tigerlake": "0x2e7", "arrow_lake": "0x207"}[cpu]
    sizes = COMPACTED_BYTES if boot_record["xsave"] in COMPACTING else STANDARD_BYTES
    counted = result.one("fpu", cpu=0)
    assert counted.number("bytes") == sizes[cpu] * (
        counted.number("saves") + counted.number("loads")
    )
    assert counted.number("bytes") > 0


def test_tools_forms_says_what_took_the_place_of_a_form_and_how_it_went():
    environment = {**os.environ, "MACHINE": "bochs", "CPU_MODEL": "corei7_haswell_4770"}
    run = subprocess.run(
        [os.path.join(ROOT, "tools/forms"), "xsavec"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0
    assert run.stdout == "forms: xsave=xsavec: xsave: all patterns came back\n"


def test_tools_forms_fails_where_nothing_runs():
    environment = {**os.environ, "MACHINE": "tcg"}
    run = subprocess.run(
        [os.path.join(ROOT, "tools/forms"), "fxsave"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert run.stdout == "forms: xsave=fxsave: fxsave: FAILED with status 1\n"
