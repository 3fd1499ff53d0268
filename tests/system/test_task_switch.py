"""Hardware task switches, made for a guest, are as a CPU alone makes them: the guest task-switch.

It is booted on Bochs without the hypervisor too, which says that its checks are right: each that
passes there has to pass in a VM."""

import os

import pytest
from booting import BUILD, bochs

CPUS = ["tigerlake", "corei5_arrandale_m520"]
CLOBBER = ("clobber", "name=peer mem=8M control=on -- seed=3")
SPOILS = ("entry-cpl-of-cs", "task-exit-mov-ss")

CHECKS = {"": 3, "32": 40}
NEED_HYPERCALLS = {"": 0, "32": 2}


def guest(bits, words=""):
    told = " ".join(defect for defect in SPOILS if bochs().has(defect))
    return f"task-switch{bits}", f"name=a mem=8M -- {words} {told}"


def expect_passes(lines, checks, skips):
    assert not [line for line in lines if line.startswith("FAIL")]
    last = [line for line in lines if line.startswith("RESULT")]
    assert len(last) == 1
    assert f"pass={checks - skips} fail=0 skip={skips}" in last[0]


def skips_in_a_vm(bits):
    return sum(bochs().has(defect) for defect in SPOILS) if bits else 0


@pytest.mark.parametrize("bits", ["", "32"])
@pytest.mark.parametrize("cpu", CPUS)
def test_a_cpu_alone(boot, cpu, bits):
    alone = os.path.join(BUILD, f"guest/task-switch{bits}.elf")
    result = boot(cpu=cpu, hypervisor=alone, protocol=1)
    expect_passes(result.console.splitlines(), CHECKS[bits], NEED_HYPERCALLS[bits])


@pytest.mark.parametrize("bits", ["", "32"])
@pytest.mark.parametrize("cpu", CPUS)
def test_in_a_vm(boot, cpu, bits):
    result = boot(cpu=cpu, modules=[guest(bits)])
    expect_passes(result.lines("a"), CHECKS[bits], skips_in_a_vm(bits))
    assert result.status == 0
    if bits:
        assert result.one("exit", vm="a", reason="task-switch").number("count") > 100


@pytest.mark.parametrize("policy", ["lazy", "swap"])
def test_in_a_vm_beside_one_that_wants_the_fpu(boot, policy):
    """CR0.TS is the guest's own, and the FPU manager's too."""
    result = boot(opts=f"fpu={policy} slice=100", modules=[guest("32"), CLOBBER])
    expect_passes(result.lines("a"), CHECKS["32"], skips_in_a_vm("32"))
    assert result.status == 0
