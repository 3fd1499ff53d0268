"""Boots that are made once for all tests that ask for them. The fixture `boot` in conftest.py is the
way in, and the manual."""

import fcntl
import functools
import hashlib
import os
import pickle
import shutil
import sys
from dataclasses import dataclass

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build")
sys.path.insert(0, os.path.join(ROOT, "tools"))

from bochs import Bochs, installed_bochs  # noqa: E402
from boot import boot_once  # noqa: E402

# What a version of Bochs does wrong: its name here, and the versions.
DEFECTS = {
    "xsavec-xsaves": [(2, 7)],  # they write AVX state over the header, and XRSTOR faults
    "compact-mxcsr": [(3, 0)],  # an XRSTOR that makes SSE state initial leaves MXCSR, if compacted
    "init-zmm-upper": [(2, 7)],  # an XRSTOR that makes AVX state initial zeroes bits 511:256
    "pke-wd-supervisor": [(2, 7)],
}


@dataclass(frozen=True)
class KnownBochs(Bochs):
    def has(self, defect):
        return self.version in DEFECTS[defect]


@functools.lru_cache(maxsize=None)
def bochs():
    return KnownBochs(**vars(installed_bochs()))


def shared_boot(directory, parameters):
    """The boot with these parameters, made once for all test processes that share `directory`."""
    key = hashlib.sha256(repr(sorted(parameters.items())).encode()).hexdigest()[:16]
    work = os.path.join(directory, "boot-" + key)
    with open(work + ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        saved = os.path.join(work, "result")
        if os.path.exists(saved):
            with open(saved, "rb") as file:
                return pickle.load(file)
        shutil.rmtree(work, ignore_errors=True)  # of a boot that was cut short
        os.makedirs(work)
        result = boot_once(work, **parameters)
        with open(saved, "wb") as file:
            pickle.dump(result, file)
        return result
