"""Every way to save the FPU on every CPU model: which one is in effect, and that it is right.

Bochs 2.7 offers XSAVEC and XSAVES on the later models, and they do not work there: what is tested
of them is that the self-test finds it. tests/unit/test_method.c tries XSAVEC on the host's CPU.
"""

import os
import subprocess

import pytest
from booting import ROOT

BROKEN = "does not bring the FPU's state back"
ABSENT = "is not there"
SELECTORS = "would lose FCS and FDS, which this CPU saves"

# model, xsave=, the form in effect, the form that was refused, and why
FORMS = [
    ("tigerlake", "", "xsaveopt", "xsaves", BROKEN),
    ("tigerlake", "xsaves", "xsaveopt", "xsaves", BROKEN),
    ("tigerlake", "xsavec", "xsave", "xsavec", BROKEN),
    ("tigerlake", "xsave", "xsave", None, None),
    ("tigerlake", "fxsave", "fxsave", None, None),
    ("corei7_skylake_x", "xsavec", "xsave", "xsavec", BROKEN),
    ("corei7_icelake_u", "", "xsaveopt", "xsaves", BROKEN),
    ("corei7_haswell_4770", "", "xsaveopt", None, None),
    ("corei7_haswell_4770", "xsaves", "xsaveopt", "xsaves", ABSENT),
    ("corei7_haswell_4770", "xsavec", "xsave", "xsavec", ABSENT),
    ("corei7_ivy_bridge_3770k", "", "xsave", None, None),
    ("corei7_ivy_bridge_3770k", "xsaveopt", "xsave", "xsaveopt", SELECTORS),
    ("corei7_ivy_bridge_3770k", "fxsave", "fxsave", None, None),
    ("corei5_arrandale_m520", "xsave", "fxsave", "xsave", ABSENT),
]


@pytest.mark.parametrize("cpu, wanted, used, refused, why", FORMS)
def test_a_form_is_used_or_the_next_simpler_one_and_every_pattern_survives(
    boot, cpu, wanted, used, refused, why
):
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


def test_the_save_mask_is_all_but_pkru(boot):
    """What is moved at each save and load: components up to Hi16_ZMM, 2688 bytes."""
    result = boot(opts="fpu=lazy", modules=[("fpu-hold", "name=a mem=2M -- rounds=2")])
    assert result.one("boot")["xcr0"] == "0x2e7"
    cpu = result.one("fpu", cpu=0)
    assert cpu.number("bytes") == 2688 * (cpu.number("saves") + cpu.number("loads")) > 0


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
