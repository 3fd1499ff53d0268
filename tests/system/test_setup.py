"""tools/setup and tools/debian where Debian's mirror cannot be reached: with an apt-get that
fails."""

import os
import shutil
import subprocess

import pytest
from booting import ROOT

INSTALLED = """#!/bin/sh
# every package is there
while [ "$1" != -f ]; do shift; done
shift 2
for package; do echo "$package installed"; done
"""


@pytest.fixture
def checkout(tmp_path):
    """A checkout of tools/ alone, and on the path an apt-get and a dpkg-query of the test's."""
    (tmp_path / "checkout/tools").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    for name in ("setup", "debian", "unpacked"):
        shutil.copy(os.path.join(ROOT, "tools", name), tmp_path / "checkout/tools")
    program(tmp_path, "dpkg-query", INSTALLED)
    return tmp_path


def program(directory, name, text):
    path = directory / "bin" / name
    path.write_text(text)
    path.chmod(0o755)


def apt_get(directory, mirror, status):
    program(
        directory,
        "apt-get",
        f'#!/bin/sh\necho "$*" >>"{directory}/asked"\n'
        f'[ "$1" = indextargets ] && {{ echo "{mirror}"; exit 0; }}\n'
        f'echo "E: Could not connect to the mirror"\nexit {status}\n',
    )


def mirror_with(directory, status):
    """A mirror with one package: a Bochs that ends with this status, and a loader."""
    files = directory / "package/usr"
    for path, text in (
        ("bin/bochs-bin", f'#!/bin/sh\necho "asked $*"\nexit {status}\n'),
        ("lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", '#!/bin/sh\nshift 2\nexec "$@"\n'),
    ):
        (files / path).parent.mkdir(parents=True)
        (files / path).write_text(text)
        (files / path).chmod(0o755)
    (directory / "package/DEBIAN").mkdir()
    (directory / "package/DEBIAN/control").write_text(
        "Package: bochs\nVersion: 9\nArchitecture: all\nMaintainer: nobody\nDescription: none\n"
    )
    package = directory / "bochs.deb"
    subprocess.run(
        ["dpkg-deb", "--build", directory / "package", package], check=True, capture_output=True
    )
    program(
        directory,
        "apt-get",
        "#!/bin/sh\n"
        '[ "$1" = indextargets ] && { echo "http://mirror.invalid/debian/"; exit 0; }\n'
        f'case "$*" in *install*) cp {package} "${{3%/*}}/cache/archives/" ;; esac\n',
    )


def run_setup(directory, what="run", **knobs):
    names = ("BOCHS", "MACHINE")
    clean = {name: value for name, value in os.environ.items() if name not in names}
    return subprocess.run(
        ["tools/setup", what],
        cwd=directory / "checkout",
        env={**clean, "PATH": f"{directory}/bin:{os.environ['PATH']}", **knobs},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "mirror, why",
    [
        ("http://mirror.invalid/debian/", "could not be had from the system's mirror"),
        ("cdrom://[Debian]/", "name no http mirror of Debian"),
    ],
)
def test_without_a_mirror_bochs_is_the_systems_and_a_line_says_so(checkout, mirror, why):
    apt_get(checkout, mirror, 100)
    done = run_setup(checkout)
    assert done.returncode == 0
    assert why in done.stderr
    assert done.stderr.count("so Bochs is the system's") == 1
    left = checkout / "checkout/build/debian"
    assert not left.exists() or [path.name for path in left.iterdir()] == ["bochs.lock"]


def test_without_a_mirror_there_is_no_other_hypervisor_to_compare_with(checkout):
    apt_get(checkout, "http://mirror.invalid/debian/", 100)
    done = run_setup(checkout, "peer", BOCHS="system")
    assert done.returncode == 1
    assert "make bench PEER=kvm and make test-nested need these, and Bochs of Debian 13: linux-image" in done.stderr


@pytest.mark.parametrize("knobs", [{"BOCHS": "system"}, {"MACHINE": "kvm"}, {"MACHINE": "tcg"}])
def test_nothing_is_got_that_is_not_wanted(checkout, knobs):
    apt_get(checkout, "http://mirror.invalid/debian/", 100)
    done = run_setup(checkout, **knobs)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (checkout / "asked").exists()


def test_what_is_there_is_kept_and_no_mirror_asked(checkout):
    apt_get(checkout, "http://mirror.invalid/debian/", 100)
    there = checkout / "checkout/build/debian/bochs"
    there.mkdir(parents=True)
    (there / "versions").write_text("bochs 3.1\n")
    done = run_setup(checkout)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (checkout / "asked").exists()


def test_what_starts_is_kept(checkout):
    mirror_with(checkout, 0)
    done = run_setup(checkout)
    assert done.returncode == 0
    assert "so Bochs is the system's" not in done.stderr
    assert (checkout / "checkout/build/debian/bochs/versions").read_text() == "bochs 9\n"


def test_what_does_not_start_is_not_kept_and_a_line_says_so(checkout):
    mirror_with(checkout, 1)
    done = run_setup(checkout)
    assert done.returncode == 0
    assert "asked --help" in done.stderr
    assert "bochs-bin of Debian sid does not start here" in done.stderr
    assert done.stderr.count("so Bochs is the system's") == 1
    left = checkout / "checkout/build/debian"
    assert [path.name for path in left.iterdir()] == ["bochs.lock"]
