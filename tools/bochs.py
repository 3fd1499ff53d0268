"""Which Bochs this is, and which CPU models it has, by what it says of itself."""

import functools
import re
import subprocess
from dataclasses import dataclass


@dataclass(frozen=True)
class Bochs:
    version: tuple  # (2, 7)
    models: frozenset

    def knows(self, model):
        return model in self.models


@functools.lru_cache(maxsize=None)
def installed_bochs():
    said = subprocess.run(
        ["bochs-bin", "--help", "cpu"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    ).stdout
    version = re.search(r"Bochs x86 Emulator (\d+)\.(\d+)", said)
    _, _, models = said.partition("Supported CPU models:")
    return Bochs(
        tuple(int(part) for part in version.groups()) if version else (0, 0),
        frozenset(re.findall(r"^(\w+)$", models, re.M)),
    )
