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


def needs_model(name):
    if not bochs().knows(name):
        pytest.skip(f"{bochs()} has no CPU model {name}")


def vmx_timer(cpu):
    """The boot option for CPUs whose VMX-preemption timer is not used by itself, where a guest must
    leave the CPU with IF=0: a Bochs that loses the exit of an interrupt then cannot do with the
    APIC's."""
    broken = cpu == "corei5_arrandale_m520" and bochs().has("interrupt-exit-if0")
    return "preemption=vmx" if broken else ""
