"""Boots that are made once for all tests that ask for them. The fixture `boot` in conftest.py is
the way in, and the manual."""

import fcntl
import hashlib
import os
import pickle
import shutil
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build")
sys.path.insert(0, os.path.join(ROOT, "tools"))

from bochs import bochs  # noqa: E402
from boot import boot_once  # noqa: E402

__all__ = ["BUILD", "ROOT", "bochs", "made_once", "shared_boot"]


def made_once(directory, name, make):
    """What make(work) returns in the folder of this name, made once for all test processes that
    share `directory`."""
    work = os.path.join(directory, name)
    with open(work + ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        saved = os.path.join(work, "result")
        if os.path.exists(saved):
            with open(saved, "rb") as file:
                return pickle.load(file)
        shutil.rmtree(work, ignore_errors=True)  # of a boot that was cut short
        os.makedirs(work)
        result = make(work)
        with open(saved, "wb") as file:
            pickle.dump(result, file)
        return result


def shared_boot(directory, parameters):
    """The boot with these parameters, made once."""
    key = hashlib.sha256(repr(sorted(parameters.items())).encode()).hexdigest()[:16]
    return made_once(directory, "boot-" + key, lambda work: boot_once(work, **parameters))
