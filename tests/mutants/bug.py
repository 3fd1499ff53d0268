"""What a bug is: a rule of the manual (or of the hypervisor's own contract) that a handler keeps,
the place where it is kept, what stands there if it is not, and the test that must find it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """A check of a guest kernel, on a CPU model of Bochs (the default one if ""), alone or with a
    peer that takes the FPU from it."""

    guest: str
    name: str
    cpu: str = ""
    peer: bool = False


@dataclass(frozen=True)
class Unit:
    """A test of a program in tests/unit."""

    program: str
    name: str


@dataclass(frozen=True)
class Bug:
    name: str
    rule: str
    file: str
    right: str  # stands in the file once
    wrong: str
    found_by: Check | Unit


def check(name, guest="exits", cpu="", peer=False):
    return Check(guest, name, cpu, peer)


def unit(program, name):
    return Unit(program, name)
