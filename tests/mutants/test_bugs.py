"""Each bug of bugs_*.py is put into a copy of the hypervisor, which is built, and the test that the
bug names must fail there, and without the bug must pass: `make mutants` does so with those that a
unit test finds, `make nightly` also with those that take a boot."""

import os
import pathlib
import shutil
import subprocess
import sys
from collections import defaultdict

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests/mutants")]

import bugs_events  # noqa: E402
import bugs_gdb  # noqa: E402
import bugs_instructions  # noqa: E402
import bugs_memory  # noqa: E402
import bugs_registers  # noqa: E402
import bugs_speculation  # noqa: E402
import bugs_tasks  # noqa: E402
import bugs_tiles  # noqa: E402
import bugs_vcpus  # noqa: E402
from boot import boot_once  # noqa: E402
from bug import Check, Unit  # noqa: E402

SECONDS = 300  # for a build, or a unit test
BOOT_SECONDS = 60
HANG = 124  # a boot's status if it did not end
MODULE = "name=a mem={mem}M vcpus={vcpus} control=on limit=3000 -- cpus={vcpus} "  # ms, if it hangs
PEER = ("clobber", "name=peer mem=8M control=on -- seed=3")  # first: at work when the check begins
LIST = 122  # bytes of names that a guest's option has room for

BUGS = [
    *bugs_instructions.BUGS,
    *bugs_registers.BUGS,
    *bugs_memory.BUGS,
    *bugs_events.BUGS,
    *bugs_speculation.BUGS,
    *bugs_tasks.BUGS,
    *bugs_tiles.BUGS,
    *bugs_vcpus.BUGS,
    *bugs_gdb.BUGS,
]


def run(tree, *command, **environment):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        command,
        cwd=tree,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=SECONDS,
        check=False,
    )


def make(tree, *targets):
    done = run(tree, "make", "--no-print-directory", "-s", *targets)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def tree(worker_id):
    """A copy of the sources, one for each of pytest's processes, that keeps its objects."""
    copy = ROOT / "build/mutants" / f"bugs-{worker_id}"
    shutil.rmtree(copy, ignore_errors=True)
    for name in ("lib", "boot", "vmx", "fpu", "vmm", "tests", "tools"):
        shutil.copytree(ROOT / name, copy / name)
    for name in ("Makefile", "linker.ld"):
        shutil.copy(ROOT / name, copy / name)
    return copy


@pytest.fixture
def broken(request, tree):
    """The bug, and the tree with it; afterwards without."""
    bug = request.param
    path = tree / bug.file
    right = path.read_text()
    assert right.count(bug.right) == 1, f"{right.count(bug.right)} times in {bug.file}: {bug.right}"
    path.write_text(right.replace(bug.right, bug.wrong))
    yield bug, tree
    path.write_text(right)


def found_by(kind):
    chosen = [bug for bug in BUGS if isinstance(bug.found_by, kind)]
    return pytest.mark.parametrize("broken", chosen, ids=lambda bug: bug.name, indirect=True)


def each(kind):
    """What finds bugs, each once."""
    tests = dict.fromkeys(bug.found_by for bug in BUGS if isinstance(bug.found_by, kind))
    return sorted(tests, key=str)


def unit_lines(tree, program):
    make(tree, f"build/unit/{program}")
    return run(tree, f"build/unit/{program}", CMOCKA_MESSAGE_OUTPUT="TAP").stdout.splitlines()


def verdict(lines, name):
    """What TAP says of a test: "ok" or "not ok". Read by hand: prove judges whole programs, and of
    one that crashed there is no XML."""
    found = [line for line in lines if line.endswith(f" - {name}")]
    assert len(found) == 1, "\n".join(lines)
    return found[0].rsplit(" ", 3)[0]


def boot_checks(tree, work, guest, cpu, peer, names):
    make(tree, "build/resident.elf")
    module = MODULE.format(mem=16, vcpus=4) if guest == "smp" else MODULE.format(mem=8, vcpus=1)
    words = f"peers={2 if peer else 1} only=" + ",".join(names)
    result = boot_once(
        str(work),
        hypervisor=str(tree / "build/resident.elf"),
        cpu=cpu,
        modules=[*([PEER] if peer else []), (guest, module + words)],
        timeout=BOOT_SECONDS,
    )
    print(result.report())
    return result


def boots_without_bugs():
    """The checks, by machine, as many at a time as an option takes."""
    boots = defaultdict(lambda: [[]])
    for check in each(Check):
        groups = boots[check.guest, check.cpu, check.peer]
        if len(",".join([*groups[-1], check.name])) > LIST:
            groups.append([])
        groups[-1].append(check.name)
    return [(*machine, names) for machine, groups in boots.items() for names in groups]


def test_each_bug_is_one_of_its_own():
    assert len({bug.name for bug in BUGS}) == len(BUGS)
    assert len({bug.rule for bug in BUGS}) == len(BUGS)
    assert all(bug.file.startswith(("vmm/", "vmx/", "fpu/tile")) for bug in BUGS)


@pytest.mark.parametrize("test", each(Unit), ids=lambda test: test.name)
def test_a_unit_test_passes_without_bugs(tree, test):
    assert verdict(unit_lines(tree, test.program), test.name) == "ok"


@found_by(Unit)
def test_a_unit_test_finds(broken):
    bug, tree = broken
    lines = unit_lines(tree, bug.found_by.program)
    assert verdict(lines, bug.found_by.name) == "not ok"


@pytest.mark.boots
@pytest.mark.parametrize("guest, cpu, peer, names", boots_without_bugs())
def test_checks_of_a_guest_pass_without_bugs(tree, tmp_path, guest, cpu, peer, names):
    result = boot_checks(tree, tmp_path, guest, cpu, peer, names)
    assert result.status == 0
    assert {f"PASS {name}" for name in names} <= set(result.lines("a"))


@pytest.mark.boots
@found_by(Check)
def test_a_check_of_a_guest_finds(broken, tmp_path):
    bug, tree = broken
    check = bug.found_by
    result = boot_checks(tree, tmp_path, check.guest, check.cpu, check.peer, [check.name])
    assert result.status in (1, HANG)
    assert f"PASS {check.name}" not in result.lines("a")
