"""Deliberate bugs in copies of the ownership core: each patch in mutants/ names the tool that is to
catch it, and does. `# caught-by: proof FUNCTION PROPERTY`: that property of that function is proven
of the core as it is, and not of the core with the bug."""

import os
import re
import shutil
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.join(ROOT, "tests", "model", "mutants")
BUILD = os.path.join(ROOT, "build", "mutants")
SOURCES = ("owner.h", "owner.c", "policy.h", "policy.c")
CAUGHT_BY = re.compile(r"^# caught-by: (\w+) (.+)$", re.M)

# Twice what the hardest of these goals takes in the core as it is.
STEPS = "400000"


def mutants(tool):
    for name in sorted(os.listdir(HERE)):
        with open(os.path.join(HERE, name)) as file:
            for found, how in CAUGHT_BY.findall(file.read()):
                if found == tool:
                    yield name.removesuffix(".patch"), *how.split()


BY_PROOF = list(mutants("proof"))


def mutate(name):
    """A copy of the core with the bug; returns its directory, from the root."""
    copy = os.path.join(BUILD, name)
    shutil.rmtree(copy, ignore_errors=True)
    os.makedirs(os.path.join(copy, "fpu"))
    for source in SOURCES:
        shutil.copy(os.path.join(ROOT, "fpu", source), os.path.join(copy, "fpu", source))
    patch = os.path.join(HERE, name + ".patch")
    run = subprocess.run(
        ["patch", "-p1", "--fuzz=0", "-i", patch], cwd=copy, capture_output=True, text=True
    )
    assert run.returncode == 0, f"{name}.patch does not apply:\n{run.stdout}{run.stderr}"
    return os.path.relpath(copy, ROOT)


def prove(source, function, prop):
    return subprocess.run(
        ["tools/proof", "--source", source, "--only", function, "--property", prop],
        cwd=ROOT,
        env={**os.environ, "PROOF_STEPS": STEPS},
        capture_output=True,
        text=True,
    )


def test_there_are_ten_and_each_says_who_catches_it():
    for name in os.listdir(HERE):
        with open(os.path.join(HERE, name)) as file:
            text = file.read()
        assert name.endswith(".patch") and text.startswith("# "), name
        assert CAUGHT_BY.search(text), f"{name}: no line `# caught-by: TOOL ...`"
    assert len(BY_PROOF) >= 10


@pytest.mark.parametrize("name,function,prop", BY_PROOF, ids=[m[0] for m in BY_PROOF])
def test_the_proof_catches(name, function, prop):
    run = prove(mutate(name), function, prop)
    assert run.returncode == 1, run.stdout
    assert f"FAIL {function}" in run.stdout and "contradict" not in run.stdout


@pytest.mark.parametrize("function,prop", sorted({m[1:] for m in BY_PROOF}))
def test_the_core_without_the_bug_is_proven(function, prop):
    run = prove(".", function, prop)
    assert run.returncode == 0, run.stdout
    assert f"PASS {function}" in run.stdout
