"""Which Bochs there is: the newest that Debian has or Debian 13's, unpacked by tools/setup, or the
system's."""

import functools
import os
import re
import shutil
import subprocess
import sys

from defects import DEFECTS

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
UNPACKED = os.path.join(ROOT, "build/debian")
CHOICES = ("newest", "system", "trixie")


class BochsError(Exception):
    """There is no such Bochs; the text says what to do."""


class Bochs:
    """One Bochs. `program` starts it, `root` is what stands before the /usr of its files."""

    def __init__(self, program, root):
        self.program, self.root = program, root

    def help(self, *words):
        try:
            done = subprocess.run(
                [self.program, "--help", *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                check=False,
            )
        except OSError as error:
            return str(error)
        return done.stdout

    @functools.cached_property
    def usage(self):
        return self.help()

    @functools.cached_property
    def version(self):
        """As (3, 1)."""
        found = re.search(r"Bochs x86 Emulator (\d+)\.(\d+)", self.usage)
        if not found:
            said = self.usage[-1000:].strip() or "nothing"
            raise BochsError(f"{self.program} does not start. It says: {said}")
        return tuple(map(int, found.groups()))

    @functools.cached_property
    def models(self):
        return set(re.findall(r"^[a-z0-9_]+$", self.help("cpu"), re.M))

    @property
    def debugger_only(self):
        """Built so that the debugger is always there, as slow as that is; else -debugger starts
        it."""
        return "-debugger " not in self.usage

    def knows(self, model):
        return model in self.models

    def has(self, defect):
        """Whether this version has a defect that tools/defects.py knows by this name."""
        return DEFECTS[defect].there(self.version)

    def share(self, path):
        return f"{self.root}/usr/share/{path}"

    def __str__(self):
        return "Bochs " + ".".join(map(str, self.version))


def system():
    program = shutil.which("bochs-bin")
    if program is None:
        raise BochsError("bochs-bin is not installed: run tools/setup run")
    return Bochs(program, "")


def unpacked(name):
    there = os.path.join(UNPACKED, name)
    whole = os.path.exists(os.path.join(there, "versions"))  # written last
    program, root = os.path.join(there, "bin/bochs-bin"), os.path.join(there, "root")
    return Bochs(program, root) if whole else None


def newest():
    return unpacked("bochs")


@functools.cache
def chosen(knob):
    if knob and knob not in CHOICES:
        raise BochsError(f"BOCHS={knob}: it is one of {', '.join(CHOICES)}")
    if knob == "system":
        return system()
    if knob == "trixie":
        found = unpacked("bochs-trixie")
        if not found:
            raise BochsError("Bochs of Debian 13 is not there: run tools/setup peer")
        return found
    found = newest()
    if knob == "newest" and not found:
        raise BochsError(
            "BOCHS=newest, but tools/setup could not get it from Debian: run tools/setup run to "
            "try again; BOCHS=system works with the system's"
        )
    if not found:
        return system()
    try:
        found.version  # starts it
    except BochsError as error:
        if knob == "newest":
            raise BochsError(
                f"{error}\nmake distclean gets it anew; BOCHS=system works with the system's"
            ) from None
        print(
            f"bochs: {found.program} does not start; the system's Bochs is used; "
            "make distclean gets it anew",
            file=sys.stderr,
        )
        return system()
    return found


def bochs(which=""):
    """"newest", "system" or "trixie"; else the one that the knob BOCHS asks for; else the newest that
    starts."""
    return chosen(which or os.environ.get("BOCHS") or "")
