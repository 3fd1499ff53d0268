"""Each patch in mutants/model-*.patch puts a bug into a copy of what is explored: the model checker
must find it, in the world that the patch names, and print the way there."""

import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATCHES = sorted((ROOT / "tests/model/mutants").glob("model-*.patch"))
STATES_MAX = 3_000_000
EXPLORED = ["vmm/mail.c", "vmm/loaded.c", "tests/model/run_loop.c"]  # beside fpu/


def header(patch, key):
    mark = f"# {key}: "
    return next(l[len(mark) :] for l in patch.read_text().splitlines() if l.startswith(mark))


@pytest.fixture(scope="session")
def built(worker_id):
    """The model checker of this tree, one for each of pytest's processes."""
    out = ROOT / "build/mutants" / f"model-{worker_id}"
    subprocess.run(["sh", "tests/model/build.sh", ".", out], cwd=ROOT, check=True)
    return out


def explore(source, world, states_max, *built):
    out = source / "out"
    subprocess.run(["sh", "tests/model/build.sh", source, out, *built], cwd=ROOT, check=True)
    command = [out / "model", "-n", str(states_max), world]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def copy_of_the_core(name):
    source = ROOT / "build/mutants" / name
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(ROOT / "fpu", source / "fpu")
    for path in EXPLORED:
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, source / path)
    return source


def test_there_are_mutants():
    assert len(PATCHES) >= 10


def test_the_core_itself_passes_and_a_limit_is_no_pass():
    source = copy_of_the_core("model-none")
    assert explore(source, "two-scrub", STATES_MAX).returncode == 0
    cut = explore(source, "two-scrub", 1000)
    assert cut.returncode == 2
    assert "CUT" in cut.stdout


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.stem)
def test_model_catches(patch, built):
    assert header(patch, "caught-by") == "model"
    source = copy_of_the_core(patch.stem)
    with patch.open() as diff:
        command = ["patch", "-p1", "--quiet", "--fuzz=0", "-d", source]
        subprocess.run(command, stdin=diff, check=True)
    in_headers = re.search(r"^\+\+\+ .*\.h$", patch.read_text(), re.M)
    run = explore(source, header(patch, "world"), STATES_MAX, *([] if in_headers else [built]))
    assert run.returncode == 1, run.stdout[-2000:] + run.stderr
    assert "VIOLATION" in run.stdout
    assert "cpu0: " in run.stdout or "cpu1: " in run.stdout
