"""Each patch in mutants/proof-*.patch puts a bug into a copy of the ownership core. It says
`# caught-by: proof FUNCTION PROPERTY`: that property of that function is proven of the core as it
is, and is not proven of the copy."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATCHES = sorted((ROOT / "tests/model/mutants").glob("proof-*.patch"))
CAUGHT_BY = re.compile(r"^# caught-by: proof (\w+) (\w+)$", re.M)

# Enough for every goal that is asked for here, and little for one that cannot be proven.
STEPS = 200000
STEPS_OF = {
    ("fpu_enter", "theorem_isolation"): 500000,
    ("fpu_enter", "undecided"): 800000,
    ("fpu_host_begin", "somewhere"): 400000,
    ("load", "found"): 500000,
}


def caught_by(patch):
    return CAUGHT_BY.search(patch.read_text()).groups()


def copy_of_the_core(name):
    source = ROOT / "build/mutants" / name
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(ROOT / "fpu", source / "fpu")
    return source


def prove(source, function, prop):
    return subprocess.run(
        ["tools/proof", "--source", source, "--only", function, "--property", prop],
        cwd=ROOT,
        env={**os.environ, "PROOF_STEPS": str(STEPS_OF.get((function, prop), STEPS))},
        capture_output=True,
        text=True,
    )


def test_there_are_mutants():
    assert len(PATCHES) >= 10
    assert all(patch.read_text().startswith("# ") for patch in PATCHES)


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.stem)
def test_proof_catches(patch):
    function, prop = caught_by(patch)
    source = copy_of_the_core(patch.stem)
    with patch.open() as diff:
        command = ["patch", "-p1", "--quiet", "--fuzz=0", "-d", source]
        subprocess.run(command, stdin=diff, check=True)
    run = prove(source.relative_to(ROOT), function, prop)
    assert run.returncode == 1, run.stdout
    assert f"FAIL {function}" in run.stdout
    assert "no goal at all" not in run.stdout


# `make proof` proves them too, but takes more steps if it has to.
@pytest.mark.nightly
@pytest.mark.parametrize("function,prop", sorted({caught_by(patch) for patch in PATCHES}))
def test_without_the_bug_it_is_proven(function, prop):
    run = prove(".", function, prop)
    assert run.returncode == 0, run.stdout
    assert f"PASS {function}" in run.stdout
