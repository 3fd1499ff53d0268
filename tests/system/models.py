"""Which CPU models the Bochs that is found has: newer ones come with newer versions."""

import functools
import subprocess

import pytest


@functools.lru_cache(maxsize=None)
def bochs_models():
    result = subprocess.run(
        ["bochs-bin", "--help", "cpu"],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=30,
        check=False,
    )
    return frozenset((result.stdout + result.stderr).split())


def models(*names, features=""):
    """Parameters of a test, one a model; one that this Bochs does not know is skipped by name.
    `features` are Bochs' names of what the models get beside what they have."""
    added = f', add_features="{features}"' if features else ""
    return [
        pytest.param(
            name + added,
            marks=pytest.mark.skipif(
                name not in bochs_models(), reason=f"this Bochs has no CPU model {name}"
            ),
            id="-".join([name, *features.split()]),
        )
        for name in names
    ]
