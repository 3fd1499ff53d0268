"""Which CPU models the Bochs that runs the tests has: newer ones come with newer versions."""

import pytest
from booting import bochs


def models(*names, features=""):
    """Parameters of a test, one a model; one that this Bochs does not know is skipped by name.
    `features` are Bochs' names of what the models get beside what they have."""
    added = f', add_features="{features}"' if features else ""
    return [
        pytest.param(
            name + added,
            marks=pytest.mark.skipif(
                not bochs().knows(name), reason=f"{bochs()} has no CPU model {name}"
            ),
            id="-".join([name, *features.split()]),
        )
        for name in names
    ]
