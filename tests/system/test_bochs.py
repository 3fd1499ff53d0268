"""The other Bochs: all other tests run on the newest one that tools/setup could get; these, enough
to know that it works, on the system's. And what is said of which Bochs it is."""

import glob
import os
import re
import shutil
import subprocess

import pytest
from booting import ROOT, bochs
from defects import DEFECTS
from records import verdict

SYSTEM = bochs("system")
PATTERNS = [
    ("fpu-hold", "name=a mem=2M control=on -- seed=7 rounds=14 peers=2"),
    ("clobber", "name=b mem=2M control=on -- seed=3"),
]

other = pytest.mark.skipif(
    bochs().version == SYSTEM.version,
    reason="no newer Bochs than the system's: it is what all other tests run on",
)


@other
@pytest.mark.parametrize("firmware", ["bios", pytest.param("uefi", marks=pytest.mark.nightly)])
def test_two_guests_keep_their_registers_on_the_systems_bochs(boot, firmware):
    result = boot(bochs="system", firmware=firmware, modules=PATTERNS)
    assert result.title.startswith(str(SYSTEM))
    assert result.status == 0
    assert sum(line.startswith("PASS") for line in result.lines("a")) == 12


@other
@pytest.mark.parametrize(
    "policy",
    ["lazy", "swap", *[pytest.param(p, marks=pytest.mark.nightly) for p in ("scrub", "eager", "unload")]],
)
def test_every_policy_holds_on_the_systems_bochs(boot, policy):
    result = boot(bochs="system", opts=f"fpu={policy}", modules=PATTERNS)
    assert result.status == 0
    assert result.one("fpu", cpu=0)["policy"] == policy


@other
@pytest.mark.parametrize(
    "file, words",
    [
        ("exits", "control"),
        ("exits32", "control"),
        ("own-ts", "peers=2"),
        ("nm-table", "state=all"),
    ],
)
def test_the_guests_that_check_the_architecture_on_the_systems_bochs(boot, file, words):
    peer = ("clobber", "name=peer mem=8M control=on -- seed=3")
    modules = [(file, f"name=a mem=8M control=on -- {words}")]
    modules += [] if file.startswith("exits") else [peer]
    result = boot(bochs="system", opts="fpu=lazy", modules=modules)  # arms at every mismatch
    assert [line for line in result.lines("a") if line.startswith("FAIL")] == []
    assert result.status == 0


@other
def test_a_guest_that_does_not_end_is_stopped_on_the_systems_bochs_with_its_registers(boot):
    result = boot(
        bochs="system",
        modules=[("integer", f"name={name} mem=2M control=on -- forever") for name in "ab"],
        until="name=b state=started",
        debugger=True,
    )
    assert "rip: " in result.dump


def test_a_boot_that_hangs_without_the_debugger_is_repeated_with_it(boot):
    """GRUB and the boot take about 2 s; a busy machine only changes where it is stopped."""
    result = boot(opts="panic=halt crash=vector", timeout=10)
    assert result.status == 124
    assert "rip: " in result.dump
    assert "(unk. ctxt)" in result.dump  # and where it stands


def test_the_version_of_bochs_is_said_before_it_boots():
    done = subprocess.run(
        [os.path.join(ROOT, "tools/run")],
        env={**os.environ, "MACHINE": "bochs", "BOCHS": "system", "OPTS": "maxcpus=1"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    version = ".".join(map(str, SYSTEM.version))
    assert re.search(rf"^run: booting Bochs {re.escape(version)} \(", done.stderr, re.M)


@pytest.mark.parametrize(
    "knobs, words",
    [
        ({"BOCHS": "4.0"}, ["BOCHS=4.0", "newest, system"]),
        ({"CPU_MODEL": "z80"}, ["CPU_MODEL=z80", "Bochs", "tigerlake"]),
    ],
)
def test_a_bochs_or_a_model_that_is_not_there_is_a_clear_error(knobs, words):
    done = subprocess.run(
        [os.path.join(ROOT, "tools/run")],
        env={**os.environ, "MACHINE": "bochs", **knobs},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert all(word in done.stderr for word in words), done.stderr


@pytest.mark.parametrize("defect", DEFECTS)
def test_every_defect_is_asked_for_somewhere(defect):
    asking = []
    for pattern in ("tools/*.py", "tests/system/*.py"):
        for path in glob.glob(os.path.join(ROOT, pattern)):
            with open(path, encoding="utf-8") as file:
                text = file.read()
            if "bochs" in text and f'"{defect}"' in text and not path.endswith("/defects.py"):
                asking.append(path)
    assert asking


@pytest.fixture
def broken(tmp_path):
    """A tree whose unpacked Bochs is all there and does not start."""
    shutil.copytree(os.path.join(ROOT, "tools"), tmp_path / "tools")
    unpacked = tmp_path / "build/debian/bochs"
    (unpacked / "bin").mkdir(parents=True)
    (unpacked / "versions").write_text("bochs 3.1\n")
    program = unpacked / "bin/bochs-bin"
    program.write_text("#!/bin/sh\necho no libc\nexit 1\n")
    program.chmod(0o755)
    for name in ("resident.elf", "guest"):
        (tmp_path / "build" / name).symlink_to(os.path.join(ROOT, "build", name))
    return tmp_path


def run_broken(tree, **knobs):
    clean = {name: value for name, value in os.environ.items() if name != "BOCHS"}
    done = subprocess.run(
        ["tools/run"],
        cwd=tree,
        env={**clean, "MACHINE": "bochs", "OPTS": "maxcpus=1", **knobs},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_a_bochs_that_does_not_start_is_told_of_and_the_systems_boots(broken):
    done = run_broken(broken)
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if "does not start" in line]
    assert "the system's Bochs is used" in line and "make distclean" in line
    assert f"run: booting {SYSTEM} (" in done.stderr


@pytest.mark.parametrize("mode", [0o755, 0o644])
def test_asked_for_by_name_a_bochs_that_does_not_start_is_a_clear_error(broken, mode):
    (broken / "build/debian/bochs/bin/bochs-bin").chmod(mode)
    done = run_broken(broken, BOCHS="newest")
    assert done.returncode == 2
    assert all(word in done.stderr for word in ("does not start", "distclean", "BOCHS=system"))


def test_a_systems_bochs_that_does_not_start_is_a_clear_error(broken):
    path = f"{broken}/build/debian/bochs/bin:{os.environ['PATH']}"
    done = run_broken(broken, BOCHS="system", PATH=path)
    assert done.returncode == 2
    assert "does not start. It says: no libc" in done.stderr


class End:
    """What tools/records.py judges of a boot."""

    def __init__(self, console, code, why="ended"):
        self.console, self.code, self.why = console, code, why


@pytest.mark.parametrize("code", [0, 1, 3, -11])
@pytest.mark.parametrize("status", [0, 1])
def test_the_verdict_is_the_end_record_however_the_emulator_ends(status, code):
    assert verdict(End(b"@end status=%d\n" % status, code)) == (status, "")


def test_without_an_end_record_a_boot_has_failed():
    assert verdict(End(b"text\n", 0))[0] == 1
    assert verdict(End(b"text\n", -11))[0] == 3
    assert verdict(End(b"@end status=0\n@end status=0\n", 0))[0] == 1
    assert verdict(End(b"@end status=0\n", 0, "timeout"))[0] == 124
